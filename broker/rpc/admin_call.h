// RunAdminCall: a rare unary call that may wait for a disk, run on the admin executor so that no
// gRPC thread does. Any thread.
#ifndef WEIR_BROKER_RPC_ADMIN_CALL_H_
#define WEIR_BROKER_RPC_ADMIN_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "broker/rpc/services.h"

namespace weir {

// `work` fills the call's response and returns how the call ends. TOO_MANY_REQUESTS when too many
// wait.
grpc::ServerUnaryReactor* RunAdminCall(const Services* services,
                                       grpc::CallbackServerContext* context, Call call,
                                       absl::AnyInvocable<absl::Status()> work);

// Ends the call; counts it.
void EndCall(const Services* services, grpc::CallbackServerContext* context, Call call,
             absl::Duration start, const absl::Status& status, grpc::ServerUnaryReactor* reactor);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_ADMIN_CALL_H_
