// ProduceCall: one unary Produce, from its bytes to its answer. Deletes itself when the call is
// over. The call's steps never overlap; OnCancel may come at any time.
#ifndef WEIR_BROKER_RPC_PRODUCE_CALL_H_
#define WEIR_BROKER_RPC_PRODUCE_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>

#include "absl/time/time.h"
#include "broker/limits/admission.h"
#include "broker/rpc/services.h"

namespace weir {

class ProduceCall : public grpc::ServerUnaryReactor {
 public:
  // `request` and `response` are gRPC's, good until the call is over.
  ProduceCall(const Services* services, grpc::CallbackServerContext* context,
              const grpc::ByteBuffer* request, grpc::ByteBuffer* response);

 private:
  absl::Status Start(const grpc::ByteBuffer& request);
  void End(const absl::Status& status, const absl::Status& counted);
  void OnCancel() override { cancelled_.store(true, std::memory_order_relaxed); }
  void OnDone() override;

  const Services* const services_;
  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer* const response_;
  const absl::Duration start_;
  Reservation memory_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_PRODUCE_CALL_H_
