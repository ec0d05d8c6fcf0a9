// KeyedTimers: one timer for a key, whose task runs on a strand. Set, Cancel and CancelAll are
// called on that strand only, so that a timer that was cancelled or set anew never runs its old
// task, also when it was due already. Guarded by mu_ only where the timer queue's thread meets
// it.
#ifndef WEIR_BROKER_RUNTIME_KEYED_TIMERS_H_
#define WEIR_BROKER_RUNTIME_KEYED_TIMERS_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/runtime/strand.h"
#include "broker/runtime/timer_queue.h"

namespace weir {

class KeyedTimers {
 public:
  // Both outlive Close().
  KeyedTimers(TimerQueue* queue, Strand* strand) : queue_(queue), strand_(strand) {}

  // Runs `task` once when the monotonic clock reaches `at`, in place of what the key had.
  void Set(absl::string_view key, absl::Duration at, absl::AnyInvocable<void()> task)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Cancel(absl::string_view key) ABSL_LOCKS_EXCLUDED(mu_);
  void CancelAll() ABSL_LOCKS_EXCLUDED(mu_);
  bool contains(absl::string_view key) const { return entries_.contains(key); }

  // Cancels all, and waits until nothing of this is posted any more. The strand may still have
  // tasks of this, which do nothing: it must run them before this goes.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Entry {
    TimerQueue::Timer timer;
    uint64_t generation = 0;
    absl::AnyInvocable<void()> task;
  };

  void OnDue(const std::string& key, uint64_t generation);
  void Drop(const Entry& entry) ABSL_LOCKS_EXCLUDED(mu_);

  TimerQueue* const queue_;
  Strand* const strand_;
  absl::flat_hash_map<std::string, Entry> entries_;  // the strand's
  uint64_t last_generation_ = 0;                     // the strand's

  absl::Mutex mu_;
  int64_t in_queue_ ABSL_GUARDED_BY(mu_) = 0;  // timers that are in the queue, or post just now
};

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_KEYED_TIMERS_H_
