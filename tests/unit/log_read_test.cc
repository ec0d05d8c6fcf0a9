// Reads: ranges, cursors, times, and what happens when the disk holds something else than was
// written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/log/file_names.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Optional;

class LogReadTest : public ::testing::Test {
 protected:
  LogReadTest() : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{})) {
    world_->CreateTopic(LogWorld::Topic(1));
    EXPECT_TRUE(world_->Open().ok());
    for (int i = 0; i < 50; ++i) world_->Send(kId, 4);
    world_->Pump();
    log_ = *world_->GetLog(kId);
  }
  void Restart() {
    EXPECT_TRUE(world_->Close().ok());
    log_.reset();
    world_ = LogWorld::Restart(world_->disk().Clone(), *world_);
    EXPECT_TRUE(world_->Open().ok());
    log_ = *world_->GetLog(kId);
  }
  std::vector<std::string> Files(absl::string_view suffix) {
    std::vector<std::string> files;
    for (const std::string& file : world_->disk().AllFiles()) {
      if (absl::EndsWith(file, suffix)) files.push_back(file);
    }
    return files;
  }

  const TopicPartition kId{LogWorld::Topic(1), PartitionIndex{0}};
  std::unique_ptr<LogWorld> world_;
  std::shared_ptr<PartitionLog> log_;
};

TEST_F(LogReadTest, EveryOffsetIsFoundWithoutACursor) {
  for (int64_t offset = 0; offset < 200; ++offset) {
    const auto read = log_->Read(Offset{offset}, 1, ReadMode::kMayBlock, nullptr);
    ASSERT_TRUE(read.ok()) << read.status();
    const RecordBatchHeader header = DecodeBatchHeader(read->batches.data.get());
    EXPECT_LE(header.base_offset, Offset{offset});
    EXPECT_GT(header.next_offset(), Offset{offset});
    EXPECT_EQ(header.size_bytes(), static_cast<int64_t>(read->batches.size))
        << "one batch, though larger than max_bytes";
  }
}

TEST_F(LogReadTest, BetweenHighWatermarkAndLogEndThereIsNothingYetAndThatIsNoError) {
  // What is written and not yet flushed may have been acknowledged, and its reader be there
  // already.
  int looks = 0;
  world_->disk().SetObserver([&](const Operation& operation) {
    if (operation.kind != OperationKind::kSync || !absl::StrContains(operation.path, "journal"))
      return;
    ++looks;
    for (const int64_t offset : {200, 203, 204}) {
      const auto read = log_->Read(Offset{offset}, 1000, ReadMode::kMayBlock, nullptr);
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_EQ(read->batches.size, 0u);
      EXPECT_EQ(read->next_offset, Offset{offset});
      EXPECT_EQ(read->high_watermark, Offset{200});
    }
    const auto beyond = log_->Read(Offset{205}, 1000, ReadMode::kMayBlock, nullptr);
    EXPECT_EQ(ReasonOf(beyond.status()), Reason::kOffsetOutOfRange);
  });
  world_->Send(kId, 4, Durability::kWritten);
  world_->Pump();
  world_->disk().SetObserver(nullptr);
  EXPECT_EQ(looks, 1);
  EXPECT_EQ(log_->high_watermark(), Offset{204});
}

TEST_F(LogReadTest, ReadAtTheHighWatermarkIsEmptyAndBeyondItIsRefused) {
  const auto at_end = log_->Read(Offset{200}, 1000, ReadMode::kMayBlock, nullptr);
  ASSERT_TRUE(at_end.ok());
  EXPECT_EQ(at_end->batches.size, 0u);
  EXPECT_EQ(at_end->next_offset, Offset{200});
  for (const int64_t outside : {int64_t{-1}, int64_t{201}, INT64_MAX, INT64_MIN}) {
    const auto read = log_->Read(Offset{outside}, 1000, ReadMode::kMayBlock, nullptr);
    EXPECT_THAT(ReasonOf(read.status()), Optional(Reason::kOffsetOutOfRange));
    EXPECT_THAT(read.status().message(),
                HasSubstr("outside 0 (log start) to 200 (high watermark)"));
  }
}

TEST_F(LogReadTest, ReadThatWouldWaitForTheDiskSaysSoInstead) {
  world_->disk().SetCached(false);
  EXPECT_TRUE(
      absl::IsUnavailable(log_->Read(Offset{8}, 1000, ReadMode::kCachedOnly, nullptr).status()));
  EXPECT_TRUE(log_->Read(Offset{8}, 1000, ReadMode::kMayBlock, nullptr).ok());
}

TEST_F(LogReadTest, TimesAreFoundToTheRecord) {
  for (const bool restarted : {false, true}) {
    if (restarted) Restart();
    for (int64_t record = 0; record < 200; ++record) {
      const auto found = log_->FindByTime(1'000'000 + record);
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(found->offset, Offset{record});
      EXPECT_EQ(found->timestamp_ms, 1'000'000 + record);
    }
    EXPECT_EQ(log_->FindByTime(0)->offset, Offset{0});
    EXPECT_EQ(log_->FindByTime(2'000'000)->offset, Offset{200});
    EXPECT_EQ(log_->FindByTime(2'000'000)->timestamp_ms, -1);
  }
}

TEST_F(LogReadTest, MissingOrForeignIndexesAreRebuilt) {
  Restart();
  const std::vector<std::string> indexes = Files(".index");
  ASSERT_GE(indexes.size(), 3u);
  EXPECT_TRUE(world_->Close().ok());
  log_.reset();
  world_->disk().WriteRaw(indexes[0], "not an index at all");
  world_->disk().WriteRaw(indexes[1], world_->disk().ReadRaw(indexes[2]));
  EXPECT_TRUE(world_->disk().Remove(indexes[2]).ok());
  world_ = LogWorld::Restart(world_->disk().Clone(), *world_);
  EXPECT_TRUE(world_->Open().ok());
  EXPECT_EQ(world_->CheckContent(kId), "");
  log_ = *world_->GetLog(kId);
  for (int64_t record = 0; record < 200; record += 3) {
    EXPECT_EQ(log_->FindByTime(1'000'000 + record)->offset, Offset{record});
    EXPECT_TRUE(log_->Read(Offset{record}, 1, ReadMode::kMayBlock, nullptr).ok());
  }
}

TEST_F(LogReadTest, SegmentShorterThanWhatWasFlushedIsDamageAndNeverAnEmptyLog) {
  EXPECT_TRUE(world_->Close().ok());
  log_.reset();
  const std::string last = Files(".log").back();
  world_->disk().WriteRaw(last, world_->disk().ReadRaw(last).substr(0, 100));
  world_ = LogWorld::Restart(world_->disk().Clone(), *world_);
  ASSERT_TRUE(world_->Open().ok());
  ASSERT_EQ(world_->report().damaged.size(), 1u);
  log_ = *world_->GetLog(kId);
  EXPECT_THAT(log_->Describe().damage, HasSubstr("has 100 bytes"));
  EXPECT_EQ(Files(".damaged").size(), 1u) << "the evidence is kept";
  // What lies before the damage can be read, what lies behind it is reported, and nothing is
  // appended.
  EXPECT_TRUE(log_->Read(Offset{0}, 1000, ReadMode::kMayBlock, nullptr).ok());
  EXPECT_THAT(ReasonOf(log_->Read(Offset{199}, 1000, ReadMode::kMayBlock, nullptr).status()),
              Optional(Reason::kPartitionDamaged));
  world_->Send(kId, 1);
  world_->Pump();
  EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kPartitionDamaged));
}

TEST_F(LogReadTest, MissingSegmentInTheMiddleIsReportedAsDamage) {
  EXPECT_TRUE(world_->Close().ok());
  log_.reset();
  EXPECT_TRUE(world_->disk().Remove(Files(".log")[1]).ok());
  world_ = LogWorld::Restart(world_->disk().Clone(), *world_);
  ASSERT_TRUE(world_->Open().ok());
  EXPECT_THAT(world_->CheckContent(kId), HasSubstr("ends at offset 44 instead of 88"));
}

class LogDamageFoundTest : public LogReadTest {
 protected:
  // Stops, lets `damage` at the disk, and starts again.
  void RestartAfter(const std::function<void(SimFileSystem&)>& damage) {
    EXPECT_TRUE(world_->Close().ok());
    log_.reset();
    auto disk = world_->disk().Clone();
    damage(*disk);
    world_ = LogWorld::Restart(std::move(disk), *world_);
    EXPECT_TRUE(world_->Open().ok());
    EXPECT_THAT(world_->report().damaged, IsEmpty());
    log_ = *world_->GetLog(kId);
  }
  static int64_t BaseOf(const std::string& segment) {
    return ParseSegmentName(segment.substr(segment.rfind('/') + 1))->value();
  }
  // Reads from the start until an error; gives where that was.
  int64_t ReadUntilDamage(ReadCursor* cursor) {
    Offset at{0};
    for (;;) {
      const auto read = log_->Read(at, 1, ReadMode::kMayBlock, cursor);
      if (!read.ok()) {
        EXPECT_THAT(ReasonOf(read.status()), Optional(Reason::kPartitionDamaged));
        return at.value();
      }
      EXPECT_GT(read->batches.size, 0u);
      at = read->next_offset;
    }
  }
  void ExpectReportedAndReadOnly(const std::string& kept) {
    ASSERT_EQ(world_->damaged().size(), 1u) << "told once";
    EXPECT_EQ(world_->damaged()[0].first, kId);
    EXPECT_EQ(world_->damaged()[0].second, log_->Describe().damage);
    EXPECT_EQ(world_->log().damaged_partitions(), 1);
    EXPECT_THAT(Files(".damaged"), ElementsAre(kept + ".damaged"));
    world_->Send(kId, 1);
    world_->Pump();
    EXPECT_THAT(ReasonOf(world_->last_answer().status()), Optional(Reason::kPartitionDamaged));
  }
};

TEST_F(LogDamageFoundTest, WhatLiesBeforeAMissingSegmentIsReadAndThenThePartitionIsReadOnly) {
  const std::vector<std::string> segments = Files(".log");
  ASSERT_GT(segments.size(), 4u);
  const int64_t missing = BaseOf(segments[3]);
  RestartAfter([&](SimFileSystem& disk) { EXPECT_TRUE(disk.Remove(segments[3]).ok()); });
  EXPECT_EQ(log_->Describe().damage, "") << "nobody has looked yet";
  ReadCursor cursor;
  EXPECT_EQ(ReadUntilDamage(&cursor), missing);
  EXPECT_EQ(ReadUntilDamage(nullptr), missing);
  ExpectReportedAndReadOnly(segments[2]);
  const int64_t behind = BaseOf(segments[4]);
  EXPECT_TRUE(log_->Read(Offset{behind}, 1, ReadMode::kMayBlock, nullptr).ok());
}

TEST_F(LogDamageFoundTest, ReaderThatMustNotWaitLeavesDamageToOneThatMay) {
  const std::string last = Files(".log")[2];
  const int64_t end = BaseOf(Files(".log")[3]);
  RestartAfter([&](SimFileSystem& disk) { EXPECT_TRUE(disk.Remove(Files(".log")[3]).ok()); });
  ASSERT_TRUE(log_->Read(Offset{end - 4}, 1, ReadMode::kMayBlock, nullptr).ok());
  EXPECT_THAT(Files(".damaged"), ElementsAre(last + ".damaged"));
  EXPECT_TRUE(
      absl::IsUnavailable(log_->Read(Offset{end}, 1, ReadMode::kCachedOnly, nullptr).status()));
}

TEST_F(LogDamageFoundTest, DamageFoundWhenALogIsOpenedIsToldAndTheFileIsKeptAside) {
  const std::string active = Files(".log").back();
  RestartAfter([&](SimFileSystem& disk) {
    disk.Remove(absl::StrCat(active.substr(0, active.size() - 3), "index")).IgnoreError();
    disk.FlipBit(active, 16 * 8);  // the magic of the first batch
  });
  EXPECT_THAT(log_->Describe().damage, HasSubstr("no valid batch at byte 0"));
  ExpectReportedAndReadOnly(active);
}

TEST_F(LogReadTest, BatchThatCannotBeDecodedDoesNotStandInTheWayOfALookUpByTime) {
  const auto append = [&](int64_t base_time_ms, int64_t max_time_ms) {
    std::string bytes = std::string(kBatchHeaderBytes, '\0') + std::string(30, '\xff');
    SealBatch({.last_offset_delta = 2,
               .base_timestamp_ms = base_time_ms,
               .max_timestamp_ms = max_time_ms,
               .record_count = 3},
              bytes.data(), bytes.size());
    AppendRequest request;
    request.batches.push_back({.log = log_,
                               .header = DecodeBatchHeader(bytes.data()),
                               .bytes = SharedBytes::FromString(bytes)});
    request.done = [](absl::StatusOr<std::vector<AppendResult>> result) {
      EXPECT_TRUE(result.ok()) << result.status();
    };
    world_->log().Append(std::move(request));
    world_->Pump();
  };
  const Offset garbage = log_->high_watermark();
  constexpr int64_t kNow = 2'000'000;  // newer than all that is there
  append(1, int64_t{1} << 62);         // says that it has the newest record of all
  // Nothing else is that new: what it says of its first record does not fit, the rest is not known.
  auto found = log_->FindByTime(kNow + 1'000);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->offset, log_->high_watermark());
  append(kNow + 2'000, kNow + 3'000);
  found = log_->FindByTime(kNow + 1'000);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->offset, garbage + 3) << "its first record is new enough, as its header says";
  EXPECT_EQ(found->timestamp_ms, kNow + 2'000);
  EXPECT_EQ(log_->Describe().damage, "");
}

}  // namespace
}  // namespace weir
