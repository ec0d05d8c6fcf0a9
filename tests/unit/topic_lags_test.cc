#include "broker/topic_lags.h"

#include <gtest/gtest.h>

#include <map>

#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "tests/support/group_world.h"
#include "tests/support/sim_clock.h"

namespace weir {
namespace {

class TopicLagsTest : public ::testing::Test {
 protected:
  TopicLagsTest() : orders_(topics_.Set("orders", 3)) {}

  TopicPartition Partition(int32_t index) const { return {orders_, PartitionIndex{index}}; }
  // A record at every offset, `step` milliseconds after the one before.
  std::optional<int64_t> ReadTime(const TopicPartition& partition, Offset offset) {
    ++reads_;
    clock_.Advance(read_takes_);
    if (partition == unreadable_) return std::nullopt;
    return start_ms_ + offset.value() * 1000;
  }
  GroupSample::Topic LagOf(const std::map<int32_t, int64_t>& committed, int64_t now_ms) {
    TopicLags lags({.topics = &topics_, .times = &times_, .now_ms = now_ms});
    times_.Begin();
    EXPECT_EQ(lags.Begin(orders_), 3u);
    for (const auto& [partition, offset] : committed)
      lags.Add(PartitionIndex{partition}, Offset{offset});
    return lags.Finish();
  }

  FakeTopics topics_;
  const TopicId orders_;
  SimClock clock_;
  const int64_t start_ms_ = clock_.NowMs();
  int reads_ = 0;
  absl::Duration read_takes_;
  TopicPartition unreadable_;
  RecordTimes times_{&clock_, [this](const TopicPartition& partition, Offset offset) {
                       return ReadTime(partition, offset);
                     }};
};

TEST_F(TopicLagsTest, LagIsFromTheCommittedOffsetOrTheFirstRecordToTheEnd) {
  topics_.SetBounds(Partition(0), {Offset{0}, Offset{100}});
  topics_.SetBounds(Partition(1), {Offset{50}, Offset{100}});
  topics_.SetBounds(Partition(2), {Offset{50}, Offset{100}});
  const GroupSample::Topic lag = LagOf({{0, 90}, {2, 20}}, start_ms_ + 100'000);
  EXPECT_EQ(lag.name, "orders");
  EXPECT_EQ(lag.lag, 10 + 50 + 50) << "what is deleted is no lag";
  EXPECT_EQ(lag.largest_lag, 50);
  EXPECT_EQ(lag.lag_seconds, 50.0);
  EXPECT_EQ(LagOf({{0, 100}, {1, 100}, {2, 90}}, start_ms_ + 100'000).lag_seconds, 10.0);
}

TEST_F(TopicLagsTest, AGroupThatHasReadAllHasNoneAndNoAge) {
  topics_.SetBounds(Partition(1), {Offset{0}, Offset{100}});
  const GroupSample::Topic lag = LagOf({{1, 100}}, start_ms_ + 100'000);
  EXPECT_EQ(lag.lag, 0);
  EXPECT_EQ(lag.largest_lag, 0);
  EXPECT_EQ(lag.lag_seconds, 0.0);
  EXPECT_EQ(reads_, 0);
}

TEST_F(TopicLagsTest, RecordsFromTheFutureAndPartitionsThatCameLaterAreNoTrouble) {
  topics_.SetBounds(Partition(0), {Offset{0}, Offset{100}});
  const GroupSample::Topic lag = LagOf({{0, 90}, {7, 5}}, start_ms_);
  EXPECT_EQ(lag.lag, 10);
  EXPECT_EQ(lag.lag_seconds, 0.0);
}

TEST_F(TopicLagsTest, TheEndsOfATopicAreLookedUpOnce) {
  topics_.SetBounds(Partition(0), {Offset{0}, Offset{100}});
  TopicLags lags({.topics = &topics_, .times = &times_, .now_ms = start_ms_});
  EXPECT_EQ(lags.Begin(orders_), 3u);
  lags.Add(PartitionIndex{0}, Offset{90});
  EXPECT_EQ(lags.Finish().lag, 10);
  topics_.SetUnavailable(MakeError(Reason::kShuttingDown, "gone"));
  EXPECT_EQ(lags.Begin(orders_), 3u);
  EXPECT_EQ(lags.Finish().lag, 100);
  EXPECT_EQ(lags.Begin(TopicId{{99}}), std::nullopt);
}

TEST_F(TopicLagsTest, AnAgeIsReadOnceAsLongAsTheGroupStandsStill) {
  topics_.SetBounds(Partition(0), {Offset{0}, Offset{100}});
  topics_.SetBounds(Partition(1), {Offset{0}, Offset{100}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(LagOf({{0, 10}, {1, 20}}, start_ms_).lag, 170);
  EXPECT_EQ(reads_, 2);
  LagOf({{0, 11}, {1, 20}}, start_ms_);
  EXPECT_EQ(reads_, 3);
}

TEST_F(TopicLagsTest, WithoutTimeToReadThereIsNoAgeUntilALaterRound) {
  for (int32_t i = 0; i < 3; ++i) topics_.SetBounds(Partition(i), {Offset{0}, Offset{100}});
  read_takes_ = absl::Milliseconds(limits::kMetricRecordTimesMs);
  GroupSample::Topic lag = LagOf({}, start_ms_ + 100'000);
  EXPECT_EQ(lag.lag, 300);
  EXPECT_EQ(lag.lag_seconds, std::nullopt);
  EXPECT_EQ(reads_, 1);
  LagOf({}, start_ms_);
  lag = LagOf({}, start_ms_ + 100'000);
  EXPECT_EQ(lag.lag_seconds, 100.0);
  EXPECT_EQ(reads_, 3);
}

TEST_F(TopicLagsTest, ARecordThatCannotBeReadTakesTheAgeOfItsTopic) {
  topics_.SetBounds(Partition(0), {Offset{0}, Offset{100}});
  topics_.SetBounds(Partition(1), {Offset{0}, Offset{100}});
  unreadable_ = Partition(1);
  const GroupSample::Topic lag = LagOf({{0, 99}, {1, 99}}, start_ms_ + 100'000);
  EXPECT_EQ(lag.lag, 2);
  EXPECT_EQ(lag.lag_seconds, std::nullopt);
  EXPECT_EQ(LagOf({{0, 99}, {1, 100}}, start_ms_ + 100'000).lag_seconds, 1.0);
}

}  // namespace
}  // namespace weir
