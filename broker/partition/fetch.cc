#include "broker/partition/fetch.h"

#include <algorithm>
#include <utility>

#include "storage/base/check.h"

namespace weir {

Fetch::Fetch(std::vector<FetchQuery> queries, size_t first, FetchLimits limits, Waiters* waiters,
             Executor* disk, MemoryShare* memory)
    : queries_(std::move(queries)),
      first_(first),
      limits_(limits),
      waiters_(waiters),
      disk_(disk),
      memory_(memory) {}

void Fetch::Start(OnDone done) {
  done_ = std::move(done);
  ReadAll(ReadMode::kCachedOnly, 0);
}

void Fetch::ReadAll(ReadMode mode, size_t begin) {
  if (begin == 0) {
    results_.clear();
    results_.resize(queries_.size());
    bytes_ = 0;
    failed_ = false;
    left_behind_ = false;
  }
  for (size_t i = begin; i < queries_.size(); ++i) {
    const size_t at = (first_ + i) % queries_.size();
    absl::StatusOr<PartitionRead>& result = results_[at];
    result = ReadOne(queries_[at], mode, limits_.max_bytes - bytes_);
    if (mode == ReadMode::kCachedOnly && NeedsDisk(result.status())) {
      disk_->Post([self = shared_from_this(), i] { self->ReadAll(ReadMode::kMayBlock, i); });
      return;
    }
    failed_ |= !result.ok();
    if (!result.ok()) continue;
    bytes_ += static_cast<int64_t>(result->read.batches.size);
    left_behind_ |= result->read.next_offset < result->read.high_watermark;
  }
  if (last_try_ || Enough()) return Finish(absl::OkStatus());
  Wait();
}

absl::StatusOr<PartitionRead> Fetch::ReadOne(const FetchQuery& query, ReadMode mode, int64_t room) {
  if (!query.status.ok()) return query.status;
  std::shared_ptr<PartitionLog> log = query.partition->log();
  if (log == nullptr) {
    if (mode == ReadMode::kCachedOnly) return absl::UnavailableError("the log is not open");
    WEIR_ASSIGN_OR_RETURN(log, query.partition->OpenLog());
  }
  const int64_t max_bytes = std::min(query.max_bytes, room);
  const bool at_end = query.offset >= log->high_watermark();
  if (max_bytes > 0) {
    WEIR_ASSIGN_OR_RETURN(std::optional<PartitionRead> read,
                          ReadReserved(query, mode, at_end ? 0 : max_bytes, room));
    if (read.has_value()) return *std::move(read);
  }
  WEIR_RETURN_IF_ERROR(log->CheckOffset(query.offset));
  return PartitionRead{.read = {.next_offset = query.offset,
                                .high_watermark = log->high_watermark(),
                                .log_start = log->log_start()}};
}

absl::StatusOr<std::optional<PartitionRead>> Fetch::ReadReserved(const FetchQuery& query,
                                                                 ReadMode mode, int64_t max_bytes,
                                                                 int64_t room) {
  for (int64_t needed = max_bytes;;) {
    std::optional<Reservation> memory = Reservation();
    if (needed > 0) memory = memory_->TryReserve(needed);
    if (!memory.has_value() && bytes_ == 0) return OverMemoryBudget(*memory_, needed);
    if (!memory.has_value()) return std::nullopt;
    WEIR_ASSIGN_OR_RETURN(PartitionRead read,
                          ReadPartition(*query.partition, query.offset, {.max_bytes = max_bytes},
                                        mode, nullptr, &*memory));
    if (read.read.needed == 0) return read;
    // One batch larger than asked for comes only if it fits the answer, or is all of it.
    needed = read.read.needed;
    if (bytes_ > 0 && needed > room) return std::nullopt;
  }
}

bool Fetch::Enough() const {
  if (failed_ || queries_.empty()) return true;
  // What is left behind did not fit, or lies in the next segment: waiting would not bring it.
  if (bytes_ > 0 && left_behind_) return true;
  return bytes_ >= std::min(limits_.min_bytes, limits_.max_bytes);
}

void Fetch::Wait() {
  std::vector<Waiters::Target> targets;
  targets.reserve(queries_.size());
  bool deleted = false;
  for (size_t i = 0; i < queries_.size(); ++i) {
    targets.push_back(
        {.partition = queries_[i].partition, .above = results_[i]->read.high_watermark});
  }
  results_.clear();  // who waits holds nothing; what there was is read again
  absl::Status failed = absl::CancelledError("the fetch was ended");
  {
    absl::MutexLock lock(&mu_);
    if (!cancelled_) {
      absl::StatusOr<Waiters::Handle> wait =
          waiters_->Add(std::move(targets), limits_.deadline,
                        [self = shared_from_this()](WakeReason why) { self->OnWake(why); });
      failed = wait.status();
      if (wait.ok()) wait_ = *std::move(wait);
      // Who deletes a topic first says so, then wakes: one of the two sees the other.
      for (const FetchQuery& query : queries_) deleted |= query.partition->deleted();
      if (failed.ok() && deleted) waiters_->Cancel(wait_);
    }
  }
  if (!failed.ok()) Finish(std::move(failed));
}

void Fetch::OnWake(WakeReason why) {
  bool cancelled = false;
  {
    absl::MutexLock lock(&mu_);
    cancelled = cancelled_;
  }
  if (cancelled) return Finish(absl::CancelledError("the fetch was ended"));
  // When the time is up, or the broker stops, what there is now is the answer.
  last_try_ = why != WakeReason::kMoved;
  ReadAll(ReadMode::kCachedOnly, 0);
}

void Fetch::Finish(absl::Status status) {
  OnDone done = std::move(done_);
  if (!status.ok()) return done(std::move(status));
  done(std::move(results_));
}

void Fetch::Cancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
  if (wait_ != nullptr) waiters_->Cancel(wait_);
}

}  // namespace weir
