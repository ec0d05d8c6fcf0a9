// What an append through the LogManager must do, on a simulated disk without faults.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <thread>

#include "storage/base/error.h"
#include "storage/log/file_names.h"
#include "storage/record/record_batch_builder.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Optional;

class LogAppendTest : public ::testing::Test {
 protected:
  LogAppendTest()
      : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{})) {
    world_->CreateTopic(LogWorld::Topic(1));
    EXPECT_TRUE(world_->Open().ok());
  }
  static TopicPartition Partition(int32_t n) { return {LogWorld::Topic(1), PartitionIndex{n}}; }
  LogDescription Describe(int32_t n) { return (*world_->GetLog(Partition(n)))->Describe(); }

  std::unique_ptr<LogWorld> world_;
};

TEST_F(LogAppendTest, AnsweredRecordsAreReadBackInOrder) {
  for (int i = 0; i < 20; ++i) world_->Send(Partition(i % 3), 1 + i % 4);
  world_->Pump();
  EXPECT_EQ(world_->answers(), 20);
  for (int32_t p = 0; p < 3; ++p) {
    EXPECT_EQ(world_->CheckContent(Partition(p)), "");
    EXPECT_EQ(Describe(p).high_watermark.value(),
              world_->ledger().partitions.at(Partition(p)).sent);
  }
}

TEST_F(LogAppendTest, NothingCanBeReadBeforeItIsCommitted) {
  world_->Send(Partition(0), 3);
  EXPECT_EQ(Describe(0).high_watermark, Offset{0});
  world_->Pump();
  EXPECT_EQ(Describe(0).high_watermark, Offset{3});
}

TEST_F(LogAppendTest, RepeatedBatchGetsItsOriginalOffsetAndIsNotWrittenAgain) {
  for (int i = 0; i < 5; ++i) world_->Send(Partition(0), 2);
  world_->Pump();
  world_->SendAgain(Partition(0), {.first = 2, .count = 2});
  world_->Pump();
  ASSERT_TRUE(world_->last_answer().ok());
  EXPECT_TRUE((*world_->last_answer())[0].duplicate);
  EXPECT_EQ((*world_->last_answer())[0].base_offset, Offset{2});
  EXPECT_EQ(Describe(0).high_watermark, Offset{10});
}

TEST_F(LogAppendTest, RepeatInTheSameRoundIsRecognisedToo) {
  world_->Send(Partition(0), 2);
  world_->SendAgain(Partition(0), {.first = 0, .count = 2});
  world_->Pump();
  EXPECT_TRUE((*world_->last_answer())[0].duplicate);
  EXPECT_EQ(Describe(0).high_watermark, Offset{2});
}

TEST_F(LogAppendTest, GapInTheSequenceIsRefused) {
  world_->Send(Partition(0), 2);
  world_->Pump();
  world_->SendAgain(Partition(0), {.first = 4, .count = 1});
  world_->Pump();
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kOutOfOrderSequence));
  EXPECT_THAT(world_->last_answer().status().message(), HasSubstr("expected 2"));
  EXPECT_EQ(Describe(0).high_watermark, Offset{2});
}

TEST_F(LogAppendTest, UnknownProducerBeginsAtZero) {
  world_->SendAgain(Partition(0), {.first = 3, .count = 1});
  world_->Pump();
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kUnknownProducer));
}

TEST_F(LogAppendTest, RequestForSeveralPartitionsIsRefusedWholeWhenOneRefuses) {
  world_->Send(Partition(0), 1);
  world_->Pump();
  // Partition 1 has no record 0 yet, so sending its record 1 is a gap; partition 0's part alone
  // would be fine.
  world_->SendAgain(Partition(1), {.first = 0, .count = 1});
  world_->Pump();
  ASSERT_TRUE(world_->last_answer().ok());
  world_->SendTogether({Partition(0), Partition(1)},
                       1);  // partition 1: record 0 again under the ledger's count
  world_->Pump();
  ASSERT_TRUE(world_->last_answer().ok());
  EXPECT_EQ(Describe(0).high_watermark, Offset{2});
  EXPECT_EQ(Describe(1).high_watermark, Offset{1});
}

TEST_F(LogAppendTest, SegmentsRollBySizeAndByAge) {
  for (int i = 0; i < 60; ++i) world_->Send(Partition(0), 4);
  world_->Pump();
  const int32_t by_size = Describe(0).segments;
  EXPECT_GT(by_size, 3);
  world_->config().segment_age = absl::Hours(1);
  world_->clock().Advance(absl::Hours(2));
  world_->Send(Partition(0), 1);
  world_->Pump();
  EXPECT_EQ(Describe(0).segments, by_size + 1);
  EXPECT_EQ(world_->CheckContent(Partition(0)), "");
}

TEST_F(LogAppendTest, OrderlyStopLeavesNothingToRedo) {
  for (int i = 0; i < 30; ++i) world_->Send(Partition(i % 2), 2);
  ASSERT_TRUE(world_->Close().ok());
  auto next = LogWorld::Restart(world_->disk().Clone(), *world_);
  ASSERT_TRUE(next->Open().ok());
  EXPECT_TRUE(next->report().clean);
  EXPECT_EQ(next->report().rounds_redone, 0);
  EXPECT_EQ(next->CheckPromises(/*power_lost=*/false), "");
  EXPECT_EQ(next->ledger().partitions.at(Partition(0)).durable, 30);
}

TEST_F(LogAppendTest, KilledBrokerFindsEverythingThatWasWritten) {
  for (int i = 0; i < 30; ++i)
    world_->Send(Partition(i % 2), 2, i % 3 ? Durability::kDurable : Durability::kWritten);
  world_->Pump();
  auto next = LogWorld::Restart(world_->disk().Clone(), *world_);
  ASSERT_TRUE(next->Open().ok());
  EXPECT_FALSE(next->report().clean);
  EXPECT_GT(next->report().batches_redone, 0);
  EXPECT_EQ(next->CheckPromises(/*power_lost=*/false), "");
  EXPECT_EQ(next->CheckResend(), "");
}

TEST_F(LogAppendTest, JournalIsUsedAgainAfterCheckpoints) {
  for (int i = 0; i < 600; ++i) {
    world_->Send(Partition(i % 5), 4);
    if (i % 10 == 0) world_->Pump();
  }
  world_->Pump();
  EXPECT_EQ(world_->answers(), 600);
  EXPECT_LE(world_->log().journal_bytes(), 4 * 64 * 1024);
  for (int32_t p = 0; p < 5; ++p) EXPECT_EQ(world_->CheckContent(Partition(p)), "");
}

TEST_F(LogAppendTest, AppendsAreRefusedWithTheGivenReasonWhileTheDiskIsLow) {
  world_->log().RefuseAppends(MakeError(Reason::kDiskLow, "2 GiB free"));
  world_->Send(Partition(0), 1);
  world_->Pump();
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kDiskLow));
  world_->log().RefuseAppends(absl::OkStatus());
  world_->SendAgain(Partition(0), {.first = 0, .count = 1});
  world_->Pump();
  EXPECT_TRUE(world_->last_answer().ok());
}

TEST_F(LogAppendTest, BoundsAreKnownWithoutOpeningTheLog) {
  for (int i = 0; i < 3; ++i) world_->Send(Partition(0), 2);
  world_->Pump();
  world_->DeleteRecords(Partition(0), Offset{4});
  world_->Pump();
  const auto check = [](LogManager& logs) {
    const LogBounds bounds = *logs.Bounds(Partition(0));
    EXPECT_EQ(bounds.log_start, Offset{4});
    EXPECT_EQ(bounds.high_watermark, Offset{6});
    EXPECT_EQ(logs.Bounds(Partition(1))->high_watermark, Offset{0});
  };
  check(world_->log());
  auto restarted =
      LogWorld::Restart(world_->disk().CrashImage(1, CrashMode::kDropUnsynced), *world_);
  ASSERT_TRUE(restarted->Open().ok());
  const int64_t operations = restarted->disk().operations();
  check(restarted->log());
  EXPECT_EQ(restarted->disk().operations(), operations) << "it asked the disk";
}

TEST_F(LogAppendTest, FailedJournalFlushFencesTheDirectoryAndIsNotTriedAgain) {
  world_->Send(Partition(0), 1);
  world_->Pump();
  world_->disk().FailNext(OperationKind::kSync, "journal", Fault::kIo, Repeat::kOnce);
  world_->Send(Partition(0), 1);
  world_->Pump();
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kCommitUncertain));
  EXPECT_THAT(ReasonOf(world_->fenced()), Optional(Reason::kLogDirFenced));
  const int64_t operations = world_->disk().operations();
  world_->Send(Partition(0), 1);
  world_->Pump();
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kLogDirFenced));
  EXPECT_EQ(world_->disk().operations(), operations) << "a fenced directory was written to";
  EXPECT_EQ(Describe(0).high_watermark, Offset{1}) << "what was not flushed must not be readable";
}

TEST_F(LogAppendTest, FullDiskKeepsTheAcknowledgedRoundAndGoesOnWhenSpaceReturns) {
  world_->Send(Partition(0), 1);
  world_->Pump();
  world_->disk().FailNext(OperationKind::kWrite, ".log", Fault::kNoSpace, Repeat::kForever);
  world_->Send(Partition(0), 2);
  world_->Pump();
  EXPECT_TRUE(world_->last_answer().ok()) << "a flushed round is never undone";
  EXPECT_EQ(Describe(0).high_watermark, Offset{1}) << "it cannot be read yet";
  world_->Send(Partition(0), 1);
  world_->Pump();
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kDiskLow));
  // Checkpoints in between must not free what is still only in the journal.
  ASSERT_TRUE(world_->log().RunCheckpoint().ok());
  auto crashed = LogWorld::Restart(world_->disk().CrashImage(1, CrashMode::kDropUnsynced), *world_);
  ASSERT_TRUE(crashed->Open().ok());
  EXPECT_EQ(crashed->CheckPromises(/*power_lost=*/true), "");
  world_->disk().ClearFaults();
  world_->Pump();
  EXPECT_EQ(Describe(0).high_watermark, Offset{3});
  EXPECT_EQ(world_->CheckContent(Partition(0)), "");
  EXPECT_TRUE(world_->fenced().ok());
}

TEST_F(LogAppendTest, WhoLooksDoesNotWaitForALogThatIsBeingOpened) {
  world_->Send(Partition(0), 3);
  world_->Pump();
  world_->Checkpoint();
  auto disk = world_->disk().CrashImage(1, CrashMode::kDropUnsynced);
  // Removed at the opening: a moment to look at.
  disk->WriteRaw(JoinPath(PartitionDirectory("/data", Partition(0)), IndexName(Offset{9})), "left");
  auto restarted = LogWorld::Restart(std::move(disk), *world_);
  ASSERT_TRUE(restarted->Open().ok());
  int looks = 0;
  restarted->disk().SetObserver([&](const Operation& operation) {
    if (operation.kind != OperationKind::kRemove) return;
    std::thread([&] {
      EXPECT_EQ(restarted->log().Bounds(Partition(0))->high_watermark, Offset{3});
      ++looks;
    }).join();
  });
  EXPECT_EQ((*restarted->GetLog(Partition(0)))->high_watermark(), Offset{3});
  EXPECT_GT(looks, 0);
  restarted->disk().SetObserver(nullptr);
}

TEST_F(LogAppendTest, RequestThatFitsNoJournalFileIsRefused) {
  world_->Send(Partition(0), 2000);
  world_->Pump();
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kMessageTooLarge));
  EXPECT_THAT(std::string(world_->last_answer().status().message()),
              HasSubstr("journal.file_bytes"));
  EXPECT_TRUE(world_->fenced().ok());
  EXPECT_EQ(Describe(0).high_watermark, Offset{0});
}

// A partition whose segment finds no space keeps the journal, and the others fill it.
class FullJournalTest : public LogAppendTest {
 protected:
  void SetUp() override {
    world_->Send(Partition(0), 1);
    world_->Pump();
    world_->disk().FailNext(OperationKind::kWrite, PartitionDirectory("/data", Partition(0)),
                            Fault::kNoSpace, Repeat::kForever);
    world_->Send(Partition(0), 1);
    do {
      answered_ = world_->answers();
      world_->Send(Partition(1), 100);
      world_->Pump();
    } while (world_->answers() > answered_);
  }
  void TearDown() override { world_.reset(); }  // answers what still waits
  void Append(bool abandoned, bool internal) {
    RecordBatchBuilder builder;
    builder.Append(0, std::nullopt, "value");
    const std::string batch = builder.Finish({});
    AppendRequest request{.abandoned = [abandoned] { return abandoned; },
                          .done = [this](auto result) { answer_ = result.status(); }};
    request.batches.push_back({.log = *world_->GetLog(Partition(1)),
                               .header = DecodeBatchHeader(batch.data()),
                               .bytes = SharedBytes::FromString(batch),
                               .internal = internal});
    answer_.reset();
    world_->log().Append(std::move(request));
    world_->Pump();
  }

  int64_t answered_ = 0;
  std::optional<absl::Status> answer_;
};

TEST_F(FullJournalTest, WhoHasGoneDoesNotWaitForRoom) {
  Append(/*abandoned=*/false, /*internal=*/false);
  EXPECT_FALSE(answer_.has_value());
  Append(/*abandoned=*/true, /*internal=*/false);
  ASSERT_TRUE(answer_.has_value());
  EXPECT_TRUE(absl::IsCancelled(*answer_)) << *answer_;
}

TEST_F(FullJournalTest, ALowDiskRefusesWhatWaitsForRoom) {
  world_->log().RefuseAppends(MakeError(Reason::kDiskLow, "low"));
  Append(/*abandoned=*/false, /*internal=*/true);
  EXPECT_EQ(world_->answers(), answered_ + 1) << "the one that met no room first";
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kDiskLow));
  ASSERT_TRUE(answer_.has_value()) << "behind it, and small enough";
  EXPECT_TRUE(answer_->ok()) << "the broker's own are taken on a low disk too: " << *answer_;
}

TEST_F(FullJournalTest, EverythingGoesOnOnceThePartitionCan) {
  world_->disk().ClearFaults();
  world_->Pump();
  EXPECT_EQ(world_->answers(), answered_ + 1);
  EXPECT_TRUE(world_->last_answer().ok()) << world_->last_answer().status();
  EXPECT_EQ(world_->CheckContent(Partition(0)), "");
  EXPECT_EQ(world_->CheckContent(Partition(1)), "");
}

}  // namespace
}  // namespace weir
