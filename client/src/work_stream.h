// WorkStream: one Work call, from Open to its end; it only hands on, and keeps itself alive until
// it is over. Any thread; guarded by mu_.
#ifndef WEIR_CLIENT_SRC_WORK_STREAM_H_
#define WEIR_CLIENT_SRC_WORK_STREAM_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "client/src/channel.h"
#include "client/src/work_wire.h"

namespace weir::client {

class WorkStream : public StreamEvents {
 public:
  // Who listens; must live until OnWorkEnd has returned.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnWorkWritten(WorkStream* stream) = 0;
    // Calls overlap when Read is called from inside.
    virtual void OnWorkMessage(WorkStream* stream, const SharedBytes& message) = 0;
    // Once, after all others have returned.
    virtual void OnWorkEnd(WorkStream* stream, const absl::Status& status) = 0;
  };

  explicit WorkStream(Listener* listener) : listener_(listener) {}

  // Sends the first message and asks for the first answer. `self` is this.
  void Open(Channel& channel, std::string join, std::shared_ptr<WorkStream> self)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    self_ = std::move(self);
    stream_ = channel.Open(kWork, this);
    Send(std::move(join));
    stream_->Read();
  }
  // Not again before OnWorkWritten.
  void Write(std::string message) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    Send(std::move(message));
  }
  void WriteLast(const std::string& message) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    stream_->WriteLast(message);
  }
  // Asks for one more message, after OnWorkMessage.
  void Read() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    stream_->Read();
  }
  // Ends it soon; `why` is then what OnWorkEnd is told.
  void Cancel(absl::Status why) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (why_.ok()) why_ = std::move(why);
    if (stream_ != nullptr) stream_->Cancel();
  }

 private:
  void OnWritten() override { listener_->OnWorkWritten(this); }
  void OnMessage(SharedBytes message) override { listener_->OnWorkMessage(this, message); }
  void OnClosed(const absl::Status& status) override {
    std::shared_ptr<WorkStream> self;
    absl::Status why;
    {
      absl::MutexLock lock(&mu_);
      self = std::move(self_);
      why = why_.ok() ? status : why_;
    }
    listener_->OnWorkEnd(this, why);
  }
  void Send(std::string message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    auto bytes = std::make_shared<const std::string>(std::move(message));
    stream_->Write(*bytes, "", bytes);
  }

  Listener* const listener_;
  absl::Mutex mu_;
  std::shared_ptr<WorkStream> self_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<Stream> stream_ ABSL_GUARDED_BY(mu_);
  absl::Status why_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_WORK_STREAM_H_
