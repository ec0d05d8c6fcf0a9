#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "broker/limits/admission.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Keeps what it is given and notes the order.
class Waiters {
 public:
  // True: had to wait.
  bool Reserve(MemoryShare& share, int64_t bytes, int number) {
    auto now = share.ReserveOrNotify(bytes, [this, number](Reservation reservation) {
      order.push_back(number);
      held.push_back(std::move(reservation));
    });
    if (!now.has_value()) return true;
    held.push_back(*std::move(now));
    return false;
  }

  std::vector<int> order;
  std::vector<Reservation> held;
};

TEST(MemoryShareTest, ReservesUpToTheLimitAndGivesBack) {
  MemoryShare share(100);
  auto a = share.TryReserve(60);
  ASSERT_TRUE(a.has_value());
  auto b = share.TryReserve(40);
  ASSERT_TRUE(b.has_value());
  EXPECT_FALSE(share.TryReserve(1).has_value());
  EXPECT_EQ(share.used(), 100);
  EXPECT_EQ(share.refused(), 1);
  a.reset();
  EXPECT_EQ(share.used(), 40);
  EXPECT_TRUE(share.TryReserve(60).has_value());
}

TEST(MemoryShareTest, ReservationMovesAndIsGivenBackOnce) {
  MemoryShare share(100);
  {
    Reservation a = *share.TryReserve(10);
    Reservation b = *share.TryReserve(20);
    Reservation c = std::move(a);
    EXPECT_EQ(share.used(), 30);
    c = std::move(b);
    EXPECT_EQ(share.used(), 20);
    EXPECT_EQ(c.bytes(), 20);
    c.Release();
    c.Release();
    EXPECT_EQ(share.used(), 0);
  }
  EXPECT_EQ(share.used(), 0);
}

TEST(MemoryShareTest, ShrinkGivesBackTheRest) {
  MemoryShare share(100);
  Reservation answer = *share.TryReserve(80);
  answer.Shrink(30);
  EXPECT_EQ(share.used(), 30);
  answer.Shrink(30);
  answer.Release();
  EXPECT_EQ(share.used(), 0);
}

TEST(MemoryShareTest, GrowsWhereThereIsRoomAndBeyondTheLimitOnlyAlone) {
  MemoryShare share(100);
  Reservation answer = *share.TryReserve(30);
  std::optional<Reservation> other = share.TryReserve(50);
  EXPECT_FALSE(answer.TryGrow(51));
  EXPECT_EQ(share.used(), 80);
  EXPECT_TRUE(answer.TryGrow(50));
  EXPECT_TRUE(answer.TryGrow(10));  // has more already
  EXPECT_EQ(share.used(), 100);
  other.reset();
  EXPECT_TRUE(answer.TryGrow(1'000));
  EXPECT_EQ(share.used(), 1'000);
  answer.Release();
  EXPECT_EQ(share.used(), 0);
}

TEST(MemoryShareTest, WhatIsTakenOverIsGivenBackOnce) {
  MemoryShare share(100);
  Reservation all;
  all.Absorb(Reservation());
  all.Absorb(*share.TryReserve(10));
  all.Absorb(*share.TryReserve(20));
  EXPECT_EQ(all.bytes(), 30);
  EXPECT_EQ(share.used(), 30);
  all.Release();
  EXPECT_EQ(share.used(), 0);
}

TEST(MemoryShareTest, RequestLargerThanTheShareIsServedAlone) {
  MemoryShare share(100);
  auto large = share.TryReserve(500);
  ASSERT_TRUE(large.has_value());
  EXPECT_FALSE(share.TryReserve(1).has_value());
  EXPECT_FALSE(share.TryReserve(500).has_value());
  large.reset();
  auto small = share.TryReserve(1);
  EXPECT_FALSE(share.TryReserve(500).has_value());
  small.reset();
  EXPECT_TRUE(share.TryReserve(500).has_value());
}

TEST(MemoryShareTest, WaitersGetRoomInTheirOrder) {
  MemoryShare share(100);
  Waiters waiters;
  Reservation first = *share.TryReserve(90);
  EXPECT_TRUE(waiters.Reserve(share, 50, 1));
  EXPECT_TRUE(waiters.Reserve(share, 5, 2));  // would fit, but comes after 1
  EXPECT_FALSE(share.TryReserve(5).has_value());
  EXPECT_EQ(share.waiting(), 2);
  EXPECT_THAT(waiters.order, IsEmpty());
  first.Release();
  EXPECT_THAT(waiters.order, ElementsAre(1, 2));
  EXPECT_EQ(share.used(), 55);
  EXPECT_EQ(share.waiting(), 0);
  EXPECT_EQ(share.waited(), 2);
  EXPECT_FALSE(waiters.Reserve(share, 45, 3));
}

TEST(MemoryShareTest, WaiterLargerThanTheShareIsServedWhenAllIsGivenBack) {
  MemoryShare share(100);
  Waiters waiters;
  Reservation a = *share.TryReserve(1);
  Reservation b = *share.TryReserve(1);
  EXPECT_TRUE(waiters.Reserve(share, 500, 1));
  a.Release();
  EXPECT_THAT(waiters.order, IsEmpty());
  b.Release();
  EXPECT_THAT(waiters.order, ElementsAre(1));
}

TEST(MemoryShareTest, ManyWaitersThatAreGoneDoNotPileUpOnTheStack) {
  MemoryShare share(100);
  Reservation all = *share.TryReserve(100);
  int called = 0;
  for (int i = 0; i < 200'000; ++i) {
    ASSERT_FALSE(share.ReserveOrNotify(100, [&](Reservation) { ++called; }).has_value());
  }
  all.Release();
  EXPECT_EQ(called, 200'000);
  EXPECT_EQ(share.used(), 0);
}

TEST(MemoryShareTest, WaiterMayWaitAgainFromItsCallback) {
  MemoryShare share(100);
  Waiters waiters;
  Reservation all = *share.TryReserve(100);
  EXPECT_FALSE(share
                   .ReserveOrNotify(60,
                                    [&](Reservation reservation) {
                                      waiters.held.push_back(std::move(reservation));
                                      EXPECT_TRUE(waiters.Reserve(share, 60, 2));
                                    })
                   .has_value());
  all.Release();
  EXPECT_THAT(waiters.order, IsEmpty());
  waiters.held.erase(waiters.held.begin());
  EXPECT_THAT(waiters.order, ElementsAre(2));
}

TEST(MemoryShareTest, UseStaysWithinTheLimitAndNobodyIsForgottenUnderLoad) {
  MemoryShare share(1'000);
  constexpr int kThreads = 4;
  constexpr int kRounds = 20'000;
  std::atomic<int> served = 0;
  std::atomic<int> over = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const int64_t bytes = 1 + (i * 37 + t * 101) % 600;
        if (i % 3 == 0) {
          const auto reservation = share.TryReserve(bytes);
          if (share.used() > 1'000) ++over;
          ++served;
          continue;
        }
        if (share.ReserveOrNotify(bytes, [&](Reservation) { ++served; }).has_value()) ++served;
        if (share.used() > 1'000) ++over;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(over, 0);
  EXPECT_EQ(served, kThreads * kRounds);
  EXPECT_EQ(share.used(), 0);
  EXPECT_EQ(share.waiting(), 0);
}

TEST(MemoryBudgetTest, SharesDoNotStarveEachOther) {
  MemoryBudget budget(101);
  EXPECT_EQ(budget.limit(), 101);
  const auto produce = budget.produce().TryReserve(50);
  ASSERT_TRUE(produce.has_value());
  EXPECT_FALSE(budget.produce().TryReserve(1).has_value());
  const auto fetch = budget.fetch().TryReserve(51);
  EXPECT_TRUE(fetch.has_value());
  EXPECT_EQ(budget.used(), 101);
}

TEST(MemoryBudgetTest, RefusalSaysWhatIsUsedAndWhenToRetry) {
  MemoryShare share(100);
  const auto held = share.TryReserve(80);
  const absl::Status status = OverMemoryBudget(share, 30);
  EXPECT_EQ(ReasonOf(status), Reason::kOverMemoryBudget);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("30 bytes"), HasSubstr("80 of 100")));
  EXPECT_GT(RetryAfterOf(status), absl::ZeroDuration());
}

}  // namespace
}  // namespace weir
