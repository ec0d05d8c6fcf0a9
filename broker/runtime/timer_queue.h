// TimerQueue: callbacks at given times of the injected monotonic clock. Every wait of the broker
// that ends by itself ends here. Not for work: a callback runs on the timer thread and must only
// post, wake or note something. Any thread; guarded by mu_. Callbacks run one at a time, without
// the lock.
#ifndef WEIR_BROKER_RUNTIME_TIMER_QUEUE_H_
#define WEIR_BROKER_RUNTIME_TIMER_QUEUE_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"

namespace weir {

class TimerQueue {
 public:
  // Names one callback. The default names none.
  struct Timer {
    absl::Duration at;
    uint64_t sequence = 0;

    std::strong_ordering operator<=>(const Timer&) const = default;
  };
  enum class Drive {
    kThread,  // a thread of its own runs what is due
    kManual,  // the owner calls RunDue()
  };

  TimerQueue(Clock* clock, Drive drive);
  // Callbacks that are not due are dropped unrun; waits for one that runs now.
  ~TimerQueue();

  // Runs `callback` once the monotonic clock reaches `at`; at once when it has.
  // absl::InfiniteDuration() never comes: nothing is kept.
  Timer Add(absl::Duration at, absl::AnyInvocable<void()> callback) ABSL_LOCKS_EXCLUDED(mu_);

  // True: the callback is gone and will never run. False: it has run, runs at this moment, or never
  // was.
  bool Cancel(const Timer& timer) ABSL_LOCKS_EXCLUDED(mu_);

  // Runs all that is due on the calling thread; returns how many that were.
  int RunDue() ABSL_LOCKS_EXCLUDED(mu_);

  absl::Duration Now() const { return clock_->Monotonic(); }

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  Clock* const clock_;
  absl::Mutex mu_;
  absl::CondVar earlier_
      ABSL_GUARDED_BY(mu_);  // a timer came that is due before all others, or stopping_
  absl::btree_map<Timer, absl::AnyInvocable<void()>> timers_ ABSL_GUARDED_BY(mu_);
  uint64_t last_sequence_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_TIMER_QUEUE_H_
