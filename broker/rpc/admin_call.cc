#include "broker/rpc/admin_call.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/rpc/call_context.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

void EndCall(const Services* services, grpc::CallbackServerContext* context, Call call,
             absl::Duration start, const absl::Status& status, grpc::ServerUnaryReactor* reactor) {
  services->metrics->CountCall(call, services->clock->Monotonic() - start, status);
  reactor->Finish(EndStatus(context, status));
}

grpc::ServerUnaryReactor* RunAdminCall(const Services* services,
                                       grpc::CallbackServerContext* context, Call call,
                                       absl::AnyInvocable<absl::Status()> work) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  const absl::Duration start = services->clock->Monotonic();
  if (const absl::Status stopping = services->calls->Admit(); !stopping.ok()) {
    EndCall(services, context, call, start, stopping, reactor);
    return reactor;
  }
  if (services->waiting_admin_calls.fetch_add(1) >= limits::kWaitingAdminCalls) {
    services->waiting_admin_calls.fetch_sub(1);
    EndCall(services, context, call, start,
            MakeError(Reason::kTooManyRequests,
                      absl::StrCat("the broker lets at most ", limits::kWaitingAdminCalls,
                                   " administrative calls wait"),
                      absl::Seconds(1)),
            reactor);
    return reactor;
  }
  services->admin->Post(
      [services, context, call, start, reactor, work = std::move(work)]() mutable {
        // Whoever has gone meanwhile does not get what nobody waits for.
        const absl::Status status =
            context->IsCancelled() ? absl::CancelledError("the caller has gone") : work();
        services->waiting_admin_calls.fetch_sub(1);
        EndCall(services, context, call, start, status, reactor);
      });
  return reactor;
}

}  // namespace weir
