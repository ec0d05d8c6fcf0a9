// Atomic appends: admitted as a whole or not at all, shown as a whole or not at all, whatever the
// disk does. What a crash leaves of them is log_crash_test's, a start without room
// log_no_space_test's and log_recovery_test's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "storage/base/error.h"
#include "storage/record/record_batch_builder.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::Optional;

const TopicPartition kA{LogWorld::Topic(1), PartitionIndex{0}};
const TopicPartition kB{LogWorld::Topic(1), PartitionIndex{1}};
const TopicPartition kC{LogWorld::Topic(2), PartitionIndex{0}};

std::string Records(int count, size_t value_bytes = 40) {
  RecordBatchBuilder builder;
  for (int i = 0; i < count; ++i) builder.Append(1, std::nullopt, std::string(value_bytes, 'v'));
  return builder.Finish({});
}

class LogAtomicTest : public ::testing::Test {
 protected:
  LogAtomicTest()
      : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{})) {
    world_->CreateTopic(LogWorld::Topic(1));
    world_->CreateTopic(LogWorld::Topic(2));
    EXPECT_TRUE(world_->Open().ok());
  }

  // Batches without a producer, of so many records.
  BatchAppend Part(const TopicPartition& id, int count) { return PartOf(id, Records(count)); }
  BatchAppend PartOf(const TopicPartition& id, std::string bytes) {
    const RecordBatchHeader header = DecodeBatchHeader(bytes.data());
    return {.log = *world_->GetLog(id),
            .header = header,
            .bytes = SharedBytes::FromString(std::move(bytes))};
  }
  LogStartMove Start(const TopicPartition& id, int64_t to) {
    return {.log = *world_->GetLog(id), .start = Offset{to}};
  }
  // Queues it; the answer is in answer_ after a Pump().
  void Append(std::vector<BatchAppend> batches, std::vector<LogStartMove> starts = {}) {
    AppendRequest request{
        .batches = std::move(batches), .atomic = true, .log_starts = std::move(starts)};
    request.done = [this](absl::StatusOr<std::vector<AppendResult>> results) {
      answer_ = std::move(results);
    };
    world_->log().Append(std::move(request));
  }
  void Fill(const TopicPartition& id, int count) {
    Append({Part(id, count)});
    world_->Pump();
    ASSERT_TRUE(answer_.ok()) << answer_.status();
  }
  // No room in this partition's segments.
  void FillDisk(const TopicPartition& id) {
    world_->disk().FailNext(OperationKind::kWrite,
                            absl::StrCat(id.topic.ToString(), "/", id.partition.value(), "/"),
                            Fault::kNoSpace, Repeat::kForever);
  }
  int64_t End(const TopicPartition& id) { return (*world_->GetLog(id))->high_watermark().value(); }
  int64_t LogStart(const TopicPartition& id) { return (*world_->GetLog(id))->log_start().value(); }
  void ExpectRefused(Reason reason, const TopicPartition& part) {
    EXPECT_THAT(ReasonOf(answer_.status()), Optional(reason)) << answer_.status();
    EXPECT_THAT(RefusedPart(answer_.status()), Optional(part)) << answer_.status();
  }
  size_t SegmentFiles(const TopicPartition& id) {
    size_t n = 0;
    const std::string part = absl::StrCat(id.topic.ToString(), "/", id.partition.value(), "/");
    for (const std::string& file : world_->disk().AllFiles())
      n += absl::StrContains(file, part) && absl::EndsWith(file, ".log");
    return n;
  }
  void KillAndRestart() {
    auto next = LogWorld::Restart(world_->disk().Clone(), *world_);
    next->disk().ClearFaults();
    world_ = std::move(next);
    ASSERT_TRUE(world_->Open().ok());
  }

  std::unique_ptr<LogWorld> world_;
  absl::StatusOr<std::vector<AppendResult>> answer_ = absl::UnknownError("no answer");
};

TEST_F(LogAtomicTest, EveryPartGetsItsOffsetsAndSeveralOfOnePartitionKeepTheirOrder) {
  Fill(kB, 5);
  Append({Part(kA, 2), Part(kB, 3), Part(kA, 1)});
  EXPECT_EQ(End(kA), 0);
  world_->Pump();
  ASSERT_TRUE(answer_.ok()) << answer_.status();
  ASSERT_EQ(answer_->size(), 3u);
  EXPECT_EQ((*answer_)[0].base_offset, Offset{0});
  EXPECT_EQ((*answer_)[1].base_offset, Offset{5});
  EXPECT_EQ((*answer_)[2].base_offset, Offset{2});
  EXPECT_EQ(End(kA), 3);
  EXPECT_EQ(End(kB), 8);
  KillAndRestart();
  EXPECT_EQ(End(kA), 3);
  EXPECT_EQ(End(kB), 8);
}

TEST_F(LogAtomicTest, RefusalNamesThePartAndLeavesNoTraceInTheOthers) {
  world_->Send(kA, 2);
  world_->Send(kB, 2);
  world_->Pump();
  // B's part is a gap in the producer's sequence, A's would follow.
  Ledger::Batch next{.first = 2, .count = 1};
  Ledger::Batch gap{.first = 3, .count = 1};
  AppendRequest request{.atomic = true};
  for (const auto& [id, batch] : {std::pair(kA, next), std::pair(kB, gap)}) {
    RecordBatchBuilder builder;
    builder.Append(1, std::nullopt, "x");
    request.batches.push_back(
        PartOf(id, builder.Finish({.producer_id = ProducerId{7},
                                   .producer_epoch = ProducerEpoch{0},
                                   .base_sequence = static_cast<int32_t>(batch.first)})));
  }
  request.done = [this](absl::StatusOr<std::vector<AppendResult>> results) {
    answer_ = std::move(results);
  };
  world_->log().Append(std::move(request));
  world_->Pump();
  ExpectRefused(Reason::kOutOfOrderSequence, kB);
  EXPECT_THAT(std::string(answer_.status().message()), HasSubstr("expected 2"));
  EXPECT_EQ(End(kA), 2);
  // A takes the same sequence as new.
  world_->Send(kA, 1);
  world_->Pump();
  ASSERT_TRUE(world_->last_answer().ok()) << world_->last_answer().status();
  EXPECT_FALSE((*world_->last_answer())[0].duplicate);
  EXPECT_EQ((*world_->last_answer())[0].base_offset, Offset{2});
}

TEST_F(LogAtomicTest, OnALowDiskEveryPartMustBeTheBrokersOwn) {
  world_->log().RefuseAppends(MakeError(Reason::kDiskLow, "the disk is low"));
  BatchAppend own = Part(kA, 1);
  own.internal = true;
  Append({own, Part(kB, 1)});
  world_->Pump();
  ExpectRefused(Reason::kDiskLow, kB);
  EXPECT_EQ(RefusedPart(world_->log().CheckAtomicAppend({own, Part(kB, 1)}, {})), kB);
  BatchAppend too = Part(kB, 1);
  too.internal = true;
  EXPECT_TRUE(world_->log().CheckAtomicAppend({own, too}, {}).ok());
  Append({own, too});
  world_->Pump();
  EXPECT_TRUE(answer_.ok()) << answer_.status();
  EXPECT_EQ(End(kB), 1);
}

TEST_F(LogAtomicTest, DeletedTopicRefusesAll) {
  std::vector<BatchAppend> batches = {Part(kA, 1), Part(kC, 1)};
  ASSERT_TRUE(world_->DeleteTopic(kC.topic).ok());
  EXPECT_EQ(RefusedPart(world_->log().CheckAtomicAppend(batches, {})), kC);
  Append(std::move(batches));
  world_->Pump();
  ExpectRefused(Reason::kUnknownTopic, kC);
  EXPECT_EQ(End(kA), 0);
}

TEST_F(LogAtomicTest, WhatIsTooLargeIsRefusedAtOnce) {
  std::vector<LogStartMove> starts(limits::kAtomicAppendParts, Start(kA, 0));
  EXPECT_TRUE(world_->log().CheckAtomicAppend({}, starts).ok());
  Append({Part(kA, 1)}, starts);
  EXPECT_THAT(ReasonOf(answer_.status()), Optional(Reason::kMessageTooLarge));
  EXPECT_THAT(std::string(answer_.status().message()), HasSubstr("1025 parts, at most 1024"));
  const std::string large = Records(1, size_t{limits::kAtomicAppendBytes} / 2);
  Append({PartOf(kA, large), PartOf(kB, large)});
  EXPECT_THAT(ReasonOf(answer_.status()), Optional(Reason::kMessageTooLarge));
  EXPECT_EQ(RefusedPart(answer_.status()), std::nullopt);
  EXPECT_EQ(End(kA), 0);
}

TEST_F(LogAtomicTest, LogStartMovesWithTheAppendAndTheSegmentsBelowGo) {
  for (int i = 0; i < 100; ++i) Fill(kA, 4);
  const size_t before = SegmentFiles(kA);
  ASSERT_GT(before, 4u);
  Append({Part(kB, 1)}, {Start(kA, 300)});
  EXPECT_EQ(LogStart(kA), 0);
  world_->Pump();
  ASSERT_TRUE(answer_.ok()) << answer_.status();
  EXPECT_EQ(LogStart(kA), 300);
  EXPECT_LT(SegmentFiles(kA), before - 2);
  Append({Part(kB, 1)}, {Start(kA, 200)});  // it is there already
  Append({}, {Start(kA, 320)});
  world_->Pump();
  ASSERT_TRUE(answer_.ok()) << answer_.status();
  EXPECT_EQ(LogStart(kA), 320);
  KillAndRestart();
  EXPECT_EQ(LogStart(kA), 320);
  EXPECT_EQ(End(kA), 400);
  EXPECT_EQ(End(kB), 2);
}

TEST_F(LogAtomicTest, LogStartOutOfRangeRefusesAll) {
  Fill(kA, 4);
  Append({Part(kA, 1), Part(kB, 1)}, {Start(kA, 5)});  // above the high watermark as it is now
  world_->Pump();
  ExpectRefused(Reason::kOffsetOutOfRange, kA);
  EXPECT_EQ(RefusedPart(world_->log().CheckAtomicAppend({Part(kB, 1)}, {Start(kA, 5)})), kA);
  EXPECT_EQ(End(kB), 0);
  EXPECT_EQ(End(kA), 4);
}

// The log goes on in a new segment, and more comes for it in the same round.
TEST_F(LogAtomicTest, LogThatIsEmptiedGoesOnInTheSameRound) {
  Fill(kA, 4);
  Append({Part(kB, 1)}, {Start(kA, 4)});
  Append({Part(kA, 3), Part(kB, 1)});
  world_->Pump();
  ASSERT_TRUE(answer_.ok()) << answer_.status();
  const auto expect_right = [this] {
    EXPECT_EQ(LogStart(kA), 4);
    EXPECT_EQ(End(kA), 7);
    EXPECT_EQ(SegmentFiles(kA), 1u);
    const auto read = (*world_->GetLog(kA))->Read(Offset{4}, 10'000, ReadMode::kMayBlock, nullptr);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->next_offset, Offset{7});
  };
  expect_right();
  Append({}, {Start(kA, 7)});
  world_->Pump();
  EXPECT_EQ(SegmentFiles(kA), 0u);
  Fill(kA, 2);
  EXPECT_EQ(End(kA), 9);
  KillAndRestart();
  EXPECT_EQ(LogStart(kA), 7);
  EXPECT_EQ(End(kA), 9);
}

TEST_F(LogAtomicTest, NothingShowsWhileAPartWaitsForSpace) {
  Fill(kA, 10);
  Fill(kB, 1);
  FillDisk(kB);
  Append({Part(kA, 2), Part(kB, 2)}, {Start(kA, 5)});
  Append({Part(kA, 1), Part(kC, 1)});  // shares A
  std::vector<BatchAppend> alone = {Part({LogWorld::Topic(2), PartitionIndex{1}}, 1)};
  Append(std::move(alone));
  world_->Pump();
  ASSERT_TRUE(answer_.ok()) << "it is durable: " << answer_.status();
  EXPECT_EQ(End(kA), 10);
  EXPECT_EQ(LogStart(kA), 0);
  EXPECT_EQ(End(kB), 1);
  EXPECT_EQ(End(kC), 0);
  EXPECT_EQ(End({LogWorld::Topic(2), PartitionIndex{1}}), 1) << "has no part in it";
  // Its partitions take nothing more, so that nothing shows before it.
  EXPECT_EQ(RefusedPart(world_->log().CheckAtomicAppend({Part(kC, 1)}, {})), kC);
  Append({Part(kC, 1)});
  world_->Pump();
  ExpectRefused(Reason::kDiskLow, kC);
  absl::StatusOr<Offset> start;
  world_->log().DeleteRecords(*world_->GetLog(kA), Offset{8},
                              [&](absl::StatusOr<Offset> moved) { start = moved; });
  absl::Status cut;
  world_->log().Truncate(*world_->GetLog(kA), Offset{10}, [&](absl::Status done) { cut = done; });
  world_->Pump();
  EXPECT_THAT(ReasonOf(start.status()), Optional(Reason::kDiskLow));
  EXPECT_THAT(ReasonOf(cut), Optional(Reason::kDiskLow));
  // Nor is any of it saved without the rest.
  world_->Checkpoint();
  auto killed = LogWorld::Restart(world_->disk().CrashImage(1, CrashMode::kDropUnsynced), *world_);
  killed->disk().ClearFaults();
  ASSERT_TRUE(killed->Open().ok());
  EXPECT_EQ((*killed->GetLog(kA))->bounds().high_watermark, Offset{13});
  EXPECT_EQ((*killed->GetLog(kA))->bounds().log_start, Offset{5});
  EXPECT_EQ((*killed->GetLog(kB))->high_watermark(), Offset{3});

  world_->disk().ClearFaults();
  world_->Pump();
  EXPECT_EQ(End(kA), 13);
  EXPECT_EQ(LogStart(kA), 5);
  EXPECT_EQ(End(kB), 3);
  EXPECT_EQ(End(kC), 1);
  Fill(kA, 1);
  world_->Checkpoint();
  KillAndRestart();
  EXPECT_EQ(End(kA), 14);
  EXPECT_EQ(End(kC), 1);
}

TEST_F(LogAtomicTest, PartitionsOfADeletedTopicAreWaitedForNoLonger) {
  FillDisk(kC);
  Append({Part(kA, 2), Part(kC, 2)});
  world_->Pump();
  EXPECT_EQ(End(kA), 0);
  ASSERT_TRUE(world_->DeleteTopic(kC.topic).ok());
  world_->Pump();
  EXPECT_EQ(End(kA), 2);
  Fill(kA, 1);
}

TEST_F(LogAtomicTest, LogStartOfADeletedTopicDoesNotComeIntoTheJournal) {
  Fill(kC, 4);
  const std::shared_ptr<PartitionLog> log = *world_->GetLog(kC);
  ASSERT_TRUE(world_->DeleteTopic(kC.topic).ok());
  absl::StatusOr<Offset> start;
  world_->log().DeleteRecords(log, Offset{2}, [&](absl::StatusOr<Offset> to) { start = to; });
  world_->Pump();
  EXPECT_THAT(ReasonOf(start.status()), Optional(Reason::kUnknownTopic));
  world_->Checkpoint();  // from here on no mark says what the topic was
  EXPECT_THAT(world_->ledger().deleted_topics, ElementsAre());
  KillAndRestart();
}

// Who has seen the append in one partition finds it in every other.
TEST(LogAtomicThreadsTest, WhoSeesOnePartFindsTheOthers) {
  constexpr int kPartitions = 64;
  constexpr int kAppends = 400;
  class Silent : public LogListener {
    void OnHighWatermark(const PartitionLog&) override {}
    void OnRound(const RoundStats&) override {}
    void OnCheckpoint(const CheckpointStats&) override {}
    void OnFenced(const absl::Status&) override {}
  } listener;
  SimFileSystem disk;
  ASSERT_TRUE(CreateDirectories(disk, "/data").ok());
  SimClock clock;
  ThreadExecutor completions("completions", 1);
  ThreadExecutor background("background", 1);
  RecoveryReport report;
  auto log = LogManager::Open({.file_system = &disk,
                               .clock = &clock,
                               .directory = "/data",
                               .listener = &listener,
                               .completions = &completions,
                               .background = &background,
                               .leader_epoch = LeaderEpoch{1},
                               .live_topics = {kA.topic},
                               .journal_file_bytes = limits::kMiB},
                              &report);
  ASSERT_TRUE(log.ok()) << log.status();
  std::vector<std::shared_ptr<PartitionLog>> logs;
  for (int32_t i = 0; i < kPartitions; ++i)
    logs.push_back(*(*log)->GetLog({kA.topic, PartitionIndex{i}}, LogConfig{}));

  std::atomic<bool> stop{false};
  std::atomic<int64_t> torn{0};
  std::vector<std::thread> readers;
  for (const bool upwards : {true, false}) {
    readers.emplace_back([&, upwards] {
      const auto& first = upwards ? logs.front() : logs.back();
      while (!stop) {
        const Offset seen = first->high_watermark();
        for (const auto& other : logs) {
          const LogBounds bounds = other->bounds();
          // Each append has one record for everyone, and moves the start to the one before.
          torn += bounds.high_watermark < seen || bounds.log_start < seen - 1;
        }
      }
    });
  }
  const std::string bytes = Records(1);
  for (int i = 0; i < kAppends; ++i) {
    AppendRequest request{.atomic = true};
    for (const auto& one : logs) {
      request.batches.push_back({.log = one,
                                 .header = DecodeBatchHeader(bytes.data()),
                                 .bytes = SharedBytes::FromString(bytes)});
      if (i > 0) request.log_starts.push_back({.log = one, .start = Offset{i}});
    }
    absl::Notification done;
    request.done = [&](const absl::StatusOr<std::vector<AppendResult>>& results) {
      EXPECT_TRUE(results.ok()) << results.status();
      done.Notify();
    };
    (*log)->Append(std::move(request));
    done.WaitForNotification();
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(logs.back()->high_watermark(), Offset{kAppends});
  EXPECT_TRUE((*log)->Close().ok());
}

}  // namespace
}  // namespace weir
