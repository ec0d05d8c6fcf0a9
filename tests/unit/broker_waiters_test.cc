#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/notification.h"
#include "broker/runtime/waiters.h"
#include "storage/base/error.h"
#include "tests/support/inline_executor.h"
#include "tests/support/sim_clock.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FakePartition : public Watched {
 public:
  explicit FakePartition(int32_t index)
      : id_{.topic = TopicId{{7}}, .partition = PartitionIndex{index}} {}
  const TopicPartition& id() const override { return id_; }
  Offset high_watermark() const override { return Offset{end_.load(std::memory_order_acquire)}; }
  void Move() { end_.fetch_add(1, std::memory_order_release); }

 private:
  const TopicPartition id_;
  std::atomic<int64_t> end_{0};
};

class WaitersTest : public testing::Test {
 protected:
  absl::StatusOr<Waiters::Handle> Wait(std::vector<Waiters::Target> targets,
                                       absl::Duration in = absl::Seconds(1)) {
    return waiters_.Add(std::move(targets), clock_.Monotonic() + in,
                        [this](WakeReason why) { woken_.push_back(why); });
  }
  Waiters::Target At(const std::shared_ptr<FakePartition>& partition) {
    return {.partition = partition, .above = partition->high_watermark()};
  }
  void Move(FakePartition& partition) {
    partition.Move();
    waiters_.OnHighWatermark(partition.id(), partition.high_watermark());
  }
  const std::vector<WakeReason>& Woken() {
    executor_.RunAll();
    return woken_;
  }

  SimClock clock_;
  TimerQueue timers_{&clock_, TimerQueue::Drive::kManual};
  InlineExecutor executor_;
  Waiters waiters_{&timers_, &executor_, 3};
  std::shared_ptr<FakePartition> partition_ = std::make_shared<FakePartition>(0);
  std::shared_ptr<FakePartition> other_ = std::make_shared<FakePartition>(1);
  std::vector<WakeReason> woken_;
};

TEST_F(WaitersTest, AMoveOfTheHighWatermarkWakesOnce) {
  ASSERT_TRUE(Wait({At(partition_)}).ok());
  EXPECT_THAT(Woken(), IsEmpty());
  Move(*partition_);
  Move(*partition_);
  clock_.Advance(absl::Seconds(5));
  timers_.RunDue();
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kMoved));
  EXPECT_EQ(waiters_.size(), 0u);
}

TEST_F(WaitersTest, AMoveElsewhereOrNotFarEnoughWakesNobody) {
  ASSERT_TRUE(Wait({{.partition = partition_, .above = Offset{1}}}).ok());
  Move(*other_);
  Move(*partition_);
  EXPECT_THAT(Woken(), IsEmpty());
  Move(*partition_);
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kMoved));
}

TEST_F(WaitersTest, AMoveBeforeTheWaitBeganIsNotMissed) {
  const Waiters::Target target = At(partition_);
  Move(*partition_);
  ASSERT_TRUE(Wait({target}).ok());
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kMoved));
}

TEST_F(WaitersTest, TheDeadlineWakesWhenNothingMoved) {
  ASSERT_TRUE(Wait({At(partition_)}, absl::Seconds(2)).ok());
  clock_.Advance(absl::Seconds(2));
  timers_.RunDue();
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kDeadline));
  Move(*partition_);
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kDeadline));
}

TEST_F(WaitersTest, AWaitForADeadlineAloneEndsWithItOrIsCancelled) {
  ASSERT_TRUE(Wait({}, absl::Seconds(2)).ok());
  const auto cancelled = Wait({}, absl::Seconds(1));
  ASSERT_TRUE(cancelled.ok());
  waiters_.Cancel(*cancelled);
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kCancelled));
  clock_.Advance(absl::Seconds(2));
  timers_.RunDue();
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kCancelled, WakeReason::kDeadline));
  EXPECT_EQ(waiters_.size(), 0u);
}

TEST_F(WaitersTest, AWaitForManyPartitionsEndsWithTheFirstThatMoves) {
  ASSERT_TRUE(Wait({At(partition_), At(other_), At(partition_)}).ok());
  Move(*other_);
  Move(*partition_);
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kMoved));
}

TEST_F(WaitersTest, ManyWaitsForOnePartitionAllWake) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Wait({At(partition_)}).ok());
  Move(*partition_);
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kMoved, WakeReason::kMoved, WakeReason::kMoved));
}

TEST_F(WaitersTest, ACancelledWaitIsToldSoAndIsGone) {
  const auto wait = Wait({At(partition_)});
  ASSERT_TRUE(wait.ok());
  waiters_.Cancel(*wait);
  waiters_.Cancel(*wait);
  Move(*partition_);
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kCancelled));
}

TEST_F(WaitersTest, MoreThanTheLimitAreRefusedUntilOneEnds) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Wait({At(partition_)}).ok());
  EXPECT_EQ(ReasonOf(Wait({At(partition_)}).status()), Reason::kTooManyRequests);
  Move(*partition_);
  EXPECT_TRUE(Wait({At(partition_)}).ok());
}

TEST_F(WaitersTest, ADeletedPartitionWakesItsWaits) {
  ASSERT_TRUE(Wait({At(partition_)}).ok());
  ASSERT_TRUE(Wait({At(other_)}).ok());
  waiters_.WakeAll(partition_->id());
  EXPECT_THAT(Woken(), ElementsAre(WakeReason::kMoved));
}

TEST_F(WaitersTest, AfterStopNobodyWaits) {
  ASSERT_TRUE(Wait({At(partition_), At(other_)}).ok());
  ASSERT_TRUE(Wait({}).ok());
  waiters_.Stop();
  ASSERT_TRUE(Wait({At(partition_)}).ok());
  EXPECT_THAT(Woken(),
              ElementsAre(WakeReason::kCancelled, WakeReason::kCancelled, WakeReason::kCancelled));
  EXPECT_EQ(waiters_.size(), 0u);
}

TEST(WaitersThreadsTest, NoMoveIsMissedWhileOthersComeAndGo) {
  TimerQueue timers(&Clock::Real(), TimerQueue::Drive::kThread);
  ThreadExecutor executor("test", 2);
  Waiters waiters(&timers, &executor, 100);
  constexpr int64_t kMoves = 20'000;
  const auto partition = std::make_shared<FakePartition>(0);
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      for (int64_t seen = 0; seen < kMoves; seen = partition->high_watermark().value()) {
        absl::Notification woken;
        const auto wait =
            waiters.Add({{.partition = partition, .above = Offset{seen}}}, absl::InfiniteDuration(),
                        [&](WakeReason) { woken.Notify(); });
        ASSERT_TRUE(wait.ok());
        woken.WaitForNotification();
      }
    });
  }
  for (int64_t i = 0; i < kMoves; ++i) {
    partition->Move();
    waiters.OnHighWatermark(partition->id(), partition->high_watermark());
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(waiters.size(), 0u);
}

}  // namespace
}  // namespace weir
