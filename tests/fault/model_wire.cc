#include "tests/fault/model_wire.h"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"

namespace weir {
namespace {

constexpr int kHangSeconds = 120;  // a call that takes so long has hung

std::string Trailer(const grpc::ClientContext& context, const char* name) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(name);
  if (found == trailers.end()) return "";
  return std::string(found->second.data(), found->second.size());
}

}  // namespace

std::shared_ptr<grpc::Channel> ConnectModel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

void PrepareCall(grpc::ClientContext* context) {
  context->set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                     gpr_time_from_seconds(kHangSeconds, GPR_TIMESPAN)));
  context->set_wait_for_ready(true);
}

ModelEnd EndOf(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.ok()) return {};
  v1::Error error;
  const std::string bytes = Trailer(context, "weir-error-bin");
  if (bytes.empty() || !error.ParseFromString(bytes)) {
    return {absl::StrCat("?without a reason: code ", int{status.error_code()}),
            status.error_message()};
  }
  ModelEnd end = EndOf(true, error);
  if (Trailer(context, "weir-reason") != error.reason() ||
      error.message() != status.error_message()) {
    return {
        absl::StrCat("?", error.reason(), ", but weir-reason ", Trailer(context, "weir-reason")),
        status.error_message()};
  }
  for (const ErrorInfo& info : AllErrors()) {
    if (info.name == error.reason() &&
        static_cast<int>(info.code) != static_cast<int>(status.error_code())) {
      return {absl::StrCat("?", error.reason(), " with code ", int{status.error_code()}),
              status.error_message()};
    }
  }
  return end;
}

ModelEnd EndOf(bool has_error, const v1::Error& error) {
  if (!has_error) return {};
  for (const ErrorInfo& info : AllErrors()) {
    if (info.name != error.reason()) continue;
    const bool unknown = info.effect == Effect::kUnknown;
    if (info.retryable == error.retryable() && unknown == (error.effect() == v1::Error::UNKNOWN))
      return {error.reason(), error.message()};
    return {absl::StrCat("?", error.reason(), " with retryable or effect unlike the table"),
            error.message()};
  }
  return {absl::StrCat("?", error.reason()), error.message()};
}

ModelEnd EndOf(const absl::Status& status) {
  if (status.ok()) return {};
  const std::optional<Reason> reason = ReasonOf(status);
  if (!reason.has_value()) return {"?without a reason", status.ToString()};
  return {std::string(InfoOf(*reason).name), std::string(status.message())};
}

}  // namespace weir
