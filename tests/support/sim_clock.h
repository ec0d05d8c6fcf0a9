// SimClock: a clock that stands still until the test moves it. Any thread; guarded by mu_.
#ifndef WEIR_TESTS_SUPPORT_SIM_CLOCK_H_
#define WEIR_TESTS_SUPPORT_SIM_CLOCK_H_

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"

namespace weir {

class SimClock : public Clock {
 public:
  // Starts at a fixed day, the same in every run.
  SimClock();

  absl::Time Now() const override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Duration Monotonic() const override ABSL_LOCKS_EXCLUDED(mu_);

  // Time passes: both clocks move by `by`, which is not negative.
  void Advance(absl::Duration by) ABSL_LOCKS_EXCLUDED(mu_);
  // Somebody sets the wall clock, forward or back; no time passes.
  void JumpWall(absl::Duration by) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  absl::Time wall_ ABSL_GUARDED_BY(mu_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SIM_CLOCK_H_
