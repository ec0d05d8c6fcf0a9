#include "storage/base/clock.h"

#include <time.h>

#include "absl/time/clock.h"

namespace weir {
namespace {
class RealClock : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
  absl::Duration Monotonic() const override {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return absl::DurationFromTimespec(now);
  }
  int64_t CoarseNowMs() const override {
    timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return int64_t{now.tv_sec} * 1'000 + now.tv_nsec / 1'000'000;
  }
};
}  // namespace

Clock& Clock::Real() {
  static RealClock* const clock = new RealClock;
  return *clock;
}

}  // namespace weir
