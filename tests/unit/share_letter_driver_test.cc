// Dead letters that are driven back or purged: what arrives where, what stays, and that nothing is
// driven twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/share/letter_driver.h"
#include "storage/base/error.h"
#include "storage/record/key_partitioner.h"
#include "tests/support/letter_world.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr auto kLetters = LetterWorld::kLetters;
constexpr char kRedrive[] = "redrive.orders.email";

class LetterDriverTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.Create("orders", 2);
    world_.Create(kLetters);
  }

  // The jobs of these values die, each for its reason, and their letters are written.
  void Kill(const std::string& topic, const std::vector<std::string>& values,
            DeathReason reason = DeathReason::kRejected, int32_t partition = 0) {
    const int64_t first = static_cast<int64_t>(CountIn(topic, partition));
    world_.AppendValues(topic, partition, values);
    for (size_t i = 0; i < values.size(); ++i) KillAt(topic, partition, first + i, reason);
    world_.Tell(world_.Id(topic, partition));
  }
  void KillAt(const std::string& topic, int32_t partition, int64_t offset, DeathReason reason) {
    world_.machines().Die(
        world_.Id(topic, partition),
        {.first = Offset{offset}, .last = Offset{offset}, .reason = reason, .attempts = 1});
  }
  size_t CountIn(const std::string& topic, int32_t partition) {
    size_t count = 0;
    for (const ReadRecord& record : world_.Records(topic))
      count += record.partition == PartitionIndex{partition};
    return count;
  }

  absl::StatusOr<DriveOutcome> TryDrive(const DriveOrder& order) {
    const DeadLetterLog log({.group = LetterWorld::kGroup,
                             .topic = world_.catalog().Find(kLetters),
                             .partitions = &world_.partitions(),
                             .machines = &world_.machines(),
                             .memory = &world_.memory()});
    return LetterDriver({.group = LetterWorld::kGroup,
                         .letters = &log,
                         .machines = &world_.machines(),
                         .directory = &world_.directory(),
                         .catalog = &world_.catalog(),
                         .partitions = &world_.partitions(),
                         .clock = &world_.clock()})
        .Drive(order);
  }
  DriveOutcome Drive(const DriveOrder& order = {}) {
    const absl::StatusOr<DriveOutcome> outcome = TryDrive(order);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.value_or(DriveOutcome{});
  }
  std::vector<std::string> Values(const std::string& topic) {
    std::vector<std::string> values;
    for (const ReadRecord& record : world_.Records(topic))
      values.push_back(record.value.value_or("(null)"));
    return values;
  }
  SharePartitionId Marks() { return world_.Id(kLetters); }

  LetterWorld world_;
};

TEST_F(LetterDriverTest, ALetterGoesBackToItsGroupAsTheRecordThatDied) {
  Kill("orders", {"a"}, DeathReason::kMaxAttempts, 1);
  const DriveOutcome outcome = Drive();
  EXPECT_EQ(outcome.driven, 1);
  EXPECT_THAT(outcome.reasons, ElementsAre(Pair("MAX_ATTEMPTS", 1)));
  EXPECT_EQ(outcome.next, std::nullopt);
  const std::vector<ReadRecord> driven = world_.Records(kRedrive);
  ASSERT_THAT(driven, SizeIs(1));
  EXPECT_EQ(driven[0].key, "k0");
  EXPECT_EQ(driven[0].value, "a");
  EXPECT_EQ(driven[0].timestamp_ms, 5'000);
  EXPECT_EQ(driven[0].partition, PartitionForKey("k0", 4));
  EXPECT_THAT(driven[0].headers,
              ElementsAre(Pair("trace", "t"), Pair("weir-redrive-count", "1"),
                          Pair("weir-redrive-topic", "orders"), Pair("weir-redrive-partition", "1"),
                          Pair("weir-redrive-offset", "0")));
  EXPECT_THAT(world_.machines().marks(Marks()), ElementsAre(Offset{0}));
  EXPECT_THAT(Values("orders"), ElementsAre("a"));  // nobody else sees it again
}

TEST_F(LetterDriverTest, ALetterIsDrivenOnce) {
  Kill("orders", {"a", "b"});
  EXPECT_EQ(Drive().driven, 2);
  Kill("orders", {"c"});
  const DriveOutcome again = Drive();
  EXPECT_EQ(again.driven, 1);
  EXPECT_EQ(again.already, 2);
  EXPECT_THAT(Values(kRedrive), UnorderedElementsAre("a", "b", "c"));
}

TEST_F(LetterDriverTest, WhatDiesAgainAndAgainStays) {
  Kill("orders", {"a"});
  for (int drive = 1; drive <= 3; ++drive) {
    EXPECT_EQ(Drive().driven, 1);
    const ReadRecord last = world_.Records(kRedrive).back();
    EXPECT_EQ(last.Header("weir-redrive-count"), absl::StrCat(drive));
    EXPECT_EQ(last.Header("weir-redrive-topic"), "orders");
    EXPECT_EQ(last.Header("weir-redrive-offset"), "0");
    KillAt(kRedrive, last.partition.value(), last.offset.value(), DeathReason::kRejected);
    world_.Tell(world_.Id(kRedrive, last.partition.value()));
  }
  const DriveOutcome fourth = Drive();
  EXPECT_EQ(fourth.driven, 0);
  EXPECT_EQ(fourth.too_often, 1);
  EXPECT_EQ(fourth.already, 3);
  EXPECT_EQ(Drive({.max_drives = 4}).driven, 1);
}

TEST_F(LetterDriverTest, ToItsTopicEveryoneSeesItAgain) {
  Kill("orders", {"a", "b"});
  EXPECT_EQ(Drive({.to = DriveTo::kTopic}).driven, 2);
  const std::vector<ReadRecord> records = world_.Records("orders");
  ASSERT_THAT(records, SizeIs(4));
  EXPECT_EQ(world_.catalog().Find(kRedrive), nullptr);
  int driven = 0;
  for (const ReadRecord& record : records) {
    if (!record.Header("weir-redrive-count").has_value()) continue;
    ++driven;
    EXPECT_EQ(record.partition, PartitionForKey(*record.key, 2));
    EXPECT_THAT(record.headers, Not(Contains(Key("weir-dlq-topic"))));
  }
  EXPECT_EQ(driven, 2);
}

TEST_F(LetterDriverTest, ALetterOfADrivenRecordGoesToTheTopicWhereThatWasFirst) {
  Kill("orders", {"a"});
  EXPECT_EQ(Drive().driven, 1);
  const ReadRecord driven = world_.Records(kRedrive).back();
  KillAt(kRedrive, driven.partition.value(), driven.offset.value(), DeathReason::kRejected);
  world_.Tell(world_.Id(kRedrive, driven.partition.value()));
  EXPECT_EQ(Drive({.to = DriveTo::kTopic}).driven, 1);
  EXPECT_THAT(Values("orders"), UnorderedElementsAre("a", "a"));
}

TEST_F(LetterDriverTest, LettersWhoseTopicIsGoneStayForIt) {
  world_.Create("old");
  Kill("old", {"x"});
  Kill("orders", {"a"});
  ASSERT_TRUE(world_.partitions().DeleteTopic("old").ok());
  const DriveOutcome outcome = Drive({.to = DriveTo::kTopic});
  EXPECT_EQ(outcome.driven, 1);
  EXPECT_THAT(outcome.stay, ElementsAre(Pair("UNKNOWN_TOPIC", 1)));
  // To the group it can still go.
  EXPECT_EQ(Drive().driven, 1);
  EXPECT_THAT(Values("redrive.old.email"), ElementsAre("x"));
}

TEST_F(LetterDriverTest, UnreadableBatchesAndWhatIsTooLargeStay) {
  Kill("orders", {"a", std::string(5'000, 'b')});
  Kill("orders", {"raw"}, DeathReason::kUnreadable);
  ASSERT_TRUE(world_.catalog().AlterConfig("orders", {{"max.message.bytes", "110"}}, {}).ok());
  const DriveOutcome outcome = Drive({.to = DriveTo::kTopic});
  EXPECT_THAT(outcome.stay,
              UnorderedElementsAre(Pair("UNREADABLE", 1), Pair("MESSAGE_TOO_LARGE", 2)));
  EXPECT_EQ(outcome.driven, 0);
  EXPECT_THAT(world_.machines().marks(Marks()), IsEmpty());
}

TEST_F(LetterDriverTest, ADryRunOnlyTells) {
  Kill("orders", {"a", "b"}, DeathReason::kRejected);
  Kill("orders", {"c"}, DeathReason::kExpired);
  for (const DriveTo to : {DriveTo::kGroup, DriveTo::kTopic, DriveTo::kNowhere}) {
    const DriveOutcome outcome = Drive({.to = to, .dry_run = true});
    EXPECT_EQ(outcome.driven, 3);
    EXPECT_THAT(outcome.reasons, ElementsAre(Pair("EXPIRED", 1), Pair("REJECTED", 2)));
  }
  EXPECT_EQ(world_.catalog().Find(kRedrive), nullptr);
  EXPECT_THAT(Values("orders"), SizeIs(3));
  EXPECT_THAT(world_.machines().marks(Marks()), IsEmpty());
}

TEST_F(LetterDriverTest, PurgedLettersAreMarkedAndNothingElse) {
  Kill("orders", {"a", "b", "c"});
  const DriveOutcome outcome = Drive({.to = DriveTo::kNowhere, .filter = {.key = "k1"}});
  EXPECT_EQ(outcome.driven, 1);
  EXPECT_THAT(world_.machines().marks(Marks()), ElementsAre(Offset{1}));
  EXPECT_THAT(Values(kLetters), SizeIs(3));
  EXPECT_THAT(Values("orders"), SizeIs(3));
  EXPECT_EQ(Drive().driven, 2);
}

TEST_F(LetterDriverTest, ACallLooksAtAsManyAsItMayAndSaysWhereToGoOn) {
  std::vector<std::string> values;
  for (int i = 0; i < 25; ++i) values.push_back(absl::StrCat("v", i));
  Kill("orders", values);
  DriveOrder order{.most = 10};
  std::vector<int64_t> driven;
  for (std::optional<LetterPosition> next = LetterPosition{}; next.has_value();) {
    order.from = *next;
    const DriveOutcome outcome = Drive(order);
    driven.push_back(outcome.driven);
    next = outcome.next;
  }
  EXPECT_THAT(driven, ElementsAre(10, 10, 5));
  EXPECT_THAT(Values(kRedrive), SizeIs(25));
}

TEST_F(LetterDriverTest, ManyLargeLettersGoInSteps) {
  for (int i = 0; i < 12; ++i) Kill("orders", {std::string(300'000, 'x')});
  EXPECT_EQ(Drive().driven, 12);
  EXPECT_THAT(Values(kRedrive), SizeIs(12));
  EXPECT_LE(world_.machines().largest_write(), 2 * limits::kLetterBatchBytes);
}

TEST_F(LetterDriverTest, WhatSomebodyElseDrivesMeanwhileIsNotDrivenTwice) {
  Kill("orders", {"a", "b", "c"});
  world_.machines().BeforeNextChange(
      [&] { world_.machines().Mark({.id = Marks(), .offsets = {Offset{1}}}, [](auto) {}); });
  const DriveOutcome outcome = Drive();
  EXPECT_EQ(outcome.driven, 2);
  EXPECT_EQ(outcome.already, 1);
  EXPECT_THAT(Values(kRedrive), UnorderedElementsAre("a", "c"));
}

TEST_F(LetterDriverTest, AFullDiskRefusesAndNothingIsMarked) {
  Kill("orders", {"a"});
  world_.log().log().RefuseAppends(MakeError(Reason::kDiskLow, "the disk is full"));
  EXPECT_EQ(ReasonOf(TryDrive({}).status()), Reason::kDiskLow);
  EXPECT_THAT(world_.machines().marks(Marks()), IsEmpty());
  EXPECT_EQ(Drive({.to = DriveTo::kNowhere}).driven, 1);
}

TEST_F(LetterDriverTest, ATopicThatCannotBeMadeIsTheAnswer) {
  Kill("orders", {"a"});
  world_.directory().Fail(MakeError(Reason::kTopicLimit, "there are too many topics"));
  EXPECT_EQ(ReasonOf(TryDrive({}).status()), Reason::kTopicLimit);
}

}  // namespace
}  // namespace weir
