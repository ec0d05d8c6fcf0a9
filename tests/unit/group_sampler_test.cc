// What the metrics page learns of groups from real shards, and what that costs.
#include "broker/group_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/group/group_records.h"
#include "broker/group/group_table.h"
#include "storage/base/limits.h"
#include "storage/record/key_partitioner.h"
#include "tests/unit/sampler_fixture.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class Deaf : public GroupListener {
  void OnNotice(const Notice&) override {}
  void OnSessionsDropped() override {}
};

class GroupSamplerTest : public SamplerFixture {
 protected:
  // Before Start: what the shards will find.
  void Store(const std::string& group, const InternalRecord& record) {
    const PartitionIndex shard = PartitionForKey(group, limits::kGroupPartitions);
    SamplerFixture::Store(record, &tables_[static_cast<size_t>(shard.value())]);
  }
  void StoreGroup(const std::string& id) {
    Store(id, GroupRecordOf({.id = id, .empty_since_ms = world_.clock().NowMs()}));
  }
  void StoreOffsets(const std::string& group, TopicId topic, int32_t partitions, int64_t offset) {
    OffsetsUpdated offsets{.group = group, .topic = topic};
    for (int32_t i = 0; i < partitions; ++i) {
      offsets.partitions.push_back(
          {PartitionIndex{i}, {.offset = Offset{offset}, .commit_ms = world_.clock().NowMs()}});
    }
    Store(group, OffsetsRecordOf(GroupRecordKind::kOffsets, offsets));
  }
  void Start() {
    OpenShards(&listener_);
    ASSERT_NE(groups_, nullptr);
    ASSERT_TRUE(groups_->Load().ok());
  }
  GroupSampler Sampler(const Clock* clock) {
    return GroupSampler({.shards = groups_.get(),
                         .topics = &topics_,
                         .clock = clock,
                         .record_time = [this](const TopicPartition&, Offset) {
                           return std::optional<int64_t>(world_.clock().NowMs() - 5'000);
                         }});
  }
  GroupsSample Sample() { return Sampler(&world_.clock()).Sample(); }

  std::vector<GroupTable> tables_ = Tables<GroupTable>();
  Deaf listener_;
};

TEST_F(GroupSamplerTest, GroupsOfAllShardsComeByIdWithTheirLags) {
  const TopicId orders = AddTopic("orders", 4, 100);
  const TopicId other = AddTopic("other", 2, 10);
  for (int i = 0; i < 40; ++i) {
    const std::string id = absl::StrFormat("g%02d", i);
    StoreGroup(id);
    StoreOffsets(id, orders, 3, i);
    if (i % 2 == 0) StoreOffsets(id, other, 2, 10);
  }
  Start();
  const GroupsSample sample = Sample();
  ASSERT_TRUE(sample.totals.has_value());
  EXPECT_THAT(sample.totals->by_state,
              ElementsAre(Pair("empty", 40), Pair("rebalancing", 0), Pair("stable", 0)));
  ASSERT_EQ(sample.groups.size(), 40u);
  for (int i = 0; i < 40; ++i) {
    const GroupSample& group = sample.groups[static_cast<size_t>(i)];
    EXPECT_EQ(group.group, absl::StrFormat("g%02d", i));
    EXPECT_EQ(group.state, "empty");
    ASSERT_EQ(group.topics.size(), i % 2 == 0 ? 2u : 1u);
    EXPECT_EQ(group.topics[0].name, "orders");
    EXPECT_EQ(group.topics[0].lag, 3 * (100 - i) + 100);
    EXPECT_EQ(group.topics[0].largest_lag, 100);
    EXPECT_EQ(group.topics[0].lag_seconds, 5.0);
    if (i % 2 == 0) {
      EXPECT_EQ(group.topics[1].lag_seconds, 0.0);
    }
  }
  EXPECT_EQ(sample.omitted_groups + sample.omitted_lags + sample.omitted_ages, 0);
}

TEST_F(GroupSamplerTest, TopicsThatAreGoneHaveNoLag) {
  const TopicId orders = AddTopic("orders", 2, 100);
  StoreGroup("g");
  StoreOffsets("g", orders, 2, 0);
  Start();
  topics_.Delete("orders");
  const GroupsSample sample = Sample();
  ASSERT_EQ(sample.groups.size(), 1u);
  EXPECT_TRUE(sample.groups[0].topics.empty());
  EXPECT_EQ(sample.omitted_lags, 0);
}

TEST_F(GroupSamplerTest, TheFirstGroupsByIdAreShownAndTheOthersCounted) {
  constexpr size_t kMore = 123;
  for (size_t i = 0; i < limits::kMetricGroups + kMore; ++i)
    StoreGroup(absl::StrFormat("g%05d", i));
  Start();
  const GroupsSample sample = Sample();
  ASSERT_EQ(sample.groups.size(), limits::kMetricGroups);
  for (size_t i = 0; i < sample.groups.size(); ++i)
    ASSERT_EQ(sample.groups[i].group, absl::StrFormat("g%05d", i));
  EXPECT_EQ(sample.omitted_groups, static_cast<int64_t>(kMore));
  EXPECT_EQ(sample.totals->by_state.at("empty"),
            static_cast<int64_t>(limits::kMetricGroups + kMore));
}

TEST_F(GroupSamplerTest, TopicsBeyondTheBoundAreMissedInTheLagOfTheirGroups) {
  constexpr int kTopics = 200;
  constexpr int kGroups = 60;  // 12,000 pairs
  std::vector<TopicId> topics;
  for (int t = 0; t < kTopics; ++t) topics.push_back(AddTopic(absl::StrCat("t", t), 1, 10));
  for (int g = 0; g < kGroups; ++g) {
    const std::string id = absl::StrCat("g", g);
    StoreGroup(id);
    for (const TopicId topic : topics) StoreOffsets(id, topic, 1, 5);
  }
  Start();
  const GroupsSample sample = Sample();
  size_t shown = 0;
  int64_t lacking = 0;
  for (const GroupSample& group : sample.groups) {
    shown += group.topics.size();
    lacking += group.topics.size() < kTopics ? 1 : 0;
  }
  EXPECT_EQ(sample.groups.size(), static_cast<size_t>(kGroups));
  EXPECT_EQ(shown, limits::kMetricGroupTopics);
  EXPECT_EQ(lacking, 10);
  EXPECT_EQ(sample.omitted_lags, lacking);
}

TEST_F(GroupSamplerTest, ShardsThatDoNotAnswerInTimeAreCountedAndTakeTheTotalsWithThem) {
  StoreGroup("g");
  Start();
  ASSERT_EQ(Sample().groups.size(), 1u);
  HoldShards();
  const HastyClock hasty;
  const GroupsSample sample = Sampler(&hasty).Sample();
  LetShardsGo();
  EXPECT_EQ(sample.unanswered_shards, limits::kGroupPartitions);
  EXPECT_FALSE(sample.totals.has_value());
  EXPECT_TRUE(sample.groups.empty());
  EXPECT_EQ(Sample().groups.size(), 1u) << "answers that came too late are nobody's";
}

// Prints times, and asserts none.
TEST_F(GroupSamplerTest, AMillionCommittedOffsets) {
  constexpr int kGroups = 200;
  constexpr int kTopics = 50;
  constexpr int32_t kPartitionsEach = 100;
  std::vector<TopicId> topics;
  for (int t = 0; t < kTopics; ++t)
    topics.push_back(AddTopic(absl::StrCat("t", t), kPartitionsEach, 10));
  for (int g = 0; g < kGroups; ++g) {
    const std::string id = absl::StrCat("g", g);
    StoreGroup(id);
    for (const TopicId topic : topics) StoreOffsets(id, topic, kPartitionsEach, 10);
  }
  Start();
  ASSERT_EQ(Sample().groups.size(), static_cast<size_t>(kGroups));
  const Clock& clock = Clock::Real();
  absl::Duration since = clock.Monotonic();
  const GroupsSample sample = Sample();
  const absl::Duration all = clock.Monotonic() - since;
  size_t shown = 0;
  for (const GroupSample& group : sample.groups) shown += group.topics.size();
  EXPECT_EQ(shown, static_cast<size_t>(kGroups * kTopics));

  since = clock.Monotonic();
  const auto page = groups_->AskAndWait<PositionsPage>(
      PartitionIndex{0}, [](GroupMachine& machine, const MachineTime&, Reply<PositionsPage> reply) {
        return machine.survey().Positions({.from = {}, .last = "~"}, std::move(reply));
      });
  const absl::Duration visit = clock.Monotonic() - since;
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->next.has_value());
  std::printf("a million committed offsets: %.0f ms for a page, %.2f ms for a visit to a shard\n",
              absl::ToDoubleMilliseconds(all), absl::ToDoubleMilliseconds(visit));
}

}  // namespace
}  // namespace weir
