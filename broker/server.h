// Server: one broker: builds and wires everything in start order, and takes it apart in stop order.
// It decides nothing about records, topics or requests. Start, Stop and the destructor by one
// thread.
#ifndef WEIR_BROKER_SERVER_H_
#define WEIR_BROKER_SERVER_H_

#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/config.h"

namespace weir {

class Server {
 public:
  // Recovers the data directory and serves. `on_fenced` is called once, on any thread, when the
  // directory takes no more writes: the process is to end soon, without Stop. Errors say what to
  // do; what was acknowledged is untouched.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const BrokerConfig& config, std::function<void(const absl::Status&)> on_fenced);

  // Stops in an orderly way if Stop was not called.
  virtual ~Server() = default;

  // Where it listens, with the ports that were chosen.
  virtual Endpoint grpc() const = 0;
  virtual Endpoint http() const = 0;

  // Refuses new work, answers what was accepted, flushes and marks the directory clean. Calls that
  // are not over after `grace` are cut off. OK: all is on disk. Once.
  virtual absl::Status Stop(absl::Duration grace) = 0;

  // After a fence: health says so, and answers that are under way get a moment (at most `grace`) to
  // go out. Nothing is written any more.
  virtual void SayFarewell(absl::Duration grace) = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_SERVER_H_
