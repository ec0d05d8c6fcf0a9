// The breaker: when so many jobs of a group die that it is paused, and when not.
#include "broker/share_breaker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/sim_clock.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ShareBreakerTest : public ::testing::Test, public ShareSettingsView {
 protected:
  std::shared_ptr<const ShareSettings> Find(absl::string_view group) const override {
    return group == "email" ? std::make_shared<const ShareSettings>(settings_) : nullptr;
  }
  void Die(int64_t jobs, DeathReason reason = DeathReason::kMaxAttempts,
           const std::string& group = "email") {
    ShareOutcomes outcomes;
    outcomes.died[static_cast<size_t>(reason) - 1] = jobs;
    breaker_.Note(group, outcomes);
  }
  void Accept(int64_t jobs) { breaker_.Note("email", {.accepted = jobs}); }
  void Release(int64_t jobs) { breaker_.Note("email", {.released = jobs}); }

  SimClock clock_;
  ShareSettings settings_{.incarnation = 7, .breaker_count = 10, .breaker_window_ms = 60'000};
  std::vector<int64_t> paused_;
  ShareBreaker breaker_{this, &clock_, [this](const std::string& group, int64_t incarnation) {
                          EXPECT_EQ(group, "email");
                          paused_.push_back(incarnation);
                        }};
};

TEST_F(ShareBreakerTest, MoreThanTheCountPauses) {
  Die(10);
  EXPECT_THAT(paused_, IsEmpty());
  Die(1);
  EXPECT_THAT(paused_, ElementsAre(7));
}

TEST_F(ShareBreakerTest, AFifthOfAllThatEndedDoesNotPauseAndMoreDoes) {
  Accept(80);
  Die(20);
  EXPECT_THAT(paused_, IsEmpty());
  Die(1);
  EXPECT_THAT(paused_, ElementsAre(7));
}

TEST_F(ShareBreakerTest, WhatIsTriedAgainHasNotEnded) {
  Release(1'000'000);
  Die(11);
  EXPECT_THAT(paused_, ElementsAre(7));
}

TEST_F(ShareBreakerTest, OnlyDeathsOfAttemptsCount) {
  for (const DeathReason reason :
       {DeathReason::kRejected, DeathReason::kExpired, DeathReason::kUnreadable})
    Die(1'000, reason);
  EXPECT_THAT(paused_, IsEmpty());
}

TEST_F(ShareBreakerTest, WhatLiesBehindTheWindowIsForgotten) {
  Die(10);
  clock_.Advance(absl::Seconds(59));
  Die(1);
  EXPECT_THAT(paused_, ElementsAre(7)) << "within the window";
  Die(10);
  clock_.Advance(absl::Seconds(80));
  Die(10);
  EXPECT_THAT(paused_, ElementsAre(7));
}

TEST_F(ShareBreakerTest, ItCountsAnewWhenItHasPaused) {
  Die(11);
  Die(10);
  EXPECT_THAT(paused_, ElementsAre(7));
  Die(1);
  EXPECT_THAT(paused_, ElementsAre(7, 7)) << "the group was resumed, or could not be paused";
}

TEST_F(ShareBreakerTest, AnotherGroupOfTheNameBeginsAnew) {
  Die(10);
  settings_.incarnation = 8;
  Die(10);
  EXPECT_THAT(paused_, IsEmpty());
  breaker_.Forget("email");
  Die(10);
  EXPECT_THAT(paused_, IsEmpty());
  Die(1);
  EXPECT_THAT(paused_, ElementsAre(8));
}

TEST_F(ShareBreakerTest, APausedOrUnknownGroupIsNotCounted) {
  Die(1'000, DeathReason::kMaxAttempts, "nobody");
  settings_.pause = SharePause::kPaused;
  Die(1'000);
  settings_.pause = SharePause::kPausedByBreaker;
  Die(1'000);
  settings_.pause = SharePause::kRunning;
  Die(10);
  EXPECT_THAT(paused_, IsEmpty());
}

}  // namespace
}  // namespace weir
