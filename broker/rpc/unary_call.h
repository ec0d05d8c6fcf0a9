// UnaryCall: what unary calls that decode their whole request have in common: bounded and reserved
// before it is decoded, counted from arrival to the end, refused while the broker stops, and, for
// those that may wait for a disk, run on the admin executor so that no gRPC thread does. Deletes
// itself when the call is over.
#ifndef WEIR_BROKER_RPC_UNARY_CALL_H_
#define WEIR_BROKER_RPC_UNARY_CALL_H_

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/limits/admission.h"
#include "broker/rpc/services.h"

namespace weir {

// A call as gRPC hands it over; all of it is gRPC's and good until the call is over.
struct RawCall {
  grpc::CallbackServerContext* context;
  const grpc::ByteBuffer* request;
  grpc::ByteBuffer* response;
};

class UnaryCall : public grpc::ServerUnaryReactor {
 public:
  struct Kind {
    Call counted_as;
    int64_t most_bytes;  // of the request
  };

  // Runs `work` on the admin executor; it fills the response and returns how the call ends.
  // TOO_MANY_REQUESTS when too many wait.
  template <typename Request, typename Response>
  static UnaryCall* RunOnAdmin(const Services* services, RawCall raw, Kind kind,
                               absl::Status (*work)(const Services&, const Request&, Response*)) {
    auto* const self = Make<Request, Response>(services, raw, kind);
    self->StartOnAdmin([self, work] {
      return work(*self->services_, static_cast<const Request&>(*self->request_),
                  static_cast<Response*>(self->response_.get()));
    });
    return self;
  }

  // Runs `work` on the calling thread; an error ends the call, otherwise `work` sees to it that End
  // is called once, later or now. Request and response are good until then.
  template <typename Request, typename Response>
  static UnaryCall* Run(const Services* services, RawCall raw, Kind kind,
                        absl::Status (*work)(const Services&, const Request&, Response*,
                                             UnaryCall*)) {
    auto* const self = Make<Request, Response>(services, raw, kind);
    self->Start([self, work] {
      return work(*self->services_, static_cast<const Request&>(*self->request_),
                  static_cast<Response*>(self->response_.get()), self);
    });
    return self;
  }

  void End(const absl::Status& status);
  // The caller waits no more. Until End.
  bool gone() const { return raw_.context->IsCancelled(); }

 private:
  using Message = std::unique_ptr<google::protobuf::Message>;
  using Work = absl::AnyInvocable<absl::Status()>;

  template <typename Request, typename Response>
  static UnaryCall* Make(const Services* services, RawCall raw, Kind kind) {
    return new UnaryCall(services, raw, kind, std::make_unique<Request>(),
                         std::make_unique<Response>());
  }

  UnaryCall(const Services* services, RawCall raw, Kind kind, Message request, Message response);
  ~UnaryCall() override = default;
  void Start(Work work);
  void StartOnAdmin(Work work);
  absl::Status Receive();
  void Post(Work work);
  void OnDone() override;

  const Services* const services_;
  const RawCall raw_;
  const Kind kind_;
  const absl::Duration start_;
  const Message request_;
  const Message response_;
  Reservation memory_;  // for both, and for the request's bytes, which are gRPC's
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_UNARY_CALL_H_
