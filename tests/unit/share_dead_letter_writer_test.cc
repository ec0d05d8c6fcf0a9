// What becomes of dying jobs: their letters, and who writes them when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/share/dead_letter_writer.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch_builder.h"
#include "tests/support/letter_world.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr auto kLetters = LetterWorld::kLetters;

DyingJob Dying(int64_t offset, DeathReason reason = DeathReason::kMaxAttempts) {
  return {.first = Offset{offset},
          .last = Offset{offset},
          .reason = reason,
          .attempts = 5,
          .error = "no such user",
          .history = {{.ended_ms = 1'000,
                       .worker = "worker-1",
                       .ending = "RELEASED",
                       .error = "no such user"}}};
}

// Bytes that no codec makes smaller.
std::string Noise(size_t size) {
  std::string noise;
  uint64_t state = 88'172'645'463'325'252;
  while (noise.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    noise.push_back(static_cast<char>(state));
  }
  return noise;
}

class DeadLetterWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    world_.Create("orders", 2);
    world_.Create(kLetters);
    orders_ = world_.Id("orders");
  }

  void Die(std::vector<int64_t> offsets) {
    for (const int64_t offset : offsets) world_.machines().Die(orders_, Dying(offset));
    world_.Tell(orders_);
  }
  // A batch that does not verify, of three records.
  static std::string BadBatch() {
    RecordBatchBuilder builder;
    for (const char* const value : {"x", "y", "z"}) builder.Append(1, "k", value);
    std::string batch = builder.Finish({});
    batch.back() = static_cast<char>(batch.back() ^ 1);
    return batch;
  }

  LetterWorld world_;
  SharePartitionId orders_;
};

TEST_F(DeadLetterWriterTest, AJobsRecordBecomesItsLetter) {
  world_.AppendValues("orders", 0, {"a", "b", "c"});
  Die({1});
  EXPECT_EQ(world_.machines().dying(orders_), 0);
  const std::vector<ReadRecord> letters = world_.Records(kLetters);
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].key, "k1");
  EXPECT_EQ(letters[0].value, "b");
  EXPECT_EQ(letters[0].timestamp_ms, 5'001);
  std::vector<std::string> names;
  for (const auto& [name, value] : letters[0].headers) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("trace", "weir-dlq-topic", "weir-dlq-partition", "weir-dlq-offset",
                                 "weir-dlq-group", "weir-dlq-reason", "weir-dlq-error",
                                 "weir-dlq-attempts", "weir-dlq-history", "weir-dlq-time"));
  EXPECT_EQ(letters[0].Header("weir-dlq-topic"), "orders");
  EXPECT_EQ(letters[0].Header("weir-dlq-offset"), "1");
  EXPECT_EQ(letters[0].Header("weir-dlq-reason"), "MAX_ATTEMPTS");
  EXPECT_EQ(letters[0].Header("weir-dlq-time"), absl::StrCat(world_.clock().NowMs()));
}

TEST_F(DeadLetterWriterTest, WhatARecordHasSaidAsIfItWereALetterGoes) {
  RecordBatchBuilder builder;
  builder.Append(1, "k", "v",
                 {HeaderView{"weir-dlq-topic", "secrets"}, HeaderView{"weir-dlq-x", "y"}});
  world_.Append("orders", 0, builder.Finish({}));
  Die({0});
  const std::vector<ReadRecord> letters = world_.Records(kLetters);
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_EQ(letters[0].Header("weir-dlq-topic"), "orders");
  EXPECT_THAT(letters[0].headers, Not(Contains(Key("weir-dlq-x"))));
}

// The broker's own come on top of as many headers as a producer may give a record.
TEST_F(DeadLetterWriterTest, ARecordWithAsManyHeadersAsThereMayBeHasItsLetter) {
  const std::vector<HeaderView> headers(limits::kHeadersPerRecord, HeaderView{"name", "value"});
  RecordBatchBuilder builder;
  builder.Append(1, "k", "v", headers);
  world_.Append("orders", 0, builder.Finish({}));
  Die({0});
  EXPECT_EQ(world_.machines().dying(orders_), 0);
  const std::vector<ReadRecord> letters = world_.Records(kLetters);
  ASSERT_THAT(letters, SizeIs(1));
  EXPECT_GT(letters[0].headers.size(), headers.size());
  EXPECT_EQ(letters[0].Header("weir-dlq-topic"), "orders");
}

TEST_F(DeadLetterWriterTest, AnUnreadableBatchIsOneLetterWithItsBytes) {
  const std::string bad = BadBatch();
  world_.AppendValues("orders", 0, {"a"});
  world_.Append("orders", 0, bad);
  DyingJob job = Dying(1, DeathReason::kUnreadable);
  job.last = Offset{3};
  world_.machines().Die(orders_, job);
  world_.Tell(orders_);
  const std::vector<ReadRecord> letters = world_.Records(kLetters);
  ASSERT_THAT(letters, SizeIs(1));
  // As stored: only base offset and epoch are the log's.
  EXPECT_EQ(letters[0].value->substr(21), bad.substr(21));
  EXPECT_EQ(letters[0].key, std::nullopt);
  EXPECT_EQ(letters[0].Header("weir-dlq-reason"), "UNREADABLE");
  EXPECT_EQ(letters[0].Header("weir-dlq-offset"), "1");
}

TEST_F(DeadLetterWriterTest, JobsWhoseBatchCannotBeReadAnyMoreAreOneLetter) {
  world_.AppendValues("orders", 0, {"a"});
  world_.Append("orders", 0, BadBatch());
  world_.AppendValues("orders", 0, {"b"});
  Die({0, 1, 3, 4});
  EXPECT_EQ(world_.machines().dying(orders_), 0);
  const std::vector<ReadRecord> letters = world_.Records(kLetters);
  ASSERT_THAT(letters, SizeIs(3));
  EXPECT_EQ(letters[0].value, "a");
  EXPECT_EQ(letters[1].Header("weir-dlq-reason"), "UNREADABLE");
  EXPECT_EQ(letters[1].Header("weir-dlq-offset"), "1");
  EXPECT_EQ(letters[2].value, "b");
  EXPECT_EQ(letters[2].Header("weir-dlq-reason"), "MAX_ATTEMPTS");
}

TEST_F(DeadLetterWriterTest, ARecordThatIsGoneLeavesALetterThatSaysSo) {
  world_.AppendValues("orders", 0, {"a", "b"});
  world_.AppendValues("orders", 0, {"c"});
  world_.log().DeleteRecords(orders_.partition, Offset{2});
  world_.log().Pump();
  Die({0, 2, 7});
  const std::vector<ReadRecord> letters = world_.Records(kLetters);
  ASSERT_THAT(letters, SizeIs(3));
  EXPECT_EQ(letters[0].value, std::nullopt);
  EXPECT_EQ(letters[0].key, std::nullopt);
  EXPECT_EQ(letters[0].Header("weir-dlq-offset"), "0");
  EXPECT_EQ(letters[1].value, "c");
  EXPECT_EQ(letters[2].value, std::nullopt);
}

TEST_F(DeadLetterWriterTest, ALetterThatDoesNotFitItsTopicIsCompressedOrElsePostponed) {
  world_.AppendValues("orders", 0, {std::string(50'000, 'x'), "small", Noise(50'000)});
  ASSERT_TRUE(world_.catalog().AlterConfig(kLetters, {{"max.message.bytes", "10000"}}, {}).ok());
  Die({0, 1, 2});
  const std::vector<ReadRecord> letters = world_.Records(kLetters);
  ASSERT_THAT(letters, SizeIs(2));
  EXPECT_EQ(letters[0].value, std::string(50'000, 'x'));
  EXPECT_EQ(letters[1].value, "small");
  ASSERT_THAT(world_.machines().postponed(), SizeIs(1));
  const auto& [jobs, why] = world_.machines().postponed()[0];
  EXPECT_THAT(jobs, ElementsAre(Offset{2}));
  EXPECT_EQ(ReasonOf(why), Reason::kMessageTooLarge);
  EXPECT_THAT(std::string(why.message()),
              AllOf(HasSubstr("takes at most 10000 (max.message.bytes)"), HasSubstr(kLetters)));

  ASSERT_TRUE(world_.catalog().AlterConfig(kLetters, {{"max.message.bytes", "100000"}}, {}).ok());
  world_.machines().Due();
  world_.Tell(orders_);
  EXPECT_EQ(world_.machines().dying(orders_), 0);
  EXPECT_EQ(world_.Records(kLetters).back().value, Noise(50'000));
}

TEST_F(DeadLetterWriterTest, ALetterLargerThanOneDecisionIsPostponed) {
  ASSERT_TRUE(world_.catalog().AlterConfig(kLetters, {{"max.message.bytes", "33554432"}}, {}).ok());
  world_.AppendValues("orders", 0, {Noise(limits::kLetterBytesMost)});
  world_.AppendValues("orders", 0, {Noise(limits::kLetterBytesMost - 10'000)});
  Die({0, 1});
  ASSERT_THAT(world_.machines().postponed(), SizeIs(1));
  EXPECT_THAT(world_.machines().postponed()[0].first, ElementsAre(Offset{0}));
  EXPECT_THAT(std::string(world_.machines().postponed()[0].second.message()),
              HasSubstr("takes at most 8388608 with what is decided about it"));
  EXPECT_THAT(world_.Records(kLetters), SizeIs(1));
}

TEST_F(DeadLetterWriterTest, LettersAreWrittenOnAFullDisk) {
  world_.AppendValues("orders", 0, {"a"});
  world_.log().log().RefuseAppends(MakeError(Reason::kDiskLow, "the disk is full"));
  Die({0});
  EXPECT_THAT(world_.Records(kLetters), SizeIs(1));
}

TEST_F(DeadLetterWriterTest, ADeadLetterTopicThatSomebodyHasDeletedIsMadeAnew) {
  world_.AppendValues("orders", 0, {"a"});
  ASSERT_TRUE(world_.partitions().DeleteTopic(kLetters).ok());
  world_.directory().Fail(MakeError(Reason::kTopicLimit, "there are too many topics"));
  Die({0});
  ASSERT_THAT(world_.machines().postponed(), SizeIs(1));
  EXPECT_EQ(ReasonOf(world_.machines().postponed()[0].second), Reason::kTopicLimit);

  world_.directory().Fail(absl::OkStatus());
  world_.machines().Due();
  world_.Tell(orders_);
  EXPECT_THAT(world_.Records(kLetters), SizeIs(1));
}

TEST_F(DeadLetterWriterTest, JobsOfATopicThatIsGoneArePostponed) {
  world_.AppendValues("orders", 0, {"a", "b"});
  ASSERT_TRUE(world_.partitions().DeleteTopic("orders").ok());
  Die({0, 1});
  ASSERT_THAT(world_.machines().postponed(), SizeIs(1));
  EXPECT_THAT(world_.machines().postponed()[0].first, ElementsAre(Offset{0}, Offset{1}));
  EXPECT_EQ(ReasonOf(world_.machines().postponed()[0].second), Reason::kUnknownTopic);
}

TEST_F(DeadLetterWriterTest, ALateAcceptTakesItsJobOutAndTheOthersDieAllTheSame) {
  world_.AppendValues("orders", 0, {"a", "b", "c"});
  world_.machines().BeforeNextChange([&] { world_.machines().Accept(orders_, Offset{1}); });
  Die({0, 1, 2});
  EXPECT_EQ(world_.machines().dying(orders_), 0);
  std::vector<std::string> values;
  for (const ReadRecord& letter : world_.Records(kLetters)) values.push_back(*letter.value);
  EXPECT_THAT(values, ElementsAre("a", "c"));
}

TEST_F(DeadLetterWriterTest, LettersGoToThePartitionOfTheirKey) {
  ASSERT_TRUE(world_.catalog().AddPartitions(kLetters, 8).ok());
  std::vector<std::string> values(40, "v");
  world_.AppendValues("orders", 0, values);
  world_.AppendValues("orders", 1, values);
  const SharePartitionId other = world_.Id("orders", 1);
  for (int64_t i = 0; i < 40; ++i) {
    world_.machines().Die(orders_, Dying(i));
    world_.machines().Die(other, Dying(i));
  }
  world_.Tell(orders_);
  world_.Tell(other);
  std::map<std::string, std::set<PartitionIndex>> by_key;
  std::set<PartitionIndex> all;
  for (const ReadRecord& letter : world_.Records(kLetters)) {
    by_key[*letter.key].insert(letter.partition);
    all.insert(letter.partition);
  }
  EXPECT_THAT(by_key, SizeIs(40));
  for (const auto& [key, partitions] : by_key) EXPECT_THAT(partitions, SizeIs(1)) << key;
  EXPECT_GT(all.size(), 1);
}

TEST_F(DeadLetterWriterTest, FewHaveTheirTurnAtOnceAndAllHaveIt) {
  std::vector<SharePartitionId> ids;
  world_.Create("many", 50);
  for (int32_t i = 0; i < 50; ++i) {
    world_.AppendValues("many", i, {"a", "b"});
    ids.push_back(world_.Id("many", i));
    world_.machines().Die(ids.back(), Dying(1));
  }
  InlineExecutor strand;
  world_.machines().SetStrand(&strand);
  for (const SharePartitionId& id : ids) world_.writer().OnDying(id);
  EXPECT_EQ(world_.machines().takes(), limits::kLetterRuns);
  while (strand.RunAll() > 0) world_.Run();
  for (const SharePartitionId& id : ids) EXPECT_EQ(world_.machines().dying(id), 0);
  EXPECT_THAT(world_.Records(kLetters), SizeIs(50));
  world_.machines().SetStrand(nullptr);
}

TEST_F(DeadLetterWriterTest, AHundredThousandPoisonJobsNeedLittleMemory) {
  constexpr int64_t kJobs = 100'000;
  constexpr int64_t kPerBatch = 1'000;
  const std::vector<std::string> values(kPerBatch, std::string(100, 'x'));
  for (int64_t i = 0; i < kJobs / kPerBatch; ++i) world_.AppendValues("orders", 0, values);
  for (int64_t i = 0; i < kJobs; ++i) world_.machines().Die(orders_, Dying(i));
  world_.Tell(orders_);
  EXPECT_EQ(world_.machines().dying(orders_), 0);
  EXPECT_THAT(world_.Records(kLetters), SizeIs(kJobs));
  EXPECT_LE(world_.machines().most_taken(), limits::kLettersTaken);
  EXPECT_LE(world_.machines().largest_write(), 2 * limits::kLetterBatchBytes);
  EXPECT_LE(world_.most_memory(), limits::kLetterMemory);
  EXPECT_EQ(world_.memory().used(), 0);
}

TEST_F(DeadLetterWriterTest, LargeLettersAreWrittenInPortions) {
  const std::vector<std::string> values(20, Noise(200'000));
  for (const std::string& value : values) world_.AppendValues("orders", 0, {value});
  Die({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19});
  EXPECT_THAT(world_.Records(kLetters), SizeIs(20));
  EXPECT_GE(world_.machines().writes(), 4);
  EXPECT_LE(world_.machines().largest_write(), 2 * limits::kLetterBatchBytes);
}

TEST_F(DeadLetterWriterTest, WithoutMemoryItWaitsForIt) {
  world_.AppendValues("orders", 0, {"a"});
  std::optional<Reservation> all = world_.memory().TryReserve(world_.memory().limit());
  ASSERT_TRUE(all.has_value());
  Die({0});
  EXPECT_EQ(world_.machines().dying(orders_), 1);
  InlineExecutor strand;
  world_.machines().SetStrand(&strand);
  all->Release();
  do {
    world_.Run();
  } while (strand.RunAll() > 0);
  EXPECT_EQ(world_.machines().dying(orders_), 0);
  world_.machines().SetStrand(nullptr);
}

TEST_F(DeadLetterWriterTest, WhatIsDyingBeforeItStartsHasItsTurnThen) {
  world_.AppendValues("orders", 0, {"a"});
  world_.machines().Die(orders_, Dying(0));
  const std::unique_ptr<DeadLetterWriter> writer = world_.NewWriter(&world_.machines());
  writer->OnDying(orders_);
  world_.Run();
  EXPECT_EQ(world_.machines().takes(), 0);
  writer->Start();
  world_.Run();
  EXPECT_EQ(world_.machines().dying(orders_), 0);
  writer->Stop();
}

TEST_F(DeadLetterWriterTest, AfterAStopNothingBegins) {
  world_.AppendValues("orders", 0, {"a"});
  world_.writer().Stop();
  Die({0});
  EXPECT_EQ(world_.machines().takes(), 0);
  EXPECT_THAT(world_.Records(kLetters), IsEmpty());
}

}  // namespace
}  // namespace weir
