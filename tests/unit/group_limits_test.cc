// The bounds of consumer groups: what goes past one is refused with the bound named, and what is
// large but allowed is done in pieces.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "tests/support/group_world.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

class GroupLimitsTest : public ::testing::Test {
 protected:
  GroupLimitsTest() { topic_ = world_.topics().Set("orders", 12'000); }

  JoinRequest NewMember(int number) {
    return {.group = "email",
            .member_id = absl::StrCat("m", number),
            .session = SessionId{static_cast<uint64_t>(number) + 1},
            .subscription = {.topics = {"none"}, .prefix = ""},
            .start = GroupStart::kEarliest};
  }
  absl::Status Join(const JoinRequest& request) {
    absl::Status status;
    world_.Run([&](const MachineTime& now) {
      return world_.machine().membership().Join(
          now, request, [&](absl::StatusOr<Joined> joined) { status = joined.status(); });
    });
    return status;
  }
  absl::Status Create(const std::string& group) {
    absl::Status status;
    world_.Run([&](const MachineTime& now) {
      return world_.machine().admin().Create(now, {.group = group},
                                             [&](const absl::Status& s) { status = s; });
    });
    return status;
  }
  // Partitions from 0 on, each with so much metadata.
  absl::Status Commit(size_t partitions, size_t metadata_bytes) {
    CommitRequest request{.group = "tools", .start = GroupStart::kEarliest};
    for (size_t i = 0; i < partitions; ++i) {
      request.offsets.push_back({.partition = {topic_, PartitionIndex{static_cast<int32_t>(i)}},
                                 .metadata = std::string(metadata_bytes, 'x')});
    }
    absl::Status status;
    world_.Run([&](const MachineTime& now) {
      return world_.machine().offsets().Commit(
          now, std::move(request), [&](absl::StatusOr<std::vector<absl::Status>> outcomes) {
            status = outcomes.ok() ? outcomes->back() : outcomes.status();
          });
    });
    return status;
  }

  GroupWorld world_;
  TopicId topic_;
};

TEST_F(GroupLimitsTest, MembersOfAGroup) {
  const int most = static_cast<int>(limits::kMembersPerGroup);
  for (int i = 0; i < most; ++i) ASSERT_TRUE(Join(NewMember(i)).ok());
  const absl::Status status = Join(NewMember(most));
  EXPECT_EQ(ReasonOf(status), Reason::kGroupLimit);
  EXPECT_THAT(std::string(status.message()), HasSubstr(absl::StrCat(most)));
  EXPECT_TRUE(Join(NewMember(0)).ok()) << "one that is there may come back";
}

TEST_F(GroupLimitsTest, Groups) {
  for (size_t i = 0; i < limits::kGroupsPerShard; ++i)
    ASSERT_TRUE(Create(absl::StrCat("g", i)).ok());
  EXPECT_EQ(ReasonOf(Create("more")), Reason::kGroupLimit);
  EXPECT_EQ(ReasonOf(Join(NewMember(1))), Reason::kGroupLimit);
  EXPECT_EQ(ReasonOf(Commit(1, 0)), Reason::kGroupLimit);
}

TEST_F(GroupLimitsTest, PartitionsAndMetadataOfARequest) {
  EXPECT_TRUE(Commit(limits::kOffsetsPerRequest, 0).ok());
  EXPECT_EQ(ReasonOf(Commit(limits::kOffsetsPerRequest + 1, 0)), Reason::kInvalidRequest);
  EXPECT_TRUE(Commit(2'000, limits::kOffsetMetadataBytes).ok());
  EXPECT_EQ(ReasonOf(Commit(2'100, limits::kOffsetMetadataBytes)), Reason::kMessageTooLarge);
}

TEST_F(GroupLimitsTest, MetadataOfAllOffsets) {
  const size_t fit = limits::kOffsetMetadataBytesPerShard / limits::kOffsetMetadataBytes;
  CommitRequest request{.group = "tools", .start = GroupStart::kEarliest};
  std::vector<absl::Status> outcomes;
  for (size_t i = 0; i <= fit; ++i) {
    request.offsets = {{.partition = {topic_, PartitionIndex{static_cast<int32_t>(i % 12'000)}},
                        .metadata = std::string(limits::kOffsetMetadataBytes, 'x')}};
    if (i >= 12'000) request.offsets[0].partition.topic = world_.topics().Set("more", 12'000);
    world_.Run([&](const MachineTime& now) {
      return world_.machine().offsets().Commit(
          now, request,
          [&](absl::StatusOr<std::vector<absl::Status>> o) { outcomes.push_back(o->front()); });
    });
  }
  EXPECT_TRUE(outcomes[fit - 1].ok());
  EXPECT_EQ(ReasonOf(outcomes[fit]), Reason::kGroupLimit);
  EXPECT_TRUE(Commit(1, limits::kOffsetMetadataBytes).ok()) << "in place of what is there";
  EXPECT_TRUE(Commit(12, 0).ok());
  EXPECT_TRUE(Commit(1, 0).ok()) << "and less makes room";
}

TEST_F(GroupLimitsTest, Subscriptions) {
  JoinRequest request = NewMember(1);
  request.subscription.topics.clear();
  for (int i = 0; i < 1'001; ++i)
    request.subscription.topics.push_back(absl::StrCat("t", 10'000 + i));
  EXPECT_EQ(ReasonOf(Join(request)), Reason::kInvalidRequest);
  request.subscription.topics.pop_back();
  EXPECT_TRUE(Join(request).ok());
  request = NewMember(2);
  request.subscription.topics.clear();
  for (int i = 0; i < 100; ++i)
    request.subscription.topics.push_back(absl::StrCat("t", std::string(200, 'x'), 100 + i));
  const absl::Status status = Join(request);
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidRequest);
  EXPECT_THAT(std::string(status.message()), HasSubstr("16384"));
}

// Everybody gets something at once, and everybody's record is large.
TEST_F(GroupLimitsTest, AnAssignmentThatIsTooLargeForOneStepTakesSeveral) {
  constexpr int kMembers = 500;
  JoinRequest request = NewMember(0);
  request.subscription.topics = {"late"};
  for (int i = 0; i < 60; ++i)
    request.subscription.topics.push_back(absl::StrCat("t", std::string(200, 'x'), 100 + i));
  for (int i = 0; i < kMembers; ++i) {
    request.member_id = absl::StrCat("m", i);
    request.session = SessionId{static_cast<uint64_t>(i) + 1};
    ASSERT_TRUE(Join(request).ok());
  }
  world_.topics().Set("late", kMembers);
  world_.Run([this](const MachineTime& now) { return world_.machine().TopicsChanged(now); });
  world_.Advance(absl::Seconds(5));
  EXPECT_LT(world_.most_record_bytes(), 2 * limits::kAssignBytes);
  EXPECT_GT(world_.record_bytes(), 5 * limits::kAssignBytes);
  for (const auto& [id, member] : world_.machine().groups().Find("email")->members())
    EXPECT_EQ(member->held.size(), 1u) << id;
}

}  // namespace
}  // namespace weir
