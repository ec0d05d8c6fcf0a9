#include "broker/partition/tail_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"

namespace weir {

TailReader::TailReader(std::shared_ptr<Partition> partition, Offset from, Waiters* waiters,
                       Executor* disk)
    : partition_(std::move(partition)), waiters_(waiters), disk_(disk), next_(from) {}

void TailReader::Next(int64_t max_bytes, Offset until, OnRead done) {
  Read({.max_bytes = max_bytes, .until = until, .done = std::move(done)}, ReadMode::kCachedOnly);
}

void TailReader::Read(Request request, ReadMode mode) {
  const auto on_disk = [&] {
    disk_->Post([self = shared_from_this(), request = std::move(request)]() mutable {
      self->Read(std::move(request), ReadMode::kMayBlock);
    });
  };
  if (partition_->deleted()) {
    return request.done(MakeError(Reason::kUnknownTopic, "the topic has been deleted"));
  }
  absl::StatusOr<std::shared_ptr<PartitionLog>> log = partition_->log();
  if (*log == nullptr) {
    if (mode == ReadMode::kCachedOnly) return on_disk();
    log = partition_->OpenLog();
    if (!log.ok()) return request.done(log.status());
  }
  absl::StatusOr<LogRead> read = (*log)->Read(next_, request.max_bytes, mode, &cursor_);
  if (mode == ReadMode::kCachedOnly && absl::IsUnavailable(read.status())) return on_disk();
  if (read.ok() && read->batches.size == 0 && next_ < request.until)
    return Wait(std::move(request));
  if (read.ok()) next_ = read->next_offset;
  request.done(std::move(read));
}

void TailReader::Wait(Request request) {
  const auto waiting = std::make_shared<Request>(std::move(request));
  absl::Status failed = absl::CancelledError("reading was ended");
  {
    absl::MutexLock lock(&mu_);
    if (!cancelled_) {
      absl::StatusOr<Waiters::Handle> wait =
          waiters_->Add({{.partition = partition_, .above = next_}}, absl::InfiniteDuration(),
                        [self = shared_from_this(), waiting](WakeReason why) {
                          self->OnWake(std::move(*waiting), why);
                        });
      failed = wait.status();
      if (wait.ok()) wait_ = *std::move(wait);
      // Who deletes a topic first says so, then wakes: one of the two sees the other.
      if (failed.ok() && partition_->deleted()) waiters_->Cancel(wait_);
    }
  }
  if (!failed.ok()) waiting->done(std::move(failed));
}

void TailReader::OnWake(Request request, WakeReason why) {
  if (why == WakeReason::kCancelled && !partition_->deleted()) {
    return request.done(absl::CancelledError("reading was ended"));
  }
  Read(std::move(request), ReadMode::kCachedOnly);
}

void TailReader::Cancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
  if (wait_ != nullptr) waiters_->Cancel(wait_);
}

}  // namespace weir
