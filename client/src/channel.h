// Channel: the one connection of a Client, as the rest of the library sees it: calls that ask once,
// and streams of raw messages. The only place that knows gRPC. Any thread.
#ifndef WEIR_CLIENT_SRC_CHANNEL_H_
#define WEIR_CLIENT_SRC_CHANNEL_H_

#include <google/protobuf/message_lite.h>

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/base/bytes.h"
#include "weir/client.h"

namespace weir::client {

// What a stream tells its user, on threads of gRPC that must not be kept long. OnWritten and
// OnMessage may run at the same time as each other; OnClosed comes once, after all others have
// returned.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  // The message of the last Write is on its way; the next may be written.
  virtual void OnWritten() {}
  // What Read asked for; the next Read may follow, also from inside.
  virtual void OnMessage(SharedBytes message) = 0;
  // The stream is over. OK only when the broker ended it so.
  virtual void OnClosed(const absl::Status& status) = 0;
};

// One call with many messages. After its end, which the user learns by OnClosed, everything does
// nothing. Any thread.
class Stream {
 public:
  virtual ~Stream() = default;
  // Sends `head` and `body` as one message. `owner` keeps `body` alive and is let go once the bytes
  // have left. Not again before OnWritten.
  virtual void Write(absl::string_view head, absl::string_view body,
                     std::shared_ptr<const void> owner) = 0;
  // Write, and says that it was the last. OnWritten does not matter any more.
  virtual void WriteLast(absl::string_view message) = 0;
  // Asks for one message. Not again before OnMessage.
  virtual void Read() = 0;
  // Ends the stream soon.
  virtual void Cancel() = 0;
};

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  explicit Channel(ClientOptions options);
  ~Channel();

  const ClientOptions& options() const { return options_; }

  // Asks once and waits, at most call_timeout. `method` as in "/weir.v1.LogService/Fetch".
  absl::Status Call(const std::string& method, const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite* response);

  // The same without waiting. `done` gets the serialised response on a thread of gRPC and may run
  // before this returns.
  using Done = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;
  void CallAsync(const std::string& method, const google::protobuf::MessageLite& request,
                 Done done);

  // Opens a stream. `events` must live until OnClosed has returned; the stream lives at least so
  // long by itself. Fails, by OnClosed, as soon as it is known that there is no connection.
  std::shared_ptr<Stream> Open(const std::string& method, StreamEvents* events);

  // Is there a connection now? Begins to connect when there is none and no try has just failed;
  // waits a moment for that (20 ms at most).
  bool Connected();
  absl::Status WaitUntilConnected(absl::Duration timeout);

 private:
  struct Grpc;
  const ClientOptions options_;
  std::unique_ptr<Grpc> grpc_;
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_CHANNEL_H_
