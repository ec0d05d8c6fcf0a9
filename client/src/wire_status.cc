#include "client/src/wire_status.h"

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "weir/client.h"

namespace weir::client {

absl::Status StatusOf(const v1::Error& error) {
  for (const ErrorInfo& info : AllErrors()) {
    if (info.name != error.reason()) continue;
    return MakeError(info.reason, error.message(), absl::Milliseconds(error.retry_after_ms()));
  }
  const std::string message = absl::StrCat(error.reason(), ": ", error.message());
  if (error.retryable()) return absl::UnavailableError(message);
  if (error.effect() == v1::Error::NONE) return absl::FailedPreconditionError(message);
  return absl::UnknownError(message);
}

absl::Status StatusOfCall(int code, absl::string_view message, absl::string_view trailer) {
  if (code == 0) return absl::OkStatus();
  v1::Error error;
  if (!trailer.empty() && error.ParseFromArray(trailer.data(), static_cast<int>(trailer.size())) &&
      !error.reason().empty()) {
    return StatusOf(error);
  }
  // gRPC and abseil use the same numbers.
  return absl::Status(static_cast<absl::StatusCode>(code), message);
}

bool MayBeTriedAgain(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  if (reason.has_value()) return InfoOf(*reason).retryable;
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

bool IsPermanent(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  if (reason.has_value()) return !InfoOf(*reason).retryable && *reason != Reason::kInternal;
  return absl::IsUnimplemented(status) || absl::IsUnauthenticated(status) ||
         absl::IsPermissionDenied(status) || absl::IsInvalidArgument(status);
}

absl::Status Certain(const absl::Status& status) {
  if (EffectOf(status) == Effect::kNone) return status;
  return MakeError(
      absl::IsUnimplemented(status) ? Reason::kUnsupportedField : Reason::kInvalidRequest,
      status.message());
}

}  // namespace weir::client

namespace weir {

Effect EffectOf(const absl::Status& status) {
  if (status.ok()) return Effect::kNone;
  const std::optional<Reason> reason = ReasonOf(status);
  return reason.has_value() ? InfoOf(*reason).effect : Effect::kUnknown;
}

}  // namespace weir
