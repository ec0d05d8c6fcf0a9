// Starts on directories that no orderly history of ours leaves, but a defect, a set-back file or a
// forger may: each is refused or repaired, none of them ends the process.
#include "tests/unit/log_recovery_fixture.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
