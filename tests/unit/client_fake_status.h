// How the client tests' brokers say what went wrong, as the real one does. Pure functions, any
// thread.
#ifndef WEIR_TESTS_UNIT_CLIENT_FAKE_STATUS_H_
#define WEIR_TESTS_UNIT_CLIENT_FAKE_STATUS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "storage/base/error.h"
#include "weir/v1/common.pb.h"

namespace weir {

inline v1::Error ErrorOf(const absl::Status& status) {
  v1::Error error;
  const std::optional<Reason> reason = ReasonOf(status);
  if (!reason.has_value()) return error;
  const ErrorInfo& info = InfoOf(*reason);
  error.set_reason(std::string(info.name));
  error.set_message(std::string(status.message()));
  error.set_retryable(info.retryable);
  error.set_effect(info.effect == Effect::kNone ? v1::Error::NONE : v1::Error::UNKNOWN);
  error.set_retry_after_ms(absl::ToInt64Milliseconds(RetryAfterOf(status)));
  return error;
}

inline grpc::Status GrpcStatusOf(grpc::CallbackServerContext* context, const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  if (ReasonOf(status).has_value()) {
    context->AddTrailingMetadata("weir-error-bin", ErrorOf(status).SerializeAsString());
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_CLIENT_FAKE_STATUS_H_
