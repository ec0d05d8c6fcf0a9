#include "broker/partition/tail_reader.h"

#include <algorithm>
#include <utility>

#include "storage/base/error.h"

namespace weir {

TailReader::TailReader(std::shared_ptr<Partition> partition, Offset from, Waiters* waiters,
                       Executor* disk, MemoryShare* memory)
    : partition_(std::move(partition)),
      waiters_(waiters),
      disk_(disk),
      memory_(memory),
      next_(from) {}

void TailReader::Next(const Wanted& wanted, OnRead done) {
  Admit({.wanted = wanted,
         .reserve = std::max(wanted.max_bytes, wanted.keep_bytes),
         .done = std::move(done)});
}

bool TailReader::AtEnd() const {
  const std::shared_ptr<PartitionLog> log = partition_->log();
  return log != nullptr && !partition_->deleted() && next_ == log->high_watermark();
}

void TailReader::Admit(Request request) {
  if (AtEnd() && next_ < request.wanted.until) return Wait(std::move(request));
  const int64_t bytes = request.reserve;
  if (std::optional<Reservation> memory = memory_->TryReserve(bytes)) {
    return Read(std::move(request), ReadMode::kCachedOnly, *std::move(memory));
  }
  const auto waiting = std::make_shared<Request>(std::move(request));
  std::optional<Reservation> memory =
      memory_->ReserveOrNotify(bytes, [self = shared_from_this(), waiting](Reservation admitted) {
        self->ReadOnDisk(std::move(*waiting),
                         std::move(admitted));  // only to get off the thread that gave memory back
      });
  if (memory.has_value()) Read(std::move(*waiting), ReadMode::kCachedOnly, *std::move(memory));
}

void TailReader::ReadOnDisk(Request request, Reservation memory) {
  disk_->Post([self = shared_from_this(), request = std::move(request),
               memory = std::move(memory)]() mutable {
    self->Read(std::move(request), ReadMode::kMayBlock, std::move(memory));
  });
}

void TailReader::Read(Request request, ReadMode mode, Reservation memory) {
  if (cancelled()) return request.done(absl::CancelledError("reading was ended"));
  absl::StatusOr<PartitionRead> read = ReadPartition(
      *partition_, next_,
      {.max_bytes = request.wanted.max_bytes, .keep_bytes = request.wanted.keep_bytes}, mode,
      &cursor_, &memory);
  if (NeedsDisk(read.status())) return ReadOnDisk(std::move(request), std::move(memory));
  if (!read.ok()) return request.done(read.status());
  if (read->read.needed > 0) {
    // Not both at once: where it waits for the larger reservation it must not hold the smaller.
    memory.Release();
    request.reserve = read->read.needed;
    return Admit(std::move(request));
  }
  if (read->read.batches.size == 0 && next_ < request.wanted.until) {
    read->memory.Release();
    return Wait(std::move(request));
  }
  next_ = read->read.next_offset;
  request.done(std::move(read));
}

bool TailReader::cancelled() const {
  absl::MutexLock lock(&mu_);
  return cancelled_;
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
  Admit(std::move(request));
}

void TailReader::Cancel() {
  absl::MutexLock lock(&mu_);
  cancelled_ = true;
  if (wait_ != nullptr) waiters_->Cancel(wait_);
}

}  // namespace weir
