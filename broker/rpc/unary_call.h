// UnaryCall: what unary calls with typed messages have in common: counted from arrival to the end,
// refused while the broker stops, and, for those that may wait for a disk, run on the admin
// executor so that no gRPC thread does. Deletes itself when the call is over.
#ifndef WEIR_BROKER_RPC_UNARY_CALL_H_
#define WEIR_BROKER_RPC_UNARY_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/rpc/services.h"

namespace weir {

class UnaryCall : public grpc::ServerUnaryReactor {
 public:
  // Runs `work` on the admin executor; it fills the call's response and returns how the call ends.
  // TOO_MANY_REQUESTS when too many wait. The messages are gRPC's and good until then.
  static UnaryCall* RunOnAdmin(const Services* services, grpc::CallbackServerContext* context,
                               Call call, absl::AnyInvocable<absl::Status()> work);
  // Runs `work` on the calling thread; an error ends the call, otherwise `work` sees to it that End
  // is called once, later or now.
  static UnaryCall* Run(const Services* services, grpc::CallbackServerContext* context, Call call,
                        absl::AnyInvocable<absl::Status(UnaryCall*)> work);

  void End(const absl::Status& status);

 private:
  UnaryCall(const Services* services, grpc::CallbackServerContext* context, Call call);
  ~UnaryCall() override = default;
  void Post(absl::AnyInvocable<absl::Status()> work);
  void OnDone() override;

  const Services* const services_;
  grpc::CallbackServerContext* const context_;
  const Call call_;
  const absl::Duration start_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_UNARY_CALL_H_
