#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/synchronization/notification.h"
#include "broker/runtime/periodic_task.h"
#include "broker/runtime/timer_queue.h"
#include "tests/support/inline_executor.h"
#include "tests/support/sim_clock.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TimerQueueTest : public testing::Test {
 protected:
  absl::Duration In(int seconds) { return clock_.Monotonic() + absl::Seconds(seconds); }
  TimerQueue::Timer Note(absl::Duration at, int what) {
    return timers_.Add(at, [this, what] { ran_.push_back(what); });
  }

  SimClock clock_;
  TimerQueue timers_{&clock_, TimerQueue::Drive::kManual};
  std::vector<int> ran_;
};

TEST_F(TimerQueueTest, RunsWhatIsDueInOrderOfTimeThenOfArrival) {
  Note(In(2), 2);
  Note(In(1), 1);
  Note(In(2), 3);
  Note(In(9), 9);
  clock_.Advance(absl::Seconds(2));
  EXPECT_EQ(timers_.RunDue(), 3);
  EXPECT_THAT(ran_, ElementsAre(1, 2, 3));
}

TEST_F(TimerQueueTest, NothingRunsBeforeItsTime) {
  Note(In(1), 1);
  clock_.Advance(absl::Seconds(1) - absl::Nanoseconds(1));
  EXPECT_EQ(timers_.RunDue(), 0);
  EXPECT_THAT(ran_, IsEmpty());
}

TEST_F(TimerQueueTest, ACancelledTimerNeverRuns) {
  const TimerQueue::Timer timer = Note(In(1), 1);
  EXPECT_TRUE(timers_.Cancel(timer));
  EXPECT_FALSE(timers_.Cancel(timer));
  clock_.Advance(absl::Seconds(2));
  timers_.RunDue();
  EXPECT_THAT(ran_, IsEmpty());
}

TEST_F(TimerQueueTest, CancellingWhatHasRunSaysSo) {
  const TimerQueue::Timer timer = Note(In(0), 1);
  timers_.RunDue();
  EXPECT_FALSE(timers_.Cancel(timer));
}

TEST_F(TimerQueueTest, ACallbackMayAddAnother) {
  timers_.Add(In(0), [this] { Note(In(0), 7); });
  EXPECT_EQ(timers_.RunDue(), 2);
  EXPECT_THAT(ran_, ElementsAre(7));
}

TEST_F(TimerQueueTest, ForeverNeverComes) {
  const TimerQueue::Timer timer = Note(absl::InfiniteDuration(), 1);
  EXPECT_FALSE(timers_.Cancel(timer));
  clock_.Advance(absl::Hours(1'000'000));
  EXPECT_EQ(timers_.RunDue(), 0);
}

TEST(TimerQueueThreadTest, TheThreadRunsATimerThatIsDueBeforeTheOneItSleepsFor) {
  TimerQueue timers(&Clock::Real(), TimerQueue::Drive::kThread);
  timers.Add(timers.Now() + absl::Hours(1), [] { ADD_FAILURE() << "an hour cannot have passed"; });
  absl::Notification ran;
  timers.Add(timers.Now(), [&] { ran.Notify(); });
  ran.WaitForNotification();
}

class PeriodicTaskTest : public TimerQueueTest {
 protected:
  void Pass(int seconds) {
    clock_.Advance(absl::Seconds(seconds));
    timers_.RunDue();
    executor_.RunAll();
  }
  InlineExecutor executor_;
  int runs_ = 0;
};

TEST_F(PeriodicTaskTest, RunsOncePerPauseAndNeverTwiceToCatchUp) {
  PeriodicTask task(&timers_, &executor_, absl::Seconds(10), [this] { ++runs_; });
  Pass(9);
  EXPECT_EQ(runs_, 0);
  Pass(1);
  EXPECT_EQ(runs_, 1);
  Pass(100);
  EXPECT_EQ(runs_, 2);
}

TEST_F(PeriodicTaskTest, NothingRunsAfterItIsGone) {
  {
    PeriodicTask task(&timers_, &executor_, absl::Seconds(10), [this] { ++runs_; });
  }
  Pass(100);
  EXPECT_EQ(runs_, 0);
}

TEST(PeriodicTaskThreadTest, ItsEndWaitsForTheRunUnderWay) {
  TimerQueue timers(&Clock::Real(), TimerQueue::Drive::kThread);
  ThreadExecutor executor("test", 1);
  absl::Notification started, may_end;
  bool ended = false;
  {
    PeriodicTask task(&timers, &executor, absl::ZeroDuration(), [&] {
      if (started.HasBeenNotified()) return;
      started.Notify();
      may_end.WaitForNotification();
      ended = true;
    });
    started.WaitForNotification();
    may_end.Notify();
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace weir
