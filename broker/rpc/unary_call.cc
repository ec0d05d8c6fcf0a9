#include "broker/rpc/unary_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "broker/rpc/request_decoder.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

UnaryCall::UnaryCall(const Services* services, RawCall raw, Kind kind, Message request,
                     Message response)
    : services_(services),
      raw_(raw),
      kind_(kind),
      start_(services->clock->Monotonic()),
      request_(std::move(request)),
      response_(std::move(response)) {}

absl::Status UnaryCall::Receive() {
  WEIR_RETURN_IF_ERROR(services_->calls->Enter());
  WEIR_ASSIGN_OR_RETURN(memory_, DecodeRequest(*raw_.request, kind_.most_bytes,
                                               services_->memory->calls(), request_.get()));
  return absl::OkStatus();
}

void UnaryCall::Start(Work work) {
  absl::Status status = Receive();
  if (status.ok()) status = work();
  if (!status.ok()) End(status);
}

void UnaryCall::StartOnAdmin(Work work) {
  Start([this, &work]() -> absl::Status {
    if (services_->waiting_admin_calls.fetch_add(1) >= limits::kWaitingAdminCalls) {
      services_->waiting_admin_calls.fetch_sub(1);
      return MakeError(Reason::kTooManyRequests,
                       absl::StrCat("the broker lets at most ", limits::kWaitingAdminCalls,
                                    " administrative calls wait"),
                       absl::Seconds(1));
    }
    Post(std::move(work));
    return absl::OkStatus();
  });
}

void UnaryCall::Post(Work work) {
  services_->admin->Post([this, work = std::move(work)]() mutable {
    // Whoever has gone meanwhile does not get what nobody waits for.
    const absl::Status status =
        raw_.context->IsCancelled() ? absl::CancelledError("the caller has gone") : work();
    services_->waiting_admin_calls.fetch_sub(1);
    End(status);
  });
}

void UnaryCall::End(const absl::Status& status) {
  services_->metrics->CountCall(kind_.counted_as, services_->clock->Monotonic() - start_, status);
  if (status.ok()) *raw_.response = ToByteBuffer(*response_);
  Finish(EndStatus(raw_.context, status));
}

void UnaryCall::OnDone() {
  memory_.Release();
  services_->calls->Leave();
  delete this;
}

}  // namespace weir
