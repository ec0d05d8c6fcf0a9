#include <gtest/gtest.h>

#include "storage/base/clock.h"
#include "tests/support/sim_clock.h"

namespace weir {
namespace {

TEST(ClockTest, TheRealMonotonicClockNeverGoesBack) {
  absl::Duration last = Clock::Real().Monotonic();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = Clock::Real().Monotonic();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(SimClockTest, StandsStillUntilItIsMoved) {
  SimClock clock;
  const absl::Time wall = clock.Now();
  const absl::Duration monotonic = clock.Monotonic();
  EXPECT_EQ(clock.Now(), wall);
  clock.Advance(absl::Milliseconds(1500));
  EXPECT_EQ(clock.Now() - wall, absl::Milliseconds(1500));
  EXPECT_EQ(clock.Monotonic() - monotonic, absl::Milliseconds(1500));
}

TEST(SimClockTest, SettingTheWallClockIsNoTime) {
  SimClock clock;
  const int64_t wall_ms = clock.NowMs();
  const absl::Duration monotonic = clock.Monotonic();
  clock.JumpWall(-absl::Hours(1));
  EXPECT_EQ(clock.NowMs(), wall_ms - 3'600'000);
  EXPECT_EQ(clock.Monotonic(), monotonic);
}

}  // namespace
}  // namespace weir
