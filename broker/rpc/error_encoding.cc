#include "broker/rpc/error_encoding.h"

#include <string>

#include "storage/base/error.h"

namespace weir {

v1::Error EncodeError(const absl::Status& status) {
  const ErrorInfo& info = InfoOf(ReasonOf(status).value_or(Reason::kInternal));
  v1::Error error;
  error.set_reason(std::string(info.name));
  error.set_message(std::string(status.message()));
  error.set_retryable(info.retryable);
  error.set_effect(info.effect == Effect::kUnknown ? v1::Error::UNKNOWN : v1::Error::NONE);
  error.set_retry_after_ms(absl::ToInt64Milliseconds(RetryAfterOf(status)));
  return error;
}

}  // namespace weir
