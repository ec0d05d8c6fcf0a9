// What a shard tells of its groups to who watches the broker.
#include "broker/group/group_survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "tests/support/group_world.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class GroupSurveyTest : public ::testing::Test {
 protected:
  GroupSurveyTest() : orders_(world_.topics().Set("orders", 4)) {
    for (int32_t i = 0; i < 4; ++i)
      world_.topics().SetBounds({orders_, PartitionIndex{i}}, {Offset{0}, Offset{100}});
  }

  void Join(const std::string& group, const std::string& member) {
    const JoinRequest request{.group = group,
                              .member_id = member,
                              .session = SessionId{++sessions_},
                              .subscription = {.topics = {"orders"}, .prefix = ""},
                              .start = GroupStart::kEarliest};
    streams_[member] = {group, member, request.session};
    world_.Run([&](const MachineTime& now) {
      return world_.machine().membership().Join(
          now, request, [](absl::StatusOr<Joined> joined) { ASSERT_TRUE(joined.ok()); });
    });
  }
  // From outside; with how many offsets were taken.
  int64_t Commit(const std::string& group, std::vector<OffsetCommit> offsets) {
    CommitRequest request{
        .group = group, .offsets = std::move(offsets), .start = GroupStart::kEarliest};
    int64_t taken = 0;
    world_.Run([&](const MachineTime& now) {
      return world_.machine().offsets().Commit(
          now, std::move(request), [&](absl::StatusOr<std::vector<absl::Status>> outcomes) {
            if (!outcomes.ok()) return;
            for (const absl::Status& outcome : *outcomes) taken += outcome.ok() ? 1 : 0;
          });
    });
    return taken;
  }
  OffsetCommit At(int32_t partition, int64_t offset) const {
    return {.partition = {orders_, PartitionIndex{partition}}, .offset = Offset{offset}};
  }
  GroupCensus Census(size_t most = 100) {
    GroupCensus census;
    world_.Run([&](const MachineTime&) {
      return world_.machine().survey().Census(
          most, [&](absl::StatusOr<GroupCensus> answer) { census = *std::move(answer); });
    });
    return census;
  }
  GroupCounts CountsOf(const std::string& group) {
    for (const GroupGlance& glance : Census().groups) {
      if (glance.id == group) return glance.counts;
    }
    return {};
  }
  PositionsPage Positions(const PositionsRequest& request) {
    PositionsPage page;
    world_.Run([&](const MachineTime&) {
      return world_.machine().survey().Positions(
          request, [&](absl::StatusOr<PositionsPage> answer) { page = *std::move(answer); });
    });
    return page;
  }

  GroupWorld world_;
  const TopicId orders_;
  uint64_t sessions_ = 0;
  std::map<std::string, MemberStream> streams_;
};

TEST_F(GroupSurveyTest, GroupsAreCountedByTheirStateAndTheFirstAreShown) {
  Commit("c", {At(0, 1)});
  Join("a", "a1");
  world_.Advance(absl::Seconds(1));
  Join("b", "b1");
  world_.Advance(absl::Seconds(1));
  Join("b", "b2");
  world_.Advance(absl::Seconds(1));  // b1 is asked for half of what it has
  const GroupCensus census = Census(2);
  EXPECT_THAT(census.by_state,
              ElementsAre(Pair(GroupState::kEmpty, 1u), Pair(GroupState::kRebalancing, 1u),
                          Pair(GroupState::kStable, 1u)));
  EXPECT_EQ(census.members, 3u);
  ASSERT_EQ(census.groups.size(), 2u);
  EXPECT_EQ(census.groups[0].id, "a");
  EXPECT_EQ(census.groups[0].state, GroupState::kStable);
  EXPECT_EQ(census.groups[1].id, "b");
  EXPECT_EQ(census.groups[1].state, GroupState::kRebalancing);
  EXPECT_EQ(census.groups[1].members, 2u);
}

TEST_F(GroupSurveyTest, ShareGroupsAreNotAmongThem) {
  Commit("b", {At(0, 1)});
  const TopicId dead_letters = world_.topics().Set("dlq.orders.a", 1);
  world_.Run([&](const MachineTime& now) {
    return world_.machine().admin().Create(
        now,
        {.group = "a",
         .type = GroupType::kShare,
         .start = GroupStart::kEarliest,
         .config = {.set = {{"dlq.topic", "dlq.orders.a"}}, .remove = {}},
         .subscription = {{"orders"}, ""},
         .dead_letter_topic = dead_letters},
        [](const absl::Status& created) { ASSERT_TRUE(created.ok()) << created; });
  });
  ASSERT_NE(world_.machine().groups().Find("a"), nullptr);
  const GroupCensus census = Census(1);
  EXPECT_THAT(census.by_state, ElementsAre(Pair(GroupState::kEmpty, 1u)));
  ASSERT_EQ(census.groups.size(), 1u);
  EXPECT_EQ(census.groups[0].id, "b");
}

TEST_F(GroupSurveyTest, ARebalanceIsOverOnceWhatWasAskedForIsGivenUpOrItsMemberFenced) {
  Join("g", "m1");
  world_.Advance(absl::Seconds(1));
  Join("g", "m2");
  world_.Advance(absl::Seconds(1));
  EXPECT_EQ(Census().groups[0].state, GroupState::kRebalancing);
  const MemberEpoch asked = world_.machine().groups().Find("g")->head().epoch;
  world_.Run([&](const MachineTime& now) {
    return world_.machine().membership().ConfirmRevoked(now, streams_["m1"], asked,
                                                        [](const absl::Status&) {});
  });
  world_.Advance(absl::Seconds(1));
  EXPECT_EQ(Census().groups[0].state, GroupState::kStable);
  // To the first, from the first, to the second.
  EXPECT_EQ(CountsOf("g"), (GroupCounts{.rebalances = 3}));

  Join("g", "m3");
  world_.Advance(absl::Minutes(5));  // nobody confirms
  EXPECT_EQ(Census().groups[0].state, GroupState::kStable);
  EXPECT_GE(CountsOf("g").fenced_members, 1);
}

TEST_F(GroupSurveyTest, WhatIsTakenIsCountedAndNothingElse) {
  EXPECT_EQ(Commit("g", {At(0, 5), At(1, 7), At(2, 101)}), 2);
  EXPECT_EQ(Commit("g", {At(0, 101)}), 0);
  EXPECT_EQ(Commit("g", {At(0, 6)}), 1);
  EXPECT_EQ(CountsOf("g"), (GroupCounts{.commits = 2, .committed_offsets = 3}));
  world_.FailNextAppend(MakeError(Reason::kDiskLow, "full"));
  EXPECT_EQ(Commit("g", {At(0, 7)}), 0);
  EXPECT_EQ(CountsOf("g"), (GroupCounts{.commits = 2, .committed_offsets = 3}))
      << "what failed is not counted, and the reload has forgotten nothing";
}

TEST_F(GroupSurveyTest, AGroupThatIsDeletedTakesItsCountsWithItButNotTheTotal) {
  Commit("g", {At(0, 5)});
  Commit("h", {At(0, 5)});
  world_.Run([&](const MachineTime&) {
    return world_.machine().admin().Delete(
        "g", [](const absl::Status& deleted) { ASSERT_TRUE(deleted.ok()); });
  });
  EXPECT_EQ(Census().groups.size(), 1u);
  EXPECT_EQ(Census().counts, (GroupCounts{.commits = 2, .committed_offsets = 2}));
  Commit("g", {At(1, 5)});
  EXPECT_EQ(CountsOf("g"), (GroupCounts{.commits = 1, .committed_offsets = 1}));
  world_.Advance(absl::Hours(24 * 8));  // both expire
  EXPECT_EQ(Census().groups.size(), 0u);
  Commit("h", {At(1, 5)});
  EXPECT_EQ(CountsOf("h"), (GroupCounts{.commits = 1, .committed_offsets = 1}));
  EXPECT_EQ(Census().counts, (GroupCounts{.commits = 4, .committed_offsets = 4}));
}

TEST_F(GroupSurveyTest, PositionsAreOfTopicsThatAreCommittedInOrRead) {
  const TopicId other = world_.topics().Set("other", 1);
  world_.topics().SetBounds({other, PartitionIndex{0}}, {Offset{0}, Offset{100}});
  Commit("a", {{.partition = {other, PartitionIndex{0}}, .offset = Offset{3}}, At(1, 5), At(3, 9)});
  Join("b", "b1");
  world_.Advance(absl::Seconds(1));
  Commit("c", {At(0, 1)});
  const PositionsPage page = Positions({.from = {}, .last = "b"});
  EXPECT_FALSE(page.next.has_value());
  ASSERT_EQ(page.positions.size(), 3u);
  EXPECT_EQ(page.positions[0].group, "a");
  EXPECT_EQ(page.positions[0].topic, orders_);
  EXPECT_THAT(page.positions[0].committed,
              ElementsAre(Pair(PartitionIndex{1}, Offset{5}), Pair(PartitionIndex{3}, Offset{9})));
  EXPECT_EQ(page.positions[1].topic, other);
  EXPECT_EQ(page.positions[2].group, "b");
  EXPECT_EQ(page.positions[2].topic, orders_);
  EXPECT_TRUE(page.positions[2].committed.empty());
}

TEST_F(GroupSurveyTest, PagesAreBoundedAndTogetherHoldEverythingOnce) {
  constexpr int32_t kPartitions = 7'000;
  std::map<std::string, std::map<TopicPartition, Offset>> committed;
  for (int t = 0; t < 3; ++t) {
    const TopicId topic = world_.topics().Set(absl::StrCat("wide", t), kPartitions);
    for (const char* group : {"a", "b", "c"}) {
      std::vector<OffsetCommit> offsets;
      for (int32_t i = t; i < kPartitions; ++i) {
        const TopicPartition partition{topic, PartitionIndex{i}};
        world_.topics().SetBounds(partition, {Offset{0}, Offset{100}});
        offsets.push_back({.partition = partition, .offset = Offset{i % 100}});
        committed[group][partition] = Offset{i % 100};
      }
      ASSERT_EQ(Commit(group, std::move(offsets)), kPartitions - t);
    }
  }
  std::map<std::string, std::map<TopicPartition, Offset>> seen;
  PositionsRequest request{.from = {}, .last = "c"};
  int pages = 0;
  for (;;) {
    const PositionsPage page = Positions(request);
    ++pages;
    size_t entries = 0;
    for (const TopicPositions& positions : page.positions) {
      entries += 1 + positions.committed.size();
      for (const auto& [partition, offset] : positions.committed) {
        EXPECT_TRUE(seen[positions.group]
                        .emplace(TopicPartition{positions.topic, partition}, offset)
                        .second)
            << "shown twice";
      }
    }
    EXPECT_LE(entries, limits::kSurveyOffsets);
    if (!page.next.has_value()) break;
    request.from = *page.next;
  }
  EXPECT_EQ(seen, committed);
  EXPECT_EQ(pages, 7);  // 63,000 offsets
}

}  // namespace
}  // namespace weir
