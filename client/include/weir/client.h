// Client: the connection to a broker, from which Admin, Producer and Consumer are made. One Client
// makes one connection however many of them share it; they keep the connection alive by themselves
// and may outlive the Client. Any thread.
//
// Errors everywhere in this library are absl::Status. One that comes from the broker, or that the
// library itself can name, carries a reason: ReasonOf(status), and RetryAfterOf(status) where
// trying again later makes sense (storage/base/error.h). One without a reason comes from the
// transport: UNAVAILABLE (not connected, or the connection broke), DEADLINE_EXCEEDED.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_CLIENT_H_
#define WEIR_CLIENT_INCLUDE_WEIR_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

namespace client {
class Channel;
}

struct ClientOptions {
  // How long to wait before the n-th try in a row: `first` doubled n - 1 times, at most `largest`,
  // and of that a random part between half and all, so that many clients do not come back at the
  // same moment.
  struct Backoff {
    absl::Duration first = absl::Milliseconds(50);
    absl::Duration largest = absl::Seconds(2);
  };

  std::string broker = "127.0.0.1:9095";  // host:port, or any target that gRPC resolves
  std::string client_id = "weir-cpp";     // shown in the broker's logs
  absl::Duration call_timeout =
      absl::Seconds(30);  // of each call that asks once and gets one answer
  // How long a connection may stay silent, streams open, before it is probed; one that does not
  // answer the probe within 20 s is given up. Infinite: never.
  absl::Duration keepalive = absl::Seconds(30);
  Backoff backoff;
  int64_t max_message_bytes =
      limits::kRequestBytes;  // a larger answer fails its call with RESOURCE_EXHAUSTED
};

class Client {
 public:
  // Returns at once; connects when something is first asked of it, and again whenever the
  // connection breaks.
  explicit Client(ClientOptions options = {});

  // Waits until the connection stands. DEADLINE_EXCEEDED after `timeout`. Nothing needs this; it
  // tells a person early that the address is wrong.
  absl::Status WaitUntilConnected(absl::Duration timeout);

  const ClientOptions& options() const;
  // For the other classes of this library.
  const std::shared_ptr<client::Channel>& channel() const { return channel_; }

 private:
  std::shared_ptr<client::Channel> channel_;
};

// May what was asked for have happened although this error came back? kUnknown for a Status without
// a reason.
Effect EffectOf(const absl::Status& status);

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_CLIENT_H_
