#include "tests/fault/model_calls.h"

#include <grpc/support/time.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"

namespace weir {
namespace {

constexpr int kHangSeconds = 120;  // a call that takes so long has hung

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

void Prepare(grpc::ClientContext* context) {
  context->set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                     gpr_time_from_seconds(kHangSeconds, GPR_TIMESPAN)));
  context->set_wait_for_ready(true);
}

std::string Trailer(const grpc::ClientContext& context, const char* name) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(name);
  if (found == trailers.end()) return "";
  return std::string(found->second.data(), found->second.size());
}

// Both trailers and the status code must say the same.
ModelEnd EndOf(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.ok()) return {};
  v1::Error error;
  const std::string bytes = Trailer(context, "weir-error-bin");
  if (bytes.empty() || !error.ParseFromString(bytes)) {
    return {absl::StrCat("?without a reason: code ", int{status.error_code()}),
            status.error_message()};
  }
  ModelEnd end = weir::EndOf(true, error);
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

template <typename Stub, typename Request, typename Response>
ModelEnd Call(Stub& stub,
              grpc::Status (Stub::*call)(grpc::ClientContext*, const Request&, Response*),
              const Request& request, Response* response) {
  grpc::ClientContext context;
  Prepare(&context);
  const grpc::Status status = (stub.*call)(&context, request, response);
  return EndOf(status, context);
}

}  // namespace

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

ModelCalls::ModelCalls(const std::string& address)
    : channel_(Connect(address)),
      admin_(v1::AdminService::NewStub(channel_)),
      log_(v1::LogService::NewStub(channel_)) {}

ModelEnd ModelCalls::CreateTopic(const v1::CreateTopicRequest& request,
                                 v1::CreateTopicResponse* response) {
  return Call(*admin_, &v1::AdminService::Stub::CreateTopic, request, response);
}

ModelEnd ModelCalls::ListTopics(const v1::ListTopicsRequest& request,
                                v1::ListTopicsResponse* response) {
  return Call(*admin_, &v1::AdminService::Stub::ListTopics, request, response);
}

ModelEnd ModelCalls::DescribeTopic(const v1::DescribeTopicRequest& request,
                                   v1::DescribeTopicResponse* response) {
  return Call(*admin_, &v1::AdminService::Stub::DescribeTopic, request, response);
}

ModelEnd ModelCalls::Produce(const v1::ProduceRequest& request, v1::ProduceResponse* response) {
  return Call(*log_, &v1::LogService::Stub::Produce, request, response);
}

ModelEnd ModelCalls::ProduceStream(const std::vector<v1::ProduceRequest>& requests,
                                   std::vector<v1::ProduceResponse>* responses) {
  grpc::ClientContext context;
  Prepare(&context);
  const auto stream = log_->ProduceStream(&context);
  for (const v1::ProduceRequest& request : requests) stream->Write(request);
  stream->WritesDone();
  v1::ProduceResponse response;
  while (stream->Read(&response)) responses->push_back(response);
  return EndOf(stream->Finish(), context);
}

ModelEnd ModelCalls::Fetch(const v1::FetchRequest& request, v1::FetchResponse* response) {
  return Call(*log_, &v1::LogService::Stub::Fetch, request, response);
}

ModelEnd ModelCalls::FetchStream(const v1::FetchStreamRequest& request,
                                 std::vector<v1::FetchStreamResponse>* responses) {
  grpc::ClientContext context;
  Prepare(&context);
  const auto stream = log_->FetchStream(&context, request);
  v1::FetchStreamResponse response;
  while (stream->Read(&response)) responses->push_back(response);
  return EndOf(stream->Finish(), context);
}

ModelEnd ModelCalls::ListOffsets(const v1::ListOffsetsRequest& request,
                                 v1::ListOffsetsResponse* response) {
  return Call(*log_, &v1::LogService::Stub::ListOffsets, request, response);
}

ModelEnd ModelCalls::InitProducer(const v1::InitProducerRequest& request,
                                  v1::InitProducerResponse* response) {
  return Call(*log_, &v1::LogService::Stub::InitProducer, request, response);
}

}  // namespace weir
