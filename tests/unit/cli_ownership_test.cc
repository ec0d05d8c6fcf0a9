#include <gtest/gtest.h>

#include "storage/base/executor.h"
#include "tools/bench/ownership.h"

namespace weir {
namespace {

TEST(OwnershipTest, SharesAreEvenWhenAllIsHeldAndNoMemberHasTwoMoreThanAnother) {
  Ownership ownership(4);
  EXPECT_FALSE(ownership.AwaitEven(absl::ZeroDuration()));
  ownership.Add(1);
  ownership.Set(1, {0, 1, 2, 3});
  EXPECT_TRUE(ownership.AwaitEven(absl::ZeroDuration()));
  ownership.Add(2);
  EXPECT_FALSE(ownership.AwaitEven(absl::ZeroDuration()));
  ownership.Set(1, {0, 1});
  EXPECT_FALSE(ownership.AwaitEven(absl::ZeroDuration()));
  ownership.Set(2, {3});
  EXPECT_FALSE(ownership.AwaitEven(absl::ZeroDuration()));
  ownership.Set(2, {3, 2});
  EXPECT_TRUE(ownership.AwaitEven(absl::ZeroDuration()));
  ownership.Remove(1);
  EXPECT_FALSE(ownership.AwaitEven(absl::ZeroDuration()));
  EXPECT_EQ(ownership.doubles(), 0);
}

TEST(OwnershipTest, TakingWhatAnotherStillHoldsIsCounted) {
  Ownership ownership(2);
  ownership.Add(1);
  ownership.Add(2);
  ownership.Set(1, {0, 1});
  ownership.Set(2, {1});
  EXPECT_EQ(ownership.doubles(), 1);
  EXPECT_EQ(ownership.HoldOf(1, 1), std::nullopt);
  EXPECT_NE(ownership.HoldOf(2, 1), std::nullopt);
  ownership.Set(1, {0});  // gives up what another has by now
  EXPECT_TRUE(ownership.AwaitEven(absl::ZeroDuration()));
  ownership.Remove(1);
  ownership.Set(2, {0, 1});
  EXPECT_TRUE(ownership.AwaitEven(absl::ZeroDuration()));
  EXPECT_EQ(ownership.doubles(), 1);
}

TEST(OwnershipTest, AHoldLastsUntilThePartitionIsGivenUp) {
  Ownership ownership(2);
  ownership.Add(1);
  ownership.Set(1, {0});
  const std::optional<int64_t> hold = ownership.HoldOf(1, 0);
  ASSERT_TRUE(hold.has_value());
  ownership.Set(1, {0, 1});
  EXPECT_EQ(ownership.HoldOf(1, 0), hold);
  ownership.Set(1, {1});
  EXPECT_EQ(ownership.HoldOf(1, 0), std::nullopt);
  ownership.Set(1, {0, 1});
  EXPECT_NE(ownership.HoldOf(1, 0), hold);
  EXPECT_EQ(ownership.HoldOf(2, 0), std::nullopt);
}

TEST(OwnershipTest, WhoHasLeftHoldsNothingWhateverItIsTold) {
  Ownership ownership(1);
  ownership.Add(1);
  ownership.Remove(1);
  ownership.Set(1, {0});
  EXPECT_EQ(ownership.HoldOf(1, 0), std::nullopt);
  ownership.Add(2);
  ownership.Set(2, {0});
  EXPECT_EQ(ownership.doubles(), 0);
}

TEST(OwnershipTest, AWaitEndsWithTheChangeThatMakesSharesEven) {
  Ownership ownership(1);
  ownership.Add(1);
  ThreadExecutor other("other", 1);
  other.Post([&] { ownership.Set(1, {0}); });
  EXPECT_TRUE(ownership.AwaitEven(absl::InfiniteDuration()));
}

}  // namespace
}  // namespace weir
