#include "broker/rpc/unary_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

UnaryCall::UnaryCall(const Services* services, grpc::CallbackServerContext* context, Call call)
    : services_(services), context_(context), call_(call), start_(services->clock->Monotonic()) {}

UnaryCall* UnaryCall::Run(const Services* services, grpc::CallbackServerContext* context, Call call,
                          absl::AnyInvocable<absl::Status(UnaryCall*)> work) {
  auto* const self = new UnaryCall(services, context, call);
  absl::Status status = services->calls->Enter();
  if (status.ok()) status = work(self);
  if (!status.ok()) self->End(status);
  return self;
}

UnaryCall* UnaryCall::RunOnAdmin(const Services* services, grpc::CallbackServerContext* context,
                                 Call call, absl::AnyInvocable<absl::Status()> work) {
  return Run(services, context, call, [services, &work](UnaryCall* self) -> absl::Status {
    if (services->waiting_admin_calls.fetch_add(1) >= limits::kWaitingAdminCalls) {
      services->waiting_admin_calls.fetch_sub(1);
      return MakeError(Reason::kTooManyRequests,
                       absl::StrCat("the broker lets at most ", limits::kWaitingAdminCalls,
                                    " administrative calls wait"),
                       absl::Seconds(1));
    }
    self->Post(std::move(work));
    return absl::OkStatus();
  });
}

void UnaryCall::Post(absl::AnyInvocable<absl::Status()> work) {
  services_->admin->Post([this, work = std::move(work)]() mutable {
    // Whoever has gone meanwhile does not get what nobody waits for.
    const absl::Status status =
        context_->IsCancelled() ? absl::CancelledError("the caller has gone") : work();
    services_->waiting_admin_calls.fetch_sub(1);
    End(status);
  });
}

void UnaryCall::End(const absl::Status& status) {
  services_->metrics->CountCall(call_, services_->clock->Monotonic() - start_, status);
  Finish(EndStatus(context_, status));
}

void UnaryCall::OnDone() {
  services_->calls->Leave();
  delete this;
}

}  // namespace weir
