#include "tests/support/sim_clock.h"

#include "storage/base/check.h"

namespace weir {

// 2026-01-01 00:00 UTC. The monotonic clock starts elsewhere, so that a mix-up of the two shows.
SimClock::SimClock() : wall_(absl::FromUnixSeconds(1767225600)), monotonic_(absl::Seconds(1000)) {}

absl::Time SimClock::Now() const {
  absl::MutexLock lock(&mu_);
  return wall_;
}

absl::Duration SimClock::Monotonic() const {
  absl::MutexLock lock(&mu_);
  return monotonic_;
}

void SimClock::Advance(absl::Duration by) {
  WEIR_CHECK(by >= absl::ZeroDuration());
  absl::MutexLock lock(&mu_);
  wall_ += by;
  monotonic_ += by;
}

void SimClock::JumpWall(absl::Duration by) {
  absl::MutexLock lock(&mu_);
  wall_ += by;
}

}  // namespace weir
