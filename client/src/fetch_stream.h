// FetchStream: one FetchStream call, from Open to its end. It decodes and checks what comes on
// gRPC's thread, hands it on, and keeps itself and its Consumer alive until it is over. Any thread;
// guarded by mu_.
#ifndef WEIR_CLIENT_SRC_FETCH_STREAM_H_
#define WEIR_CLIENT_SRC_FETCH_STREAM_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "client/src/channel.h"
#include "client/src/fetch_wire.h"

namespace weir::client {

struct FetchedPartition;

class FetchStream : public StreamEvents {
 public:
  // Who listens. Calls come one at a time, OnEnd last.
  class Listener {
   public:
    virtual ~Listener() = default;
    // `corrupt`: why the batches of `answer` are not all that came.
    virtual void OnFetched(FetchStream* stream, FetchAnswer answer,
                           const absl::Status& corrupt) = 0;
    virtual void OnEnd(FetchStream* stream, const absl::Status& status) = 0;
  };

  FetchStream(std::shared_ptr<Listener> listener, std::shared_ptr<FetchedPartition> partition)
      : listener_(std::move(listener)), partition_(std::move(partition)) {}

  const std::shared_ptr<FetchedPartition>& partition() const { return partition_; }

  // Sends the request and asks for the first answer; nothing after Cancel. `self` is this.
  void Open(Channel& channel, const std::string& request, std::shared_ptr<FetchStream> self)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (cancelled_) return;
    self_ = std::move(self);
    stream_ = channel.Open(kFetchStream, this);
    stream_->WriteLast(request);
    stream_->Read();
  }
  // Asks for one more answer, after OnFetched.
  void Read() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    stream_->Read();
  }
  // Ends it soon, or keeps it from being opened; OnEnd may still come.
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
    if (stream_ != nullptr) stream_->Cancel();
  }

 private:
  void OnMessage(SharedBytes message) override {
    absl::StatusOr<FetchAnswer> answer = DecodeFetch(message);
    if (!answer.ok()) {
      malformed_ = answer.status();
      return Cancel();
    }
    const absl::Status corrupt = KeepSoundBatches(&*answer);
    listener_->OnFetched(this, *std::move(answer), corrupt);
  }
  void OnClosed(const absl::Status& status) override {
    std::shared_ptr<FetchStream> self;
    {
      absl::MutexLock lock(&mu_);
      self = std::move(self_);
    }
    listener_->OnEnd(this, malformed_.ok() ? status : malformed_);
  }

  const std::shared_ptr<Listener> listener_;
  const std::shared_ptr<FetchedPartition> partition_;
  absl::Status malformed_;

  absl::Mutex mu_;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  std::shared_ptr<FetchStream> self_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<Stream> stream_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_FETCH_STREAM_H_
