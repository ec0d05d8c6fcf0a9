// GrpcServer: the gRPC port with everything behind it: LogService, AdminService, health and
// reflection, and the bounds on what connections may cost. Start, SetServing and Shutdown by one
// thread.
#ifndef WEIR_BROKER_RPC_GRPC_SERVER_H_
#define WEIR_BROKER_RPC_GRPC_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/rpc/services.h"

namespace weir {

struct GrpcServerOptions {
  std::string host;
  int port = 0;              // 0: one that is free
  int64_t buffer_bytes = 0;  // that gRPC may hold in all its connections
};

class GrpcServer {
 public:
  // Listens and serves; health says NOT_SERVING until SetServing. `services` outlives the server.
  // An address in use, or one that is not this machine's, is an error that names it.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options,
                                                           const Services* services);
  // After Shutdown.
  virtual ~GrpcServer() = default;

  virtual int port() const = 0;
  // What health answers from now on. False is final when the broker stops.
  virtual void SetServing(bool serving) = 0;
  // Takes no new calls, waits until those under way are over, and cancels what is left after
  // `grace`. When it returns no call uses the services any more. Once.
  virtual void Shutdown(absl::Duration grace) = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_GRPC_SERVER_H_
