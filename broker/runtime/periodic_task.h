// PeriodicTask: work that is done again and again on an executor, with a pause between the end of
// one run and the start of the next. Any thread; guarded by mu_.
#ifndef WEIR_BROKER_RUNTIME_PERIODIC_TASK_H_
#define WEIR_BROKER_RUNTIME_PERIODIC_TASK_H_

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/runtime/timer_queue.h"
#include "storage/base/executor.h"

namespace weir {

class PeriodicTask {
 public:
  // The first run comes one `pause` from now. `timers` and `executor` outlive this and go on
  // working until it is destroyed.
  PeriodicTask(TimerQueue* timers, Executor* executor, absl::Duration pause,
               absl::AnyInvocable<void()> work);
  // Waits for a run that is queued or under way; none comes after.
  ~PeriodicTask();

 private:
  void Schedule() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnTimer() ABSL_LOCKS_EXCLUDED(mu_);
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  TimerQueue* const timers_;
  Executor* const executor_;
  const absl::Duration pause_;
  absl::AnyInvocable<void()> work_;  // used by one run at a time

  enum class State {
    kWaiting,  // for timer_
    kRunning,  // queued on the executor, or under way
    kStopped,
  };
  absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_);
  TimerQueue::Timer timer_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_PERIODIC_TASK_H_
