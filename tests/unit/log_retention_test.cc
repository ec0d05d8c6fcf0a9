// Retention, delete-records, truncation and topic deletion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/base/error.h"
#include "storage/log/file_names.h"
#include "storage/record/record_batch_builder.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;

class LogRetentionTest : public ::testing::Test {
 protected:
  LogRetentionTest()
      : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(1, &shared_clock_),
                                          Ledger{})) {
    world_->CreateTopic(LogWorld::Topic(1));
    EXPECT_TRUE(world_->Open().ok());
  }
  void Fill(int batches) {
    for (int i = 0; i < batches; ++i) world_->Send(kId, 4);
    world_->Pump();
  }
  LogDescription Describe() { return (*world_->GetLog(kId))->Describe(); }
  void EnforceRetention() {
    const auto start = world_->log().RetentionStart(kId, world_->config());
    ASSERT_TRUE(start.ok());
    world_->DeleteRecords(kId, *start);
    world_->Pump();
  }
  size_t SegmentFiles() {
    size_t n = 0;
    for (const std::string& file : world_->disk().AllFiles()) n += absl::EndsWith(file, ".log");
    return n;
  }
  std::vector<std::string> IndexesWithoutSegment() {
    const std::vector<std::string> files = world_->disk().AllFiles();
    std::vector<std::string> without;
    for (const std::string& file : files) {
      absl::string_view stem = file;
      if (absl::ConsumeSuffix(&stem, ".index") &&
          std::find(files.begin(), files.end(), absl::StrCat(stem, ".log")) == files.end())
        without.push_back(file);
    }
    return without;
  }
  std::unique_ptr<LogWorld> Restarted() {
    auto next = LogWorld::Restart(world_->disk().CrashImage(1, CrashMode::kDropUnsynced), *world_);
    EXPECT_TRUE(next->Open().ok());
    return next;
  }

  SimClock shared_clock_;
  const TopicPartition kId{LogWorld::Topic(1), PartitionIndex{0}};
  std::unique_ptr<LogWorld> world_;
};

// A checkpoint saves the indexes of what was touched, also of what has gone since.
TEST_F(LogRetentionTest, NoIndexOutlivesItsSegment) {
  Fill(80);
  world_->DeleteRecords(kId, Describe().high_watermark);
  world_->Pump();
  world_->Checkpoint();
  EXPECT_THAT(IndexesWithoutSegment(), IsEmpty());
  const std::string left = JoinPath(PartitionDirectory("/data", kId), IndexName(Offset{1}));
  world_->disk().WriteRaw(left, "of an older version");
  ASSERT_TRUE(world_->disk().SyncAll("/data").ok());
  world_ = Restarted();
  EXPECT_EQ(world_->CheckContent(kId), "");
  EXPECT_THAT(IndexesWithoutSegment(), IsEmpty());
}

TEST_F(LogRetentionTest, OldSegmentsGoAndYoungOnesStay) {
  Fill(40);
  world_->clock().Advance(absl::Hours(10));
  Fill(40);
  world_->config().retention_age = absl::Hours(5);
  EnforceRetention();
  const LogDescription after = Describe();
  EXPECT_GT(after.log_start, Offset{100});
  EXPECT_LE(after.log_start, Offset{160});
  EXPECT_EQ(after.high_watermark, Offset{320});
  EXPECT_EQ(SegmentFiles(), static_cast<size_t>(after.segments));
  EXPECT_EQ(Restarted()->GetLog(kId).value()->log_start(), after.log_start);
}

TEST_F(LogRetentionTest, IdleLogExpiresToTheLastByte) {
  Fill(3);
  world_->config().retention_age = absl::Hours(5);
  world_->clock().Advance(absl::Hours(6));
  EnforceRetention();
  EXPECT_EQ(Describe().log_start, Offset{12});
  EXPECT_EQ(SegmentFiles(), 0u);
  Fill(1);
  EXPECT_EQ(Describe().high_watermark, Offset{16}) << "offsets go on, they are never given again";
  auto next = Restarted();
  EXPECT_EQ((*next->GetLog(kId))->log_start(), Offset{12});
  EXPECT_EQ((*next->GetLog(kId))->high_watermark(), Offset{16});
}

TEST_F(LogRetentionTest, SizeKeepsAtLeastWhatIsAskedFor) {
  Fill(100);
  const int64_t before = Describe().size_bytes;
  world_->config().retention_bytes = before / 2;
  EnforceRetention();
  EXPECT_GE(Describe().size_bytes, before / 2);
  EXPECT_LT(Describe().size_bytes, before / 2 + 2 * 3000);
  EXPECT_EQ(Describe().high_watermark, Offset{400});
}

TEST_F(LogRetentionTest, DeleteRecordsHidesWhatLiesBelowAtOnce) {
  Fill(10);
  world_->DeleteRecords(kId, Offset{17});
  world_->Pump();
  EXPECT_EQ(Describe().log_start, Offset{17});
  const auto below = (*world_->GetLog(kId))->Read(Offset{16}, 100, ReadMode::kMayBlock, nullptr);
  EXPECT_THAT(ReasonOf(below.status()), Optional(Reason::kOffsetOutOfRange));
  EXPECT_EQ(Restarted()->CheckPromises(/*power_lost=*/true), "");
}

TEST_F(LogRetentionTest, DeleteRecordsNeverMovesBackNorBeyondTheEnd) {
  Fill(10);
  world_->DeleteRecords(kId, Offset{17});
  world_->DeleteRecords(kId, Offset{5});
  world_->Pump();
  EXPECT_EQ(Describe().log_start, Offset{17});
  absl::StatusOr<Offset> answer;
  world_->log().DeleteRecords(*world_->GetLog(kId), Offset{41},
                              [&](absl::StatusOr<Offset> start) { answer = start; });
  world_->Pump();
  EXPECT_THAT(ReasonOf(answer.status()), Optional(Reason::kOffsetOutOfRange));
  EXPECT_EQ(Describe().log_start, Offset{17});
}

TEST_F(LogRetentionTest, ManyLogStartsMoveWithFewFlushesAndAProduceDoesNotWaitForAll) {
  constexpr int kPartitions = 1'000;
  const auto id = [](int partition) {
    return TopicPartition{LogWorld::Topic(1), PartitionIndex{partition}};
  };
  for (int i = 0; i < kPartitions; ++i) world_->Send(id(i), 2);
  world_->Pump();
  int64_t flushes = 0;
  world_->disk().SetObserver([&](const Operation& next) {
    flushes += next.kind == OperationKind::kSync && absl::StrContains(next.path, ".journal");
  });
  for (int i = 0; i < kPartitions; ++i) world_->DeleteRecords(id(i), Offset{2});
  world_->Send(id(0), 2);
  const int64_t answered = world_->answers();
  world_->log().RunCommitter();
  EXPECT_EQ(world_->answers(), answered + 1) << "the produce waits for all of them";
  EXPECT_EQ((*world_->GetLog(id(kPartitions - 1)))->log_start(), Offset{0});
  world_->Pump();
  EXPECT_LT(flushes, 10);
  for (int i = 0; i < kPartitions; ++i)
    ASSERT_EQ((*world_->GetLog(id(i)))->log_start(), Offset{2}) << i;
  EXPECT_EQ(Restarted()->CheckPromises(/*power_lost=*/true), "");
}

TEST_F(LogRetentionTest, TwoMovesOfOneLogStartHappenInTheirOrder) {
  Fill(10);
  std::vector<int64_t> answers;
  for (const int64_t before : {5, 17, 11}) {
    world_->log().DeleteRecords(*world_->GetLog(kId), Offset{before},
                                [&](absl::StatusOr<Offset> start) {
                                  answers.push_back(start.value_or(Offset{-1}).value());
                                });
  }
  world_->Pump();
  EXPECT_THAT(answers, ElementsAre(5, 17, 17));
  EXPECT_EQ(Restarted()->GetLog(kId).value()->log_start(), Offset{17});
}

TEST_F(LogRetentionTest, TruncationRefusesToGoBelowTheHighWatermark) {
  Fill(5);
  absl::Status answer;
  world_->log().Truncate(*world_->GetLog(kId), Offset{8},
                         [&](absl::Status status) { answer = status; });
  world_->Pump();
  EXPECT_THAT(ReasonOf(answer), Optional(Reason::kInvalidRequest));
  EXPECT_EQ(Describe().log_end, Offset{20});
}

TEST_F(LogRetentionTest, TruncationCutsWhatNobodyHasSeen) {
  Fill(2);
  world_->disk().FailNext(OperationKind::kWrite, ".log", Fault::kNoSpace, Repeat::kForever);
  Fill(1);  // in the journal, above the high watermark
  absl::Status answer = absl::UnknownError("no answer");
  world_->log().Truncate(*world_->GetLog(kId), Offset{8},
                         [&](absl::Status status) { answer = status; });
  world_->Pump();
  ASSERT_TRUE(answer.ok()) << answer;
  EXPECT_EQ(Describe().log_end, Offset{8});
  world_->disk().ClearFaults();
  auto next = Restarted();
  EXPECT_EQ((*next->GetLog(kId))->high_watermark(), Offset{8});
  EXPECT_EQ(next->CheckContent(kId), "");
}

// Its file goes at once: one that is removed by its name later may be another by then.
TEST_F(LogRetentionTest, SegmentThatWasCutOffMayBeginAnewAtOnce) {
  Fill(8);
  while (Describe().segments < 2) Fill(1);
  // The next segment begins, but nothing gets into it.
  const int64_t end = Describe().high_watermark.value();
  world_->config().segment_bytes = 1;
  ASSERT_TRUE(world_->GetLog(kId).ok());
  world_->disk().FailNext(OperationKind::kWrite, ".log", Fault::kNoSpace, Repeat::kForever);
  Fill(1);
  ASSERT_EQ(Describe().high_watermark, Offset{end});
  ASSERT_GT(Describe().segments, 2);
  world_->disk().ClearFaults();
  absl::Status answer = absl::UnknownError("no answer");
  world_->log().Truncate(*world_->GetLog(kId), Offset{end},
                         [&](absl::Status status) { answer = status; });
  RecordBatchBuilder builder;
  builder.Append(1, std::nullopt, "from another producer");
  const std::string bytes = builder.Finish({});
  AppendRequest request;
  request.batches.push_back({.log = *world_->GetLog(kId),
                             .header = DecodeBatchHeader(bytes.data()),
                             .bytes = SharedBytes::FromString(bytes)});
  request.done = [](absl::StatusOr<std::vector<AppendResult>> result) {
    EXPECT_TRUE(result.ok()) << result.status();
  };
  world_->log().Append(std::move(request));
  world_->Pump();
  ASSERT_TRUE(answer.ok()) << answer;
  ASSERT_EQ(Describe().high_watermark, Offset{end + 1});
  EXPECT_EQ(SegmentFiles(), static_cast<size_t>(Describe().segments));
}

TEST_F(LogRetentionTest, DeletedTopicLeavesNoFileAndDoesNotComeBack) {
  Fill(20);
  ASSERT_TRUE(world_->DeleteTopic(LogWorld::Topic(1)).ok());
  EXPECT_EQ(SegmentFiles(), 0u);
  auto next = Restarted();
  EXPECT_THAT(next->report().unknown_directories, IsEmpty());
  EXPECT_EQ(next->report().partitions, 0);
}

// Until then the mark in the metadata store stays, and the start does not write what it finds in
// the journal.
TEST_F(LogRetentionTest, DeletedTopicIsForgottenByTheNextCheckpoint) {
  const TopicId topic = LogWorld::Topic(1);
  Fill(20);
  world_->Checkpoint();
  Fill(20);
  ASSERT_TRUE(world_->DeleteTopic(topic).ok());
  EXPECT_THAT(world_->ledger().deleted_topics, ElementsAre(topic));
  const auto expect_nothing_left = [&](LogWorld& next) {
    EXPECT_THAT(next.report().unknown_directories, IsEmpty());
    EXPECT_THAT(next.report().damaged, IsEmpty());
    EXPECT_EQ(next.report().partitions, 0);
    for (const std::string& file : next.disk().AllFiles())
      EXPECT_FALSE(absl::EndsWith(file, ".log")) << file;
  };
  expect_nothing_left(*Restarted());
  world_->Checkpoint();
  EXPECT_THAT(world_->ledger().deleted_topics, IsEmpty());
  expect_nothing_left(*Restarted());
}

TEST_F(LogRetentionTest, DeletedTopicIsNotForgottenWhileTheJournalIsKeptForAStalledPartition) {
  const TopicPartition other{LogWorld::Topic(2), PartitionIndex{0}};
  world_->CreateTopic(other.topic);
  Fill(4);
  world_->Checkpoint();
  world_->disk().FailNext(OperationKind::kWrite, "0002/0/", Fault::kNoSpace, Repeat::kForever);
  world_->Send(other, 3);
  world_->Pump();
  Fill(4);
  ASSERT_TRUE(world_->DeleteTopic(LogWorld::Topic(1)).ok());
  world_->Checkpoint();
  EXPECT_THAT(world_->ledger().deleted_topics, ElementsAre(LogWorld::Topic(1)));
  auto killed = Restarted();
  EXPECT_THAT(killed->report().unknown_directories, IsEmpty());
  EXPECT_EQ(killed->report().partitions, 1);
  world_->disk().ClearFaults();
  world_->Pump();
  world_->Checkpoint();
  EXPECT_THAT(world_->ledger().deleted_topics, IsEmpty());
  killed = Restarted();
  EXPECT_THAT(killed->report().unknown_directories, IsEmpty());
  EXPECT_EQ(killed->CheckContent(other), "");
}

TEST_F(LogRetentionTest, AppendOnItsWayToADeletedTopicIsRefused) {
  Fill(1);
  world_->Send(kId, 1);
  ASSERT_TRUE(world_->DeleteTopic(LogWorld::Topic(1)).ok());
  world_->Pump();
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kUnknownTopic));
  EXPECT_THAT(ReasonOf(world_->GetLog(kId).status()), Optional(Reason::kUnknownTopic));
  EXPECT_EQ(SegmentFiles(), 0u);
}

TEST_F(LogRetentionTest, CrashInTheMiddleOfADeletionIsFinishedAtTheStart) {
  Fill(20);
  auto image = world_->disk().Clone();
  Ledger ledger = world_->ledger();
  std::swap(ledger.live_topics, ledger.deleted_topics);
  ledger.partitions.clear();
  LogWorld next(std::move(image), ledger);
  ASSERT_TRUE(next.Open().ok());
  for (const std::string& file : next.disk().AllFiles())
    EXPECT_FALSE(absl::EndsWith(file, ".log")) << file;
}

TEST_F(LogRetentionTest, DirectoryOfAnUnknownTopicIsKeptAndReported) {
  Fill(20);
  EXPECT_TRUE(world_->Close().ok());
  Ledger ledger;
  LogWorld next(world_->disk().Clone(), ledger);
  const size_t before = SegmentFiles();
  ASSERT_TRUE(next.Open().ok());
  ASSERT_EQ(next.report().unknown_directories.size(), 1u);
  size_t after = 0;
  for (const std::string& file : next.disk().AllFiles()) after += absl::EndsWith(file, ".log");
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace weir
