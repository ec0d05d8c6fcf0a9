// Starts on directories that no orderly history of ours leaves, but a defect, a set-back file or a
// forger may: each is refused or repaired, none of them ends the process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "storage/base/bytes.h"
#include "storage/base/error.h"
#include "storage/log/file_names.h"
#include "storage/log/journal_reader.h"
#include "storage/log/recovery.h"
#include "storage/log/sparse_index.h"
#include "storage/record/record_batch_builder.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kData[] = "/data";
const TopicPartition kId{LogWorld::Topic(1), PartitionIndex{0}};

std::string Batch(Offset offset, LeaderEpoch epoch = LeaderEpoch{1}) {
  RecordBatchBuilder builder;
  builder.Append(1'000'000, "key", "value");
  return builder.Finish({.base_offset = offset, .leader_epoch = epoch});
}

std::string Entry(EntryHead head, absl::string_view payload) {
  head.size = static_cast<uint32_t>(payload.size());
  std::string entry(kEntryHeadBytes, '\0');
  EncodeEntryHead(head, entry.data());
  entry.append(payload.data(), payload.size());
  return entry;
}

std::string OffsetBytes(int64_t offset) {
  std::string bytes;
  AppendLittle(&bytes, offset);
  return bytes;
}

// Writes one more round behind those of the journal, as if it had been flushed.
void AddRound(SimFileSystem* disk, const std::string& entry) {
  const auto ring = *JournalReader::List(*disk, kData);
  const JournalReader::RingFile& file = ring.back();
  std::string content = disk->ReadRaw(file.path);
  size_t at = limits::kJournalBlock;
  RoundNumber last{0};
  while (const auto round = DecodeRound(file.header, absl::string_view(content).substr(at))) {
    last = round->number;
    at += static_cast<size_t>(RoundUpToBlock(round->size));
  }
  const auto head = EncodeRoundHead(file.header, last + 1, {entry});
  content.replace(at, head.size(), head.data(), head.size());
  content.replace(at + head.size(), entry.size(), entry);
  disk->WriteRaw(file.path, content);
}

// A killed broker's directory: partition kId has ten records in its first segment, in ten batches.
class RecoveryTest : public ::testing::Test {
 protected:
  RecoveryTest()
      : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{},
                                          LogWorldOptions{.segment_bytes = 1'000'000})) {
    world_->CreateTopic(LogWorld::Topic(1));
    EXPECT_TRUE(world_->Open().ok());
    for (int i = 0; i < 10; ++i) {
      world_->Send(kId, 1);
      world_->Pump();
    }
    disk_ = world_->disk().Clone();
    const std::string segment =
        disk_->ReadRaw(JoinPath(PartitionDirectory(kData, kId), SegmentName(Offset{0})));
    end_ = FilePosition{static_cast<int64_t>(segment.size())};
  }
  absl::Status Start() {
    after_ = LogWorld::Restart(std::move(disk_), *world_);
    return after_->Open();
  }
  // With one more entry in the journal.
  absl::Status StartWith(const EntryHead& head, absl::string_view payload) {
    AddRound(disk_.get(), Entry(head, payload));
    return Start();
  }
  EntryHead Head(EntryKind kind, int64_t base, int64_t position) const {
    return {.kind = kind,
            .partition = kId,
            .segment_base = Offset{base},
            .position = FilePosition{position}};
  }
  void ExpectRefused(const EntryHead& head, absl::string_view payload) {
    auto before = disk_->Clone();
    const absl::Status started = StartWith(head, payload);
    EXPECT_TRUE(absl::IsDataLoss(started)) << started;
    EXPECT_THAT(std::string(started.message()), HasSubstr("makes no sense"));
    disk_ = std::move(before);
  }

  std::unique_ptr<LogWorld> world_;
  std::unique_ptr<SimFileSystem> disk_;
  std::unique_ptr<LogWorld> after_;
  FilePosition end_;
};

TEST_F(RecoveryTest, AppendIsRedoneBehindTheLastBatch) {
  const absl::Status started =
      StartWith(Head(EntryKind::kAppend, 0, end_.value()), Batch(Offset{10}));
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ((*after_->GetLog(kId))->high_watermark(), Offset{11});
}

TEST_F(RecoveryTest, AppendIsRedoneAtTheStartOfANewSegment) {
  const absl::Status started = StartWith(Head(EntryKind::kAppend, 10, 0), Batch(Offset{10}));
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ((*after_->GetLog(kId))->high_watermark(), Offset{11});
  EXPECT_EQ((*after_->GetLog(kId))->Describe().segments, 2);
}

TEST_F(RecoveryTest, AppendThatDoesNotGoOnWhereTheLogEndsIsRefused) {
  const int64_t end = end_.value();
  for (const auto& [base, position] : std::vector<std::pair<int64_t, int64_t>>{{0, end + 1},
                                                                               {0, end - 1},
                                                                               {0, 0},
                                                                               {0, -1},
                                                                               {0, INT64_MAX},
                                                                               {10, end},
                                                                               {10, 1},
                                                                               {9, 0},
                                                                               {11, 0},
                                                                               {-1, 0},
                                                                               {INT64_MAX, 0}}) {
    ExpectRefused(Head(EntryKind::kAppend, base, position), Batch(Offset{10}));
  }
}

TEST_F(RecoveryTest, BatchThatDoesNotContinueTheLogIsRefused) {
  const EntryHead head = Head(EntryKind::kAppend, 0, end_.value());
  ExpectRefused(head, Batch(Offset{9}));
  ExpectRefused(head, Batch(Offset{11}));
  ExpectRefused(head, Batch(Offset{10}, LeaderEpoch{0}));
  ExpectRefused(head, Batch(Offset{10}) + "x");
  ExpectRefused(head, Batch(Offset{10}).substr(0, 60));
  ExpectRefused(head, "");
}

TEST_F(RecoveryTest, TruncationOutsideTheLogIsRefused) {
  const int64_t end = end_.value();
  ExpectRefused(Head(EntryKind::kTruncate, 0, end), OffsetBytes(11));
  ExpectRefused(Head(EntryKind::kTruncate, 0, end), OffsetBytes(-1));
  ExpectRefused(Head(EntryKind::kTruncate, 11, 0), OffsetBytes(10));
  ExpectRefused(Head(EntryKind::kTruncate, 0, -1), OffsetBytes(10));
  ExpectRefused(Head(EntryKind::kTruncate, 0, INT64_MAX), OffsetBytes(10));
  ExpectRefused(Head(EntryKind::kTruncate, 0, end), "short");
}

TEST_F(RecoveryTest, LogStartOutsideTheLogIsRefused) {
  const int64_t end = end_.value();
  ExpectRefused(Head(EntryKind::kLogStart, 0, end), OffsetBytes(11));
  ExpectRefused(Head(EntryKind::kLogStart, 0, end), OffsetBytes(-1));
  ExpectRefused(Head(EntryKind::kLogStart, 11, 0), OffsetBytes(10));
  ExpectRefused(Head(EntryKind::kLogStart, -1, 0), OffsetBytes(10));
  ExpectRefused(Head(EntryKind::kLogStart, 0, -1), OffsetBytes(10));
}

TEST_F(RecoveryTest, EntryOfAnUnknownKindIsSaidToBeNewer) {
  const absl::Status started = StartWith(Head(EntryKind{4}, 0, 0), "");
  EXPECT_TRUE(absl::IsDataLoss(started)) << started;
  EXPECT_THAT(std::string(started.message()), HasSubstr("newer version"));
}

// With entries for kId and a partition that has no file, the latter's first, as one atomic append.
class AtomicRecoveryTest : public RecoveryTest {
 protected:
  AtomicRecoveryTest() {
    world_->Checkpoint();
    disk_ = world_->disk().Clone();
  }
  void AddAtomic(EntryHead head, absl::string_view payload) {
    EntryHead other{.kind = EntryKind::kAppend, .with_next = true, .partition = kOther};
    AddRound(disk_.get(), Entry(other, Batch(Offset{0})) + Entry(head, payload));
  }
  // With no room for another file, and then with room, on what that left.
  void StartWithoutRoom() {
    const DiskSpace space = *disk_->Space("/");
    disk_->SetCapacity(space.total_bytes - space.free_bytes);
    const absl::Status started = Start();
    ASSERT_TRUE(started.ok()) << started;
    ASSERT_FALSE(after_->report().read_only.ok());
  }
  void StartWithRoom() {
    auto disk = after_->disk().Clone();
    disk->SetCapacity(int64_t{1} << 40);
    after_ = LogWorld::Restart(std::move(disk), *world_);
    const absl::Status started = after_->Open();
    ASSERT_TRUE(started.ok()) << started;
    ASSERT_TRUE(after_->report().read_only.ok()) << after_->report().read_only;
  }
  int64_t End(const TopicPartition& id) { return (*after_->GetLog(id))->high_watermark().value(); }
  int64_t LogStart() { return (*after_->GetLog(kId))->log_start().value(); }

  const TopicPartition kOther{LogWorld::Topic(1), PartitionIndex{1}};
};

TEST_F(AtomicRecoveryTest, IsRedoneInAllPartitions) {
  AddAtomic(Head(EntryKind::kAppend, 0, end_.value()), Batch(Offset{10}));
  const absl::Status started = Start();
  ASSERT_TRUE(started.ok()) << started;
  EXPECT_EQ(End(kId), 11);
  EXPECT_EQ(End(kOther), 1);
}

TEST_F(AtomicRecoveryTest, WithoutRoomForOnePartitionNoneShowsIt) {
  AddAtomic(Head(EntryKind::kAppend, 0, end_.value()), Batch(Offset{10}));
  // What comes behind it in one of its partitions is not shown either, nor what belongs to that.
  const EntryHead third{.kind = EntryKind::kAppend,
                        .with_next = true,
                        .partition = {LogWorld::Topic(2), PartitionIndex{0}}};
  const auto size = static_cast<int64_t>(Batch(Offset{10}).size());
  AddRound(disk_.get(),
           Entry(third, Batch(Offset{0})) +
               Entry(Head(EntryKind::kAppend, 0, end_.value() + size), Batch(Offset{11})));
  StartWithoutRoom();
  EXPECT_EQ(End(kId), 10);
  EXPECT_EQ(End(kOther), 0);
  EXPECT_EQ(End(third.partition), 0);
  EXPECT_EQ(after_->report().rounds_not_redone, 2);
  StartWithRoom();
  EXPECT_EQ(End(kId), 12);
  EXPECT_EQ(End(kOther), 1);
  EXPECT_EQ(End(third.partition), 1);
}

TEST_F(AtomicRecoveryTest, WithoutRoomForTheAppendItsLogStartDoesNotMove) {
  AddAtomic(Head(EntryKind::kLogStart, 10, 0), OffsetBytes(10));
  StartWithoutRoom();
  EXPECT_EQ(LogStart(), 0);
  EXPECT_EQ(End(kId), 10);
  EXPECT_EQ(after_->CheckContent(kId), "");
  StartWithRoom();
  EXPECT_EQ(LogStart(), 10);
  EXPECT_EQ(End(kOther), 1);
}

TEST_F(AtomicRecoveryTest, WithoutRoomTheLogStartMovesAllTheSameWhenTheRecordsAreGone) {
  AddAtomic(Head(EntryKind::kLogStart, 10, 0), OffsetBytes(10));
  ASSERT_TRUE(disk_->Remove(JoinPath(PartitionDirectory(kData, kId), SegmentName(Offset{0}))).ok());
  StartWithoutRoom();
  EXPECT_EQ(LogStart(), 10);
  EXPECT_EQ((*after_->GetLog(kId))->Describe().damage, "");
  EXPECT_EQ(End(kOther), 0);
  StartWithRoom();
  EXPECT_EQ(LogStart(), 10);
  EXPECT_EQ(End(kOther), 1);
}

TEST_F(RecoveryTest, EntryThatBelongsToTheNextIsNotTheLast) {
  EntryHead head = Head(EntryKind::kAppend, 0, end_.value());
  head.with_next = true;
  ExpectRefused(head, Batch(Offset{10}));
}

TEST_F(RecoveryTest, RecordsOfALaterStartAreRefused) {
  // This start has epoch 2.
  auto before = disk_->Clone();
  EXPECT_TRUE(
      StartWith(Head(EntryKind::kAppend, 0, end_.value()), Batch(Offset{10}, LeaderEpoch{2})).ok());
  disk_ = std::move(before);
  const absl::Status started =
      StartWith(Head(EntryKind::kAppend, 0, end_.value()), Batch(Offset{10}, LeaderEpoch{3}));
  EXPECT_TRUE(absl::IsDataLoss(started)) << started;
  EXPECT_THAT(std::string(started.message()), HasSubstr("leader epoch 3"));
}

TEST_F(RecoveryTest, SetBackEpochIsRefusedAlsoWhenNothingIsToBeRedone) {
  ASSERT_TRUE(world_->Close().ok());
  LogWorldOptions options;
  options.epoch = LeaderEpoch{0};  // weir.meta was taken from an old backup
  LogWorld set_back(world_->disk().Clone(), world_->ledger(), options);
  const absl::Status started = set_back.Open();
  EXPECT_TRUE(absl::IsDataLoss(started)) << started;
  EXPECT_THAT(std::string(started.message()), HasSubstr("set back"));
}

TEST_F(RecoveryTest, StateThatNoLogCanBeInIsRefused) {
  const auto refused = [&](const std::function<void(PartitionState*)>& change) {
    PartitionState state;
    state.log_end = Offset{20};
    state.segment_base = Offset{10};
    state.epochs.Note(LeaderEpoch{1}, Offset{0});
    change(&state);
    std::string bytes;
    state.EncodeTo(&bytes);
    ByteReader in(bytes);
    PartitionState back;
    return !back.DecodeFrom(&in);
  };
  EXPECT_FALSE(refused([](PartitionState*) {}));
  EXPECT_TRUE(refused([](PartitionState* state) { state->log_start = Offset{21}; }));
  EXPECT_TRUE(refused([](PartitionState* state) { state->log_start = Offset{-1}; }));
  EXPECT_TRUE(refused([](PartitionState* state) { state->segment_base = Offset{21}; }));
  EXPECT_TRUE(refused([](PartitionState* state) { state->segment_base = Offset{-1}; }));
  EXPECT_TRUE(refused([](PartitionState* state) { state->position = FilePosition{-1}; }));
  EXPECT_TRUE(
      refused([](PartitionState* state) { state->position = FilePosition{int64_t{1} << 32}; }));
  EXPECT_TRUE(
      refused([](PartitionState* state) { state->epochs.Note(LeaderEpoch{2}, Offset{21}); }));
}

// Starts that find no room for the redo.
class NoRoomTest : public RecoveryTest {
 protected:
  const TopicPartition kOther{LogWorld::Topic(1), PartitionIndex{1}};
  std::string Path(const TopicPartition& id, int64_t base) {
    return JoinPath(PartitionDirectory(kData, id), SegmentName(Offset{base}));
  }
  // No segment of the partition can be written.
  void StartWithoutRoomFor(const TopicPartition& id) {
    disk_->FailNext(OperationKind::kWrite, PartitionDirectory(kData, id), Fault::kNoSpace,
                    Repeat::kForever);
    ASSERT_TRUE(Start().ok());
    EXPECT_EQ(ReasonOf(after_->report().read_only), Reason::kDiskLow);
  }
  Offset EndOf(const TopicPartition& id) { return (*after_->GetLog(id))->high_watermark(); }
};

TEST_F(NoRoomTest, PartitionEndsWhereItsFileDoesAndTheOthersAreWhole) {
  for (int i = 0; i < 10; ++i) world_->Send(kOther, 1);
  world_->Pump();  // one round
  disk_ = world_->disk().Clone();
  const std::string segment = disk_->ReadRaw(Path(kId, 0));
  size_t three_batches = 0;
  for (int i = 0; i < 3; ++i) {
    three_batches +=
        static_cast<size_t>(DecodeBatchHeader(segment.data() + three_batches).size_bytes());
  }
  disk_->WriteRaw(Path(kId, 0), segment.substr(0, three_batches + 20));
  disk_->WriteRaw(Path(kOther, 0), "");
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  EXPECT_EQ(EndOf(kId), Offset{3});
  EXPECT_EQ(EndOf(kOther), Offset{10});
  EXPECT_EQ(after_->CheckContent(kId), "");
  EXPECT_EQ(after_->CheckContent(kOther), "");
  EXPECT_EQ(after_->report().rounds_redone, 4);
  EXPECT_EQ(after_->report().rounds_not_redone, 7);
  EXPECT_THAT(std::string(after_->report().read_only.message()),
              HasSubstr("7 rounds of the commit journal are not in the log yet"));
  EXPECT_EQ(after_->disk().ReadRaw(Path(kId, 0)), segment.substr(0, three_batches + 20));
}

TEST_F(NoRoomTest, WhatTheFileHoldsAlreadyCanBeRead) {
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  EXPECT_EQ(EndOf(kId), Offset{10});
  EXPECT_EQ(after_->CheckContent(kId), "");
  EXPECT_EQ(after_->report().rounds_not_redone, 0);
}

TEST_F(NoRoomTest, SegmentsBehindTheGapAreKept) {
  world_->config().segment_bytes = 1000;
  for (int i = 0; i < 60; ++i) world_->Send(kOther, 1);
  world_->Pump();
  disk_ = world_->disk().Clone();
  const auto files = disk_->AllFiles();
  disk_->WriteRaw(Path(kOther, 0), "");
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kOther));
  EXPECT_EQ(EndOf(kOther), Offset{0});
  EXPECT_EQ(after_->disk().AllFiles(), files);
}

TEST_F(NoRoomTest, DamagedFilesAreKeptAsideOnlyOnceThereIsRoom) {
  const TopicPartition kSegmented{LogWorld::Topic(1), PartitionIndex{2}};
  world_->config().segment_bytes = 1000;
  for (int i = 0; i < 60; ++i) {
    world_->Send(kOther, 1);
    world_->Send(kSegmented, 1);
  }
  world_->Pump();
  world_->Checkpoint();
  world_->Send(kId, 1);
  world_->Pump();
  disk_ = world_->disk().Clone();
  const auto of = [](const TopicPartition& id, const std::vector<std::string>& files) {
    std::vector<std::string> found;
    for (const std::string& file : files) {
      if (absl::StrContains(file, PartitionDirectory(kData, id)) && absl::EndsWith(file, ".log"))
        found.push_back(file);
    }
    return found;
  };
  const std::vector<std::string> cut = of(kOther, disk_->AllFiles());
  const std::vector<std::string> segments = of(kSegmented, disk_->AllFiles());
  ASSERT_GT(segments.size(), 3u);
  disk_->WriteRaw(cut.back(), "");               // recovery sees this
  ASSERT_TRUE(disk_->Remove(segments[2]).ok());  // and a reader this
  const std::vector<std::string> files = disk_->AllFiles();
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  ASSERT_EQ(after_->report().damaged.size(), 1u);
  EXPECT_EQ(after_->report().damaged[0].partition, kOther);
  EXPECT_NE(after_->CheckContent(kSegmented), "");
  EXPECT_EQ(after_->log().damaged_partitions(), 2);
  EXPECT_EQ(after_->disk().AllFiles(), files);

  disk_ = after_->disk().Clone();
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(after_->report().read_only.ok()) << after_->report().read_only;
  EXPECT_THAT(after_->disk().AllFiles(), Contains(cut.back() + ".damaged"));
  EXPECT_NE(after_->CheckContent(kSegmented), "");
  EXPECT_THAT(after_->disk().AllFiles(), Contains(segments[1] + ".damaged"));
}

TEST_F(NoRoomTest, DeletedRecordsStayDeletedAlsoWhereTheLogEndsBeforeThem) {
  world_->DeleteRecords(kId, Offset{5});
  world_->Pump();
  disk_ = world_->disk().Clone();
  const std::string segment = disk_->ReadRaw(Path(kId, 0));
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  EXPECT_EQ((*after_->GetLog(kId))->log_start(), Offset{5});
  EXPECT_EQ(EndOf(kId), Offset{10});

  disk_ = world_->disk().Clone();
  disk_->WriteRaw(Path(kId, 0), segment.substr(0, segment.size() / 2));
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  EXPECT_LT(EndOf(kId), Offset{6});
  EXPECT_EQ((*after_->GetLog(kId))->log_start(), std::min(Offset{5}, EndOf(kId)));
}

TEST_F(NoRoomTest, NewDirectoryIsRefused) {
  LogWorld fresh(std::make_unique<SimFileSystem>(), Ledger{});
  fresh.disk().FailNext(OperationKind::kWrite, ".journal", Fault::kNoSpace, Repeat::kForever);
  EXPECT_TRUE(absl::IsResourceExhausted(fresh.Open()));
}

// The index says something that verifies, but not of this segment's batches, and its file cannot be
// removed.
TEST_F(RecoveryTest, WrongIndexIsPassedOverThoughItCannotBeRemoved) {
  for (int i = 0; i < 60; ++i) world_->Send(kId, 1);
  world_->Pump();
  ASSERT_TRUE(world_->Close().ok());
  disk_ = world_->disk().Clone();
  SparseIndex wrong(Offset{0});
  for (int64_t i = 0; i < 8; ++i)
    wrong.Add({.base_offset = Offset{i}}, FilePosition{i * limits::kIndexInterval / 4});
  ASSERT_GT(wrong.entry_count(), 0u);
  std::string bytes;
  wrong.EncodeTo(0, &bytes);
  disk_->WriteRaw(JoinPath(PartitionDirectory(kData, kId), IndexName(Offset{0})), bytes);
  disk_->FailNext(OperationKind::kRemove, ".index", Fault::kIo, Repeat::kForever);
  ASSERT_TRUE(Start().ok());
  EXPECT_EQ(after_->CheckContent(kId), "");
}

// Batches may claim a million records each and be small, when they are compressed.
TEST_F(RecoveryTest, SegmentIsFullBeforeItsIndexRunsOutOfBits) {
  ASSERT_TRUE(Start().ok());
  after_->config().segment_bytes = limits::kSegmentBytesLargest;
  const TopicPartition id{LogWorld::Topic(1), PartitionIndex{1}};
  const auto log = *after_->GetLog(id);
  constexpr int64_t kRecords = limits::kRecordsPerBatch;
  RecordBatchHeader header = DecodeBatchHeader(Batch(Offset{0}).data());
  header.set_compression(Compression::kZstd);
  header.record_count = kRecords;
  header.last_offset_delta = kRecords - 1;
  std::string bytes(100, '\0');
  SealBatch(header, bytes.data(), bytes.size());
  const SharedBytes batch = SharedBytes::FromString(std::move(bytes));
  int64_t batches = 0;
  for (; batches * kRecords <= int64_t{UINT32_MAX} + 10 * kRecords; ++batches) {
    AppendRequest request;
    request.batches.push_back({.log = log, .header = *ValidateBatch(batch, 1000), .bytes = batch});
    request.done = [](absl::StatusOr<std::vector<AppendResult>> result) {
      EXPECT_TRUE(result.ok()) << result.status();
    };
    after_->log().Append(std::move(request));
    if (batches % 100 == 0) after_->Pump();
  }
  after_->Pump();
  EXPECT_EQ(log->high_watermark(), Offset{batches * kRecords});
  EXPECT_EQ(log->Describe().segments, 2);
  for (const int64_t number : {int64_t{0}, batches / 2, batches - 20, batches - 1}) {
    const auto read = log->Read(Offset{number * kRecords}, 1, ReadMode::kMayBlock, nullptr);
    ASSERT_TRUE(read.ok()) << number << ": " << read.status();
    EXPECT_EQ(read->next_offset, Offset{(number + 1) * kRecords});
  }
}

// A clock that does something once while somebody looks at it.
class BusyClock : public SimClock {
 public:
  absl::Duration Monotonic() const override {
    if (once) std::exchange(once, nullptr)();
    return SimClock::Monotonic();
  }
  mutable std::function<void()> once;
};

class QuietListener : public LogListener {
 public:
  void OnHighWatermark(const PartitionLog&) override {}
  void OnRound(const RoundStats&) override {}
  void OnCheckpoint(const CheckpointStats&) override {}
  void OnFenced(const absl::Status&) override {}
};

// A round fails while a checkpoint begins: between its look at the fence and its sample.
TEST(RecoveryCheckpointTest, CheckpointNeverCountsARoundThatFailed) {
  SimFileSystem disk;
  ASSERT_TRUE(CreateDirectories(disk, kData).ok());
  BusyClock clock;
  QuietListener listener;
  InlineExecutor executor;
  RecoveryReport report;
  const auto open = [&](SimFileSystem* on, LeaderEpoch epoch) {
    return LogManager::Open({.file_system = on,
                             .clock = &clock,
                             .directory = kData,
                             .listener = &listener,
                             .completions = &executor,
                             .background = &executor,
                             .leader_epoch = epoch,
                             .live_topics = {LogWorld::Topic(1)},
                             .journal_file_bytes = 64 * limits::kKiB,
                             .journal_files = 4,
                             .threads = false},
                            &report);
  };
  auto log = open(&disk, LeaderEpoch{1});
  ASSERT_TRUE(log.ok()) << log.status();
  const auto append = [&] {
    const SharedBytes bytes = SharedBytes::FromString(Batch(Offset{0}));
    AppendRequest request;
    request.batches.push_back(
        {.log = *(*log)->GetLog(kId, {}), .header = *ValidateBatch(bytes, 1000), .bytes = bytes});
    request.done = [](absl::StatusOr<std::vector<AppendResult>>) {};
    (*log)->Append(std::move(request));
    (*log)->RunCommitter();
    executor.RunAll();
  };
  append();
  clock.once = [&] {
    disk.FailNext(OperationKind::kSync, ".journal", Fault::kIo, Repeat::kOnce);
    append();
  };
  EXPECT_FALSE((*log)->RunCheckpoint().ok());
  EXPECT_FALSE((*log)->health().ok());
  auto killed = disk.Clone();
  auto power_lost = disk.CrashImage(1, CrashMode::kDropUnsynced);
  log->reset();
  for (SimFileSystem* left : {killed.get(), power_lost.get()}) {
    const auto next = open(left, LeaderEpoch{2});
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_THAT(report.damaged, IsEmpty());
    const LogDescription found = (*(*next)->GetLog(kId, {}))->Describe();
    EXPECT_EQ(found.damage, "");
    EXPECT_GE(found.log_end, Offset{1});
    executor.RunAll();
  }
}

TEST_F(RecoveryTest, BoundsAreKnownBeforeALogIsOpen) {
  const TopicPartition never{LogWorld::Topic(1), PartitionIndex{7}};
  ASSERT_TRUE(Start().ok());
  LogManager& log = after_->log();
  EXPECT_EQ(log.FindOpenLog(kId), nullptr);
  EXPECT_EQ(log.Bounds(kId)->log_start, Offset{0});
  EXPECT_EQ(log.Bounds(kId)->high_watermark, Offset{10});
  EXPECT_EQ(log.Bounds(never)->high_watermark, Offset{0});
  EXPECT_EQ(log.FindOpenLog(kId), nullptr) << "asking opens nothing";
  after_->Send(kId, 2);
  after_->DeleteRecords(kId, Offset{4});
  after_->Pump();
  EXPECT_EQ(log.FindOpenLog(kId), *after_->GetLog(kId));
  EXPECT_EQ(log.Bounds(kId)->log_start, Offset{4});
  EXPECT_EQ(log.Bounds(kId)->high_watermark, Offset{12});
  ASSERT_TRUE(after_->DeleteTopic(kId.topic).ok());
  EXPECT_EQ(ReasonOf(log.Bounds(kId).status()), Reason::kUnknownTopic);
  EXPECT_EQ(log.FindOpenLog(kId), nullptr);
}

// The journal holds new producers, the recovery point a full table of which some had expired.
TEST_F(RecoveryTest, FullTableOfProducersSurvivesARestart) {
  ASSERT_TRUE(Start().ok());
  const TopicPartition id{LogWorld::Topic(1), PartitionIndex{1}};
  const auto append = [&](int64_t producer) {
    RecordBatchBuilder builder;
    builder.Append(1'000'000, "key", "value");
    const SharedBytes bytes =
        SharedBytes::FromString(builder.Finish({.producer_id = ProducerId{producer},
                                                .producer_epoch = ProducerEpoch{0},
                                                .base_sequence = 0}));
    AppendRequest request;
    request.batches.push_back(
        {.log = *after_->GetLog(id), .header = *ValidateBatch(bytes, 1000), .bytes = bytes});
    request.done = [](absl::StatusOr<std::vector<AppendResult>> result) {
      EXPECT_TRUE(result.ok()) << result.status();
    };
    after_->log().Append(std::move(request));
    if (producer % 100 == 0) after_->Pump();
  };
  constexpr int64_t kMost = static_cast<int64_t>(limits::kProducersPerPartition);
  for (int64_t producer = 0; producer < kMost; ++producer) append(producer);
  after_->Pump();
  after_->Checkpoint();
  after_->clock().Advance(absl::Milliseconds(limits::kProducerExpirationMs + 1));
  for (int64_t producer = kMost; producer < kMost + 10; ++producer) append(producer);
  after_->Pump();
  auto next = LogWorld::Restart(after_->disk().Clone(), *after_);
  ASSERT_TRUE(next->Open().ok());
  EXPECT_EQ((*next->GetLog(id))->high_watermark(), Offset{kMost + 10});
  auto last = LogWorld::Restart(next->disk().Clone(), *next);
  const absl::Status started = last->Open();
  EXPECT_TRUE(started.ok()) << started;
}

}  // namespace
}  // namespace weir
