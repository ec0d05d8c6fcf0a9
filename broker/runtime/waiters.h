// Waiters: readers that wait until a partition has more to read, or until a deadline. It holds no
// payload and no connection, only what to call. One wait may name many partitions; the first that
// moves ends it.
//
// Any thread. A partition that moves while nobody waits costs one atomic operation. Partitions are
// spread over shards, each guarded by its own lock; no two of these locks are ever held at once.
#ifndef WEIR_BROKER_RUNTIME_WAITERS_H_
#define WEIR_BROKER_RUNTIME_WAITERS_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/functional/any_invocable.h"
#include "absl/hash/hash.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/runtime/timer_queue.h"
#include "storage/base/executor.h"
#include "storage/base/types.h"

namespace weir {

// What can be waited for: a partition, seen from here.
class Watched {
 public:
  virtual ~Watched() = default;
  virtual const TopicPartition& id() const = 0;
  virtual Offset high_watermark() const = 0;
};

enum class WakeReason {
  kMoved,  // a partition's high watermark passed what the wait named, or the partition is no more
  kDeadline,
  kCancelled,  // by Cancel, or by Stop
};

class Waiters {
 public:
  // Wakes when the partition's high watermark is above `above`.
  struct Target {
    std::shared_ptr<const Watched> partition;
    Offset above;
  };
  struct Wait;
  using Handle = std::shared_ptr<Wait>;

  // `executor` runs the wake-ups. At most `limit` waits at a time.
  Waiters(TimerQueue* timers, Executor* executor, size_t limit);
  // Nobody waits any more: Stop() came before, and the executor has run what it caused.
  ~Waiters() = default;

  // Calls `wake` exactly once, on the executor (perhaps before this returns). `deadline` is on the
  // monotonic clock; absl::InfiniteDuration() for none. Without targets the wait is for it alone.
  // TOO_MANY_REQUESTS when `limit` others wait: then `wake` is never called.
  absl::StatusOr<Handle> Add(std::vector<Target> targets, absl::Duration deadline,
                             absl::AnyInvocable<void(WakeReason)> wake);

  // Ends the wait with kCancelled, unless it has ended.
  void Cancel(const Handle& wait) { End(wait, WakeReason::kCancelled); }

  // The partition's high watermark has moved to `reached`.
  void OnHighWatermark(const TopicPartition& id, Offset reached);

  // Ends every wait for the partition with kMoved: it is being deleted, who waits shall look again.
  void WakeAll(const TopicPartition& id);

  // Ends all waits, and every later one at once, with kCancelled.
  void Stop();

  size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kShards = 64;
  struct Entry {
    Handle wait;
    Offset above;
  };
  using Entries = absl::InlinedVector<Entry, 1>;
  struct alignas(64) Shard {
    std::atomic<size_t> count{0};  // of the entries below, changed under the lock, asked without it
    absl::Mutex mu;
    absl::flat_hash_map<TopicPartition, Entries> entries ABSL_GUARDED_BY(mu);
  };

  Shard& ShardOf(const TopicPartition& id) { return shards_[absl::HashOf(id) % kShards]; }
  void Link(const Handle& wait);
  void Unlink(const Handle& wait);
  // Ends the waits for the partition that name an offset below `reached`.
  void EndBelow(const TopicPartition& id, Offset reached);
  void End(const Handle& wait, WakeReason reason);

  TimerQueue* const timers_;
  Executor* const executor_;
  const size_t limit_;
  std::atomic<size_t> size_{0};
  std::atomic<bool> stopped_{false};
  std::array<Shard, kShards> shards_;
  absl::Mutex timed_mu_;
  absl::flat_hash_set<Handle> timed_ ABSL_GUARDED_BY(timed_mu_);  // those for a deadline alone
};

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_WAITERS_H_
