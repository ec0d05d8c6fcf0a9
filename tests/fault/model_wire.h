// The model's calls on the wire: a connection, a call that is waited for, and how it ended in the
// words of the error table. Pure functions, any thread.
#ifndef WEIR_TESTS_FAULT_MODEL_WIRE_H_
#define WEIR_TESTS_FAULT_MODEL_WIRE_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "weir/v1/common.pb.h"

namespace weir {

// How a call, or one item of it, ended: the reason as on the wire, empty when it went well; what is
// no reason of the table begins with '?'.
struct ModelEnd {
  std::string reason;
  std::string message;

  bool ok() const { return reason.empty(); }
};

// Of an item; OK when it has none.
ModelEnd EndOf(bool has_error, const v1::Error& error);
// Of a call of the client library.
ModelEnd EndOf(const absl::Status& status);
// Of a call by a stub. Both trailers and the status code must say the same.
ModelEnd EndOf(const grpc::Status& status, const grpc::ClientContext& context);

std::shared_ptr<grpc::Channel> ConnectModel(const std::string& address);
// Waits for the broker, but not for ever.
void PrepareCall(grpc::ClientContext* context);

template <typename Stub, typename Request, typename Response>
ModelEnd CallModel(Stub& stub,
                   grpc::Status (Stub::*call)(grpc::ClientContext*, const Request&, Response*),
                   const Request& request, Response* response) {
  grpc::ClientContext context;
  PrepareCall(&context);
  const grpc::Status status = (stub.*call)(&context, request, response);
  return EndOf(status, context);
}

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MODEL_WIRE_H_
