// The records of consumer groups against tests/golden/group_records.txt, which never changes: they
// are written like that, and read back from it; and what is no record of them is refused.
#include "broker/group/group_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "absl/strings/escaping.h"
#include "broker/group/group_table.h"
#include "tests/golden/golden_files.h"
#include "tests/support/fake_state_store.h"

namespace weir {
namespace {

constexpr TopicId kTopic{{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,  //
                          0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}};
constexpr int64_t kStartMs = 1'767'225'600'000;

const std::string& Golden(const std::string& name) {
  static const auto& files = *new std::map<std::string, std::string>([] {
    const auto pairs = ParseHexPairs(GoldenFile("group_records.txt"));
    EXPECT_TRUE(pairs.has_value());
    return std::map<std::string, std::string>(pairs->begin(), pairs->end());
  }());
  return files.at(name);
}

GroupHead Head() {
  return {
      .id = "email", .start = GroupStart::kLatest, .epoch = MemberEpoch{3}, .created_ms = kStartMs};
}

Member OneMember() {
  Member member{.id = "a",
                .instance_id = "one",
                .subscription = {.topics = {"orders"}, .prefix = ""},
                .client_id = "c",
                .host = "h",
                .since_ms = kStartMs,
                .epoch = MemberEpoch{3},
                .held = {}};
  member.held[{kTopic, PartitionIndex{0}}] = {MemberEpoch{2}, MemberEpoch{3}};
  member.held[{kTopic, PartitionIndex{1}}] = {MemberEpoch{2}, MemberEpoch{0}};
  return member;
}

OffsetsUpdated Offsets() {
  return {.group = "email",
          .topic = kTopic,
          .partitions = {{PartitionIndex{0}, {.offset = Offset{100}, .commit_ms = kStartMs}},
                         {PartitionIndex{1},
                          {Offset{7}, LeaderEpoch{2}, /*metadata=*/"m", /*commit_ms=*/kStartMs}}}};
}

GroupHead ShareGroup() {
  TopicId redrive = kTopic;
  std::reverse(redrive.bytes.begin(), redrive.bytes.end());
  GroupHead head{.id = "resize",
                 .type = GroupType::kShare,
                 .start = GroupStart::kEarliest,
                 .paused = true,
                 .paused_by_breaker = true,
                 .created_ms = kStartMs};
  head.config.order = GroupOrder::kKey;
  head.config.max_delivery_attempts = 3;
  head.share.subscription.topics = {"pictures"};
  head.share.dead_letter = {kTopic, "dlq.pictures.resize"};
  head.share.redrive["pictures"] = {redrive, "redrive.pictures.resize"};
  return head;
}

TEST(GroupRecordsTest, AreWrittenAsTheGoldenOnes) {
  const auto expect = [](const InternalRecord& record, uint16_t kind, const std::string& name) {
    EXPECT_EQ(record.kind, kind) << name;
    EXPECT_EQ(record.version, 1) << name;
    EXPECT_EQ(absl::BytesToHexString(record.payload), absl::BytesToHexString(Golden(name))) << name;
  };
  expect(GroupRecordOf(Head()), 1, "group");
  expect(GroupRecordOf(ShareGroup()), 1, "share-group");
  expect(GroupRemovedRecord("email"), 2, "group-removed");
  expect(MemberRecordOf("email", OneMember()), 3, "member");
  expect(MemberRemovedRecord("email", "a"), 4, "member-removed");
  expect(OffsetsRecordOf(GroupRecordKind::kOffsets, Offsets()), 5, "offsets");
  expect(OffsetsRecordOf(GroupRecordKind::kOffsetsReset, Offsets()), 6, "offsets");
  expect(TopicStartedRecord({"email", kTopic, 2}), 7, "topic-started");
  expect(TopicForgottenRecord("email", kTopic), 8, "topic-forgotten");
}

TEST(GroupRecordsTest, TheGoldenOnesAreRead) {
  EXPECT_EQ(*DecodeGroup(Golden("group")), Head());
  EXPECT_EQ(*DecodeGroup(Golden("share-group")), ShareGroup());
  EXPECT_EQ(DecodeGroupRemoved(Golden("group-removed"))->group, "email");
  EXPECT_EQ(DecodeMember(Golden("member"))->group, "email");
  EXPECT_EQ(DecodeMember(Golden("member"))->member, OneMember());
  EXPECT_EQ(DecodeMemberRemoved(Golden("member-removed"))->group, "email");
  EXPECT_EQ(DecodeMemberRemoved(Golden("member-removed"))->member, "a");
  const OffsetsUpdated offsets = *DecodeOffsets(Golden("offsets"));
  EXPECT_EQ(offsets.group, "email");
  EXPECT_EQ(offsets.topic, kTopic);
  ASSERT_EQ(offsets.partitions.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(offsets.partitions[i].partition, Offsets().partitions[i].partition);
    EXPECT_EQ(offsets.partitions[i].committed, Offsets().partitions[i].committed);
  }
  EXPECT_EQ(DecodeTopicStarted(Golden("topic-started"))->partitions, 2);
  EXPECT_EQ(DecodeTopicStarted(Golden("topic-started"))->topic, kTopic);
  EXPECT_EQ(DecodeTopicForgotten(Golden("topic-forgotten"))->topic, kTopic);
}

class GroupTableTest : public ::testing::Test {
 protected:
  absl::Status Replay(InternalRecord record) { return table_.Replay(record, &changes_); }

  GroupTable table_{PartitionIndex{0}};
  std::vector<StateChange> changes_;
};

TEST_F(GroupTableTest, RefusesKindsAndVersionsThatItDoesNotKnow) {
  for (const uint16_t kind : {0, 9, 65535}) {
    const absl::Status status = Replay({.kind = kind, .payload = Golden("group")});
    EXPECT_TRUE(absl::IsDataLoss(status)) << kind;
  }
  EXPECT_TRUE(absl::IsDataLoss(Replay({.kind = 1, .version = 2, .payload = Golden("group")})));
}

TEST_F(GroupTableTest, RefusesRecordsThatMakeNoSense) {
  EXPECT_TRUE(absl::IsDataLoss(Replay(MemberRecordOf("email", OneMember())))) << "of no group";
  EXPECT_TRUE(absl::IsDataLoss(Replay(GroupRemovedRecord("email"))));
  ASSERT_TRUE(Replay(GroupRecordOf(Head())).ok());
  EXPECT_TRUE(absl::IsDataLoss(Replay(MemberRemovedRecord("email", "a"))));
  ASSERT_TRUE(Replay(MemberRecordOf("email", OneMember())).ok());
  EXPECT_TRUE(absl::IsDataLoss(Replay(GroupRemovedRecord("email")))) << "it has a member";
  Member second = OneMember();
  second.id = "b";
  EXPECT_TRUE(absl::IsDataLoss(Replay(MemberRecordOf("email", second)))) << "the same instance id";
  second.instance_id = "two";
  EXPECT_TRUE(absl::IsDataLoss(Replay(MemberRecordOf("email", second)))) << "two owners";
  EXPECT_EQ(table_.Find("email")->OwnerOf({kTopic, PartitionIndex{0}})->id, "a");
}

// Whatever the bytes are: refused or taken, never a crash.
TEST_F(GroupTableTest, RefusesCutAndChangedPayloads) {
  ASSERT_TRUE(Replay(GroupRecordOf(Head())).ok());
  const std::vector<std::pair<uint16_t, std::string>> records = {
      {1, "group"},   {1, "share-group"},   {3, "member"},
      {5, "offsets"}, {7, "topic-started"}, {8, "topic-forgotten"}};
  int refused = 0;
  for (const auto& [kind, name] : records) {
    const std::string& golden = Golden(name);
    for (size_t i = 0; i < golden.size(); ++i) {
      std::string changed = golden;
      changed[i] = static_cast<char>(changed[i] ^ 0x81);
      refused += Replay({.kind = kind, .payload = changed}).ok() ? 0 : 1;
      refused += Replay({.kind = kind, .payload = golden.substr(0, i)}).ok() ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST_F(GroupTableTest, LoadsWhatItHasWritten) {
  ASSERT_TRUE(Replay(GroupRecordOf(Head())).ok());
  ASSERT_TRUE(Replay(GroupRecordOf({.id = "email-2"})).ok());
  ASSERT_TRUE(Replay(MemberRecordOf("email", OneMember())).ok());
  ASSERT_TRUE(Replay(OffsetsRecordOf(GroupRecordKind::kOffsets, Offsets())).ok());
  ASSERT_TRUE(Replay(TopicStartedRecord({"email", kTopic, 2})).ok());
  FakeStateStore store;
  ASSERT_TRUE(store.Write(changes_).ok());
  GroupTable loaded(PartitionIndex{0});
  ASSERT_TRUE(loaded.Load(store).ok());
  const Group* const group = loaded.Find("email");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->head(), Head());
  EXPECT_EQ(*group->Find("a"), OneMember());
  EXPECT_EQ(group->offsets().Find({kTopic, PartitionIndex{1}}), Offsets().partitions[1].committed);
  EXPECT_EQ(group->offsets().StartedWith(kTopic), 2);
  EXPECT_EQ(loaded.groups().size(), 2u);
  EXPECT_EQ(loaded.members(), 1u);
  EXPECT_EQ(loaded.offsets(), 2u);
  EXPECT_EQ(loaded.offset_metadata_bytes(), 1u);

  GroupTable other(PartitionIndex{1});
  ASSERT_TRUE(other.Load(store).ok());
  EXPECT_TRUE(other.groups().empty()) << "it is another internal partition's";

  ASSERT_TRUE(Replay(MemberRemovedRecord("email", "a")).ok());
  ASSERT_TRUE(Replay(GroupRemovedRecord("email")).ok());
  ASSERT_TRUE(Replay(GroupRemovedRecord("email-2")).ok());
  ASSERT_TRUE(store.Write(changes_).ok());
  EXPECT_TRUE(store.content().empty()) << "nothing of a removed group stays";
  EXPECT_EQ(table_.offsets(), 0u);
  EXPECT_EQ(table_.offset_metadata_bytes(), 0u);
}

TEST_F(GroupTableTest, RefusesAStoreThatMakesNoSense) {
  const std::vector<StateChange> bad = {
      {StateFamily::kGroups, std::string("\0\0\0\0email", 9), Golden("group")},
      {StateFamily::kGroups, std::string("\0\0\0\0email\0m", 11), Golden("member")},
      {StateFamily::kGroups, std::string("\0\0\0\0email\0x", 11), Golden("member")},
      {StateFamily::kGroups, std::string("\0\0\0\0email\0", 10), "x"},
      {StateFamily::kOffsets, std::string("\0\0\0\0email\0", 10), "x"}};
  for (const StateChange& change : bad) {
    FakeStateStore store;
    ASSERT_TRUE(store.Write(absl::MakeConstSpan(&change, 1)).ok());
    EXPECT_TRUE(absl::IsDataLoss(table_.Load(store))) << absl::CEscape(change.key);
  }
}

}  // namespace
}  // namespace weir
