// TailReader: one reader's walk along one partition: what is in memory at once, what is not by way
// of the disk executor, and at the end of the log it waits. It remembers only where it stands. One
// call of Next at a time; its callback comes on the calling thread or an executor's, and may call
// Next again.
#ifndef WEIR_BROKER_PARTITION_TAIL_READER_H_
#define WEIR_BROKER_PARTITION_TAIL_READER_H_

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/limits/admission.h"
#include "broker/partition/partition.h"
#include "broker/partition/partition_read.h"
#include "broker/runtime/waiters.h"
#include "storage/base/executor.h"
#include "storage/base/types.h"

namespace weir {

class TailReader : public std::enable_shared_from_this<TailReader> {
 public:
  // What was read; empty when `until` is reached. OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC (deleted
  // meanwhile), TOO_MANY_REQUESTS, CANCELLED, or what the log says.
  using OnRead = absl::AnyInvocable<void(absl::StatusOr<PartitionRead>)>;

  // `waiters`, `disk` and `memory` outlive the reader.
  TailReader(std::shared_ptr<Partition> partition, Offset from, Waiters* waiters, Executor* disk,
             MemoryShare* memory);

  // Reads on, at most `max_bytes` but at least one batch. Waits for memory, for `keep_bytes` at
  // least, which are then held whatever the batches need; at the end of the log waits for more,
  // holding none, unless it is at or beyond `until`.
  struct Wanted {
    int64_t max_bytes = 0;
    Offset until;
    int64_t keep_bytes = 0;
  };
  void Next(const Wanted& wanted, OnRead done) ABSL_LOCKS_EXCLUDED(mu_);

  // Goes on at `from` instead.
  void Seek(Offset from) { next_ = from; }
  Offset position() const { return next_; }

  // Ends the wait under way and all to come with CANCELLED. Any thread.
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Request {
    Wanted wanted;
    int64_t reserve;  // bytes, for what is read
    OnRead done;
  };
  bool AtEnd() const;
  // Reserves memory, now or later, and goes on with Read.
  void Admit(Request request) ABSL_LOCKS_EXCLUDED(mu_);
  void Read(Request request, ReadMode mode, Reservation memory) ABSL_LOCKS_EXCLUDED(mu_);
  void ReadOnDisk(Request request, Reservation memory);
  void Wait(Request request) ABSL_LOCKS_EXCLUDED(mu_);
  void OnWake(Request request, WakeReason why);
  bool cancelled() const ABSL_LOCKS_EXCLUDED(mu_);

  const std::shared_ptr<Partition> partition_;
  Waiters* const waiters_;
  Executor* const disk_;
  MemoryShare* const memory_;
  Offset next_;
  ReadCursor cursor_;

  mutable absl::Mutex mu_;
  Waiters::Handle wait_ ABSL_GUARDED_BY(mu_);
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_TAIL_READER_H_
