// Fetch: one read of any number of partitions that returns when enough is there, when anything is
// wrong, or when its time is up. Whole batches as stored; nothing is decoded. What is in memory is
// read on the calling thread, the rest by the disk executor.
#ifndef WEIR_BROKER_PARTITION_FETCH_H_
#define WEIR_BROKER_PARTITION_FETCH_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/limits/admission.h"
#include "broker/partition/partition.h"
#include "broker/partition/partition_read.h"
#include "broker/runtime/waiters.h"
#include "storage/base/executor.h"
#include "storage/base/types.h"

namespace weir {

struct FetchQuery {
  std::shared_ptr<Partition> partition;
  absl::Status status;  // set: there is no such partition; the answer repeats it
  Offset offset;
  int64_t max_bytes = 0;
};

struct FetchLimits {
  int64_t max_bytes = 0;
  int64_t min_bytes = 1;    // not waited for when something that is there did not fit the answer
  absl::Duration deadline;  // monotonic
};

// One fetch. Start once; any thread may Cancel. Guarded by mu_ only where a cancel can meet the
// fetch's own steps, which never overlap.
class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  // One result a query, in their order. Partitions for which there was no room have no batches and
  // no error.
  using Results = std::vector<absl::StatusOr<PartitionRead>>;
  using OnDone = absl::AnyInvocable<void(absl::StatusOr<Results>)>;

  // `first` is the query to begin with: the one that gets the room when there is not enough for
  // all. `waiters` and `disk` outlive the fetch.
  Fetch(std::vector<FetchQuery> queries, size_t first, FetchLimits limits, Waiters* waiters,
        Executor* disk, MemoryShare* memory);

  // `done` is called once, on the calling thread or an executor's. CANCELLED, TOO_MANY_REQUESTS;
  // anything else is in the results.
  void Start(OnDone done);

  // Ends it with CANCELLED if it waits, or when it is about to.
  void Cancel() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void ReadAll(ReadMode mode, size_t begin);
  // Reads one query, or says that the disk has to be waited for (UNAVAILABLE, kCachedOnly only).
  absl::StatusOr<PartitionRead> ReadOne(const FetchQuery& query, ReadMode mode, int64_t room);
  // Reads at most `max_bytes` (0 at the end of the log, where nothing is expected), or one batch of
  // at most `room`; nothing when it does not fit there, or when there is no memory but other
  // queries have brought something.
  absl::StatusOr<std::optional<PartitionRead>> ReadReserved(const FetchQuery& query, ReadMode mode,
                                                            int64_t max_bytes, int64_t room);
  bool Enough() const;
  void Wait() ABSL_LOCKS_EXCLUDED(mu_);
  void OnWake(WakeReason why);
  void Finish(absl::Status status);

  const std::vector<FetchQuery> queries_;
  const size_t first_;
  const FetchLimits limits_;
  Waiters* const waiters_;
  Executor* const disk_;
  MemoryShare* const memory_;
  OnDone done_;
  Results results_;
  int64_t bytes_ = 0;         // in results_
  bool failed_ = false;       // some result is an error
  bool left_behind_ = false;  // some result ends below the high watermark
  bool last_try_ = false;     // the time is up: what is read now is the answer

  absl::Mutex mu_;
  Waiters::Handle wait_ ABSL_GUARDED_BY(mu_);
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_FETCH_H_
