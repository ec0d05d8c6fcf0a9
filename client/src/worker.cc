#include "weir/worker.h"

#include <utility>

#include "client/src/worker_core.h"

namespace weir {

JobResult::JobResult(const absl::Status& status)
    : outcome(status.ok() ? Outcome::kAccept : Outcome::kRelease),
      error(status.ok() ? std::string() : status.ToString()) {}

Worker::Worker(const Client& client, WorkerOptions options, Handler handler)
    : core_(std::make_unique<Core>(client.channel(), std::move(options), std::move(handler))) {}

Worker::~Worker() {
  if (core_ != nullptr) core_->Stop(absl::Seconds(30)).IgnoreError();
}

Worker::Worker(Worker&&) noexcept = default;

void Worker::RequestStop() { core_->RequestStop(); }
absl::Status Worker::Wait(absl::Duration max_wait) { return core_->Wait(max_wait); }
absl::Status Worker::Stop(absl::Duration max_wait) { return core_->Stop(max_wait); }
WorkerCounters Worker::counters() const { return core_->counters(); }
absl::Status Worker::last_error() const { return core_->last_error(); }

}  // namespace weir
