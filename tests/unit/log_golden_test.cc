// The golden files of the log, format by format: what was written once is read for ever, and the
// same values still give the same bytes. A start on all of them together is in
// golden_start_test.cc.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/limits.h"
#include "storage/log/file_names.h"
#include "storage/log/journal_format.h"
#include "storage/log/partition_state.h"
#include "storage/log/recovery_point.h"
#include "storage/log/sparse_index.h"
#include "storage/record/record_batch.h"
#include "tests/golden/golden_files.h"
#include "tests/golden/level_1.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

using level_1::BatchesOf;
using level_1::kOld0;
using level_1::kOrders0;
using level_1::kOrders1;
using level_1::kStartMs;

constexpr char kLevel1[] = "level_1";
constexpr size_t kBlock = limits::kJournalBlock;

// ---- Segments.

std::string GoldenSegment(const TopicPartition& id, Offset base) {
  return GoldenFile(JoinPath(PartitionDirectory(kLevel1, id), SegmentName(base)));
}

// A segment of the golden directory, and how many of its batches had reached the disk.
struct SegmentCase {
  TopicPartition partition;
  Offset base;
  size_t batches;
};

class GoldenSegmentTest : public ::testing::TestWithParam<SegmentCase> {
 protected:
  std::string file_ = GoldenSegment(GetParam().partition, GetParam().base);
  std::vector<level_1::Batch> batches_ = [] {
    std::vector<level_1::Batch> all = BatchesOf(GetParam().partition, GetParam().base);
    all.resize(GetParam().batches);
    return all;
  }();
};

INSTANTIATE_TEST_SUITE_P(Level1, GoldenSegmentTest,
                         ::testing::Values(SegmentCase{kOrders0, Offset{0}, 3},
                                           SegmentCase{kOrders0, Offset{3}, 1},
                                           SegmentCase{kOrders1, Offset{0}, 3}),
                         [](const auto& info) {
                           return absl::StrCat("Partition", info.param.partition.partition.value(),
                                               "Base", info.param.base.value());
                         });

TEST_P(GoldenSegmentTest, IsReadAsItWasWritten) {
  absl::string_view rest = file_;
  for (const level_1::Batch& expected : batches_) {
    ASSERT_GE(rest.size(), kBatchHeaderBytes);
    EXPECT_EQ(FilePosition{rest.data() - file_.data()}, expected.position);
    const auto size = static_cast<size_t>(DecodeBatchHeader(rest.data()).size_bytes());
    const absl::string_view batch = rest.substr(0, size);
    const auto header = ValidateBatch(batch, limits::kMaxMessageBytesDefault);
    ASSERT_TRUE(header.ok()) << header.status();
    EXPECT_EQ(header->base_offset, expected.base_offset);
    EXPECT_EQ(header->leader_epoch, expected.epoch);
    EXPECT_EQ(header->attributes, 0);
    EXPECT_EQ(header->has_producer(), expected.base_sequence >= 0);
    if (header->has_producer()) {
      EXPECT_EQ(header->producer_id, level_1::kProducer);
      EXPECT_EQ(header->producer_epoch, level_1::kProducerEpoch);
    }
    EXPECT_EQ(header->base_sequence, expected.base_sequence);
    EXPECT_EQ(ReadBatch(batch).value(), expected.records);
    rest.remove_prefix(size);
  }
  EXPECT_TRUE(rest.empty());
}

TEST_P(GoldenSegmentTest, IsWrittenAsItWas) {
  std::string written;
  for (const level_1::Batch& batch : batches_) written += batch.Bytes();
  EXPECT_EQ(written, file_);
}

// ---- The index of a complete segment.

constexpr FilePosition kSealedEnd{12'531};
constexpr SparseIndex::Seal kSeal{.end = kSealedEnd,
                                  .next_offset = Offset{3},
                                  .max_timestamp_ms = kStartMs + 5000,
                                  .append_time_ms = kStartMs + 5000};

std::string GoldenIndex() {
  return GoldenFile(JoinPath(PartitionDirectory(kLevel1, kOrders0), IndexName(Offset{0})));
}

TEST(GoldenIndexTest, IsReadAsItWasWritten) {
  const SparseIndex index = SparseIndex::Decode(Offset{0}, GoldenIndex(), kSealedEnd);
  const SparseIndex::Place start{FilePosition{0}, Offset{0}};
  const SparseIndex::Place second{FilePosition{4177}, Offset{1}};
  const SparseIndex::Place third{FilePosition{8354}, Offset{2}};
  EXPECT_EQ(index.entry_count(), 2u);
  EXPECT_TRUE(index.Floor(Offset{0}) == start);
  EXPECT_TRUE(index.Floor(Offset{1}) == second);
  EXPECT_TRUE(index.Floor(Offset{2}) == third);
  // The batches' times are two, three and five seconds.
  EXPECT_TRUE(index.FloorByTime(kStartMs + 2000) == start);
  EXPECT_TRUE(index.FloorByTime(kStartMs + 2001) == second);
  EXPECT_TRUE(index.FloorByTime(kStartMs + 3001) == third);
  EXPECT_EQ(index.seal(), kSeal);
}

TEST(GoldenIndexTest, IsWrittenAsItWas) {
  SparseIndex index(Offset{0});
  for (const level_1::Batch& batch : BatchesOf(kOrders0, Offset{0}))
    index.Add(DecodeBatchHeader(batch.Bytes().data()), batch.position);
  index.SetSeal(kSeal);
  std::string bytes;
  index.EncodeTo(0, &bytes);
  EXPECT_EQ(bytes, GoldenIndex());
}

// ---- The journal.

struct Round {
  RoundNumber number;
  std::vector<std::pair<EntryHead, std::string>> entries;  // with their payloads
};

Round AppendRound(uint64_t number) {
  Round round{.number = RoundNumber{number}, .entries = {}};
  for (const level_1::Batch& batch : BatchesOf(round.number)) {
    const std::string bytes = batch.Bytes();
    round.entries.emplace_back(EntryHead{.kind = EntryKind::kAppend,
                                         .partition = batch.partition,
                                         .segment_base = batch.segment_base,
                                         .position = batch.position,
                                         .size = static_cast<uint32_t>(bytes.size())},
                               bytes);
  }
  return round;
}

Round ControlRound(uint64_t number, EntryHead head, int64_t to) {
  std::string payload;
  AppendLittle(&payload, to);
  head.size = static_cast<uint32_t>(payload.size());
  return {.number = RoundNumber{number}, .entries = {{head, payload}}};
}

struct JournalCase {
  int slot;
  JournalFileHeader header;
  std::vector<Round> rounds;
};

// The older file, and the one that was written last.
std::vector<JournalCase> JournalCases() {
  const EntryHead truncation{.kind = EntryKind::kTruncate,
                             .partition = kOrders1,
                             .segment_base = Offset{0},
                             .position = FilePosition{303}};
  const EntryHead log_start{.kind = EntryKind::kLogStart,
                            .partition = kOrders0,
                            .segment_base = Offset{3},
                            .position = FilePosition{265}};
  return {{.slot = 0,
           .header = {level_1::kJournal, JournalSequence{5}},
           .rounds = {AppendRound(8), AppendRound(9), AppendRound(10), AppendRound(11)}},
          {.slot = 1,
           .header = {level_1::kJournal, JournalSequence{6}},
           .rounds = {AppendRound(12), ControlRound(13, truncation, 5),
                      ControlRound(14, log_start, 1)}}};
}

void ExpectRound(const std::optional<JournalRound>& round, const Round& expected) {
  ASSERT_TRUE(round.has_value());
  EXPECT_EQ(round->number, expected.number);
  ASSERT_EQ(round->entries.size(), expected.entries.size());
  for (size_t i = 0; i < expected.entries.size(); ++i) {
    const auto& [head, payload] = expected.entries[i];
    const JournalEntry& entry = round->entries[i];
    EXPECT_EQ(entry.head.kind, head.kind);
    EXPECT_EQ(entry.head.with_next, head.with_next);
    EXPECT_EQ(entry.head.partition, head.partition);
    EXPECT_EQ(entry.head.segment_base, head.segment_base);
    EXPECT_EQ(entry.head.position, head.position);
    EXPECT_EQ(entry.head.size, head.size);
    EXPECT_EQ(entry.payload, payload);
  }
}

// The round with the zeros behind it.
std::string Written(const JournalFileHeader& file, const Round& round) {
  std::string body;
  for (const auto& [head, payload] : round.entries) {
    std::string bytes(kEntryHeadBytes, '\0');
    EncodeEntryHead(head, bytes.data());
    body += bytes + payload;
  }
  const auto head = EncodeRoundHead(file, round.number, {body});
  std::string written(head.data(), head.size());
  written += body;
  written.resize(static_cast<size_t>(RoundUpToBlock(static_cast<int64_t>(written.size()))));
  return written;
}

TEST(GoldenJournalTest, AtomicAppendIsReadAndWrittenAsItWas) {
  const JournalFileHeader file{level_1::kJournal, JournalSequence{7}};
  Round round = AppendRound(12);
  round.number = RoundNumber{15};
  round.entries.front().first.with_next = true;
  const EntryHead log_start{.kind = EntryKind::kLogStart,
                            .partition = kOrders1,
                            .segment_base = Offset{0},
                            .position = FilePosition{303}};
  round.entries.push_back(ControlRound(15, log_start, 3).entries.front());
  const std::optional<std::string> golden = ParseHex(GoldenFile("atomic_append.txt"));
  ASSERT_TRUE(golden.has_value());
  ExpectRound(DecodeRound(file, *golden), round);
  EXPECT_EQ(Written(file, round), *golden);
}

TEST(GoldenJournalTest, IsReadAsItWasWritten) {
  for (const JournalCase& expected : JournalCases()) {
    SCOPED_TRACE(expected.slot);
    const std::string file = GoldenFile(JournalPath(kLevel1, expected.slot));
    const auto header = DecodeJournalFileHeader(absl::string_view(file).substr(0, kBlock));
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(header->uuid, expected.header.uuid);
    EXPECT_EQ(header->sequence, expected.header.sequence);
    size_t at = kBlock;
    for (const Round& round : expected.rounds) {
      ExpectRound(DecodeRound(*header, absl::string_view(file).substr(at)), round);
      at += kBlock;
    }
  }
}

TEST(GoldenJournalTest, RoundOfAnEarlierUseOfTheFileIsNotTaken) {
  const JournalCase last = JournalCases().back();
  const std::string file = GoldenFile(JournalPath(kLevel1, last.slot));
  const absl::string_view stale = absl::string_view(file).substr(4 * kBlock);
  EXPECT_FALSE(DecodeRound(last.header, stale));
  ExpectRound(DecodeRound({level_1::kJournal, JournalSequence{3}}, stale), AppendRound(6));
}

TEST(GoldenJournalTest, IsWrittenAsItWas) {
  for (const JournalCase& expected : JournalCases()) {
    std::string written = EncodeJournalFileHeader(expected.header);
    for (const Round& round : expected.rounds) written += Written(expected.header, round);
    const std::string file = GoldenFile(JournalPath(kLevel1, expected.slot));
    EXPECT_EQ(written, file.substr(0, written.size())) << expected.slot;
  }
}

// ---- Recovery point and partition states.

struct Epoch {
  int32_t epoch;
  int64_t start;
};

// What the batches of the rounds `produced` leave of the idempotent producer.
PartitionState State(PartitionState state, const std::vector<Epoch>& epochs,
                     const std::vector<uint64_t>& produced = {}) {
  for (const Epoch& epoch : epochs)
    state.epochs.Note(LeaderEpoch{epoch.epoch}, Offset{epoch.start});
  for (const uint64_t round : produced) {
    for (const level_1::Batch& batch : BatchesOf(RoundNumber{round})) {
      const RecordBatchHeader header = DecodeBatchHeader(batch.Bytes().data());
      if (header.has_producer())
        state.producers.Note(header, kStartMs + static_cast<int64_t>(round) * 1000);
    }
  }
  return state;
}

// Of orders/0, orders/1 and old/0 when the first start had ended.
PartitionState Orders0AfterFirst(uint64_t as_of) {
  return State({.as_of = RoundNumber{as_of},
                .log_end = Offset{3},
                .segment_base = Offset{0},
                .position = kSealedEnd},
               {{1, 0}});
}
PartitionState Orders1AfterFirst(uint64_t as_of) {
  return State({.as_of = RoundNumber{as_of}, .log_end = Offset{2}, .position = FilePosition{83}},
               {{1, 0}}, {6});
}
PartitionState Old0AfterFirst(uint64_t as_of) {
  return State({.as_of = RoundNumber{as_of}, .log_end = Offset{1}, .position = FilePosition{73}},
               {{1, 0}});
}
// Of the two checkpoints of the second start.
PartitionState Orders0AfterSecond() {
  return State({.as_of = RoundNumber{9},
                .log_end = Offset{5},
                .segment_base = Offset{3},
                .position = FilePosition{109}},
               {{1, 0}, {2, 3}});
}
PartitionState Orders1AfterSecond(bool first_checkpoint) {
  if (first_checkpoint) {
    return State({.as_of = RoundNumber{9}, .log_end = Offset{3}, .position = FilePosition{157}},
                 {{1, 0}, {2, 2}}, {6, 9});
  }
  return State({.as_of = RoundNumber{10}, .log_end = Offset{4}, .position = FilePosition{230}},
               {{1, 0}, {2, 2}}, {6, 9, 10});
}

std::string Encoded(const PartitionState& state) {
  std::string bytes;
  state.EncodeTo(&bytes);
  return bytes;
}

void ExpectState(const std::string& bytes, const PartitionState& expected) {
  ByteReader in(bytes);
  PartitionState state;
  ASSERT_TRUE(state.DecodeFrom(&in));
  EXPECT_TRUE(in.rest().empty());
  EXPECT_EQ(state.as_of, expected.as_of);
  EXPECT_EQ(state.log_start, expected.log_start);
  EXPECT_EQ(state.log_end, expected.log_end);
  EXPECT_EQ(state.segment_base, expected.segment_base);
  EXPECT_EQ(state.position, expected.position);
  EXPECT_EQ(state.epochs, expected.epochs);
  EXPECT_EQ(state.producers, expected.producers);
}

class GoldenRecoveryPointTest : public ::testing::Test {
 protected:
  static constexpr char kPath[] = "/recovery-point";
  using Changes = std::vector<std::pair<TopicPartition, std::string>>;

  static RecoveryPoint::Position At(uint64_t through, uint64_t oldest_live, bool clean = false) {
    return {.journal = level_1::kJournal,
            .through = RoundNumber{through},
            .oldest_live = JournalSequence{oldest_live},
            .clean = clean};
  }
  RecoveryPoint Load(const std::string& golden) {
    disk_.WriteRaw(kPath, GoldenFile(golden));
    auto point = RecoveryPoint::Load(disk_, kPath);
    EXPECT_TRUE(point.ok()) << point.status();
    return *std::move(point);
  }
  static void ExpectAt(const RecoveryPoint& point, const RecoveryPoint::Position& position) {
    EXPECT_EQ(point.position().journal, position.journal);
    EXPECT_EQ(point.position().through, position.through);
    EXPECT_EQ(point.position().oldest_live, position.oldest_live);
    EXPECT_EQ(point.position().clean, position.clean);
  }
  void Replace(const RecoveryPoint::Position& position, RecoveryPoint::States states) {
    ASSERT_TRUE(point_.Replace(position, std::move(states)).ok());
  }
  void Save(const RecoveryPoint::Position& position, Changes changes) {
    bool sync_failed = false;
    ASSERT_TRUE(point_.Save(position, std::move(changes), &sync_failed).ok());
  }
  std::string Written() const { return disk_.ReadRaw(kPath); }

  SimFileSystem disk_;
  RecoveryPoint point_{disk_, kPath};
};

TEST_F(GoldenRecoveryPointTest, IsReadAsItWasWritten) {
  const RecoveryPoint point = Load("level_1/recovery-point");
  ExpectAt(point, At(10, 5));
  ASSERT_EQ(point.states().size(), 2u) << "old/0 is gone";
  ExpectState(point.states().at(kOrders0), Orders0AfterSecond());
  ExpectState(point.states().at(kOrders1), Orders1AfterSecond(/*first_checkpoint=*/false));
}

TEST_F(GoldenRecoveryPointTest, IsWrittenAsItWas) {
  Replace(At(7, 5), {{kOrders0, Encoded(Orders0AfterFirst(7))},
                     {kOrders1, Encoded(Orders1AfterFirst(7))},
                     {kOld0, Encoded(Old0AfterFirst(7))}});
  Save(At(9, 5), {{kOrders0, Encoded(Orders0AfterSecond())},
                  {kOrders1, Encoded(Orders1AfterSecond(/*first_checkpoint=*/true))}});
  Save(At(10, 5),
       {{kOld0, ""}, {kOrders1, Encoded(Orders1AfterSecond(/*first_checkpoint=*/false))}});
  EXPECT_EQ(Written(), GoldenFile("level_1/recovery-point"));
}

TEST_F(GoldenRecoveryPointTest, OneOfAnOrderlyStopIsReadAsItWasWritten) {
  const RecoveryPoint point = Load("level_1_clean.recovery-point");
  ExpectAt(point, At(6, 3, /*clean=*/true));
  ASSERT_EQ(point.states().size(), 3u);
  ExpectState(point.states().at(kOrders0), Orders0AfterFirst(6));
  ExpectState(point.states().at(kOrders1), Orders1AfterFirst(6));
  ExpectState(point.states().at(kOld0), Old0AfterFirst(6));
}

TEST_F(GoldenRecoveryPointTest, OneOfAnOrderlyStopIsWrittenAsItWas) {
  Replace(At(1, 2), {});
  Save(At(6, 3, /*clean=*/true), {{kOrders0, Encoded(Orders0AfterFirst(6))},
                                  {kOld0, Encoded(Old0AfterFirst(6))},
                                  {kOrders1, Encoded(Orders1AfterFirst(6))}});
  EXPECT_EQ(Written(), GoldenFile("level_1_clean.recovery-point"));
}

// ---- The parts of a state, at their places in the newest one of orders/1.

TEST(GoldenPartitionStateTest, HasEpochHistoryAndProducersBehindItsFortyBytes) {
  const std::string file = GoldenFile("level_1/recovery-point");
  const PartitionState expected = Orders1AfterSecond(/*first_checkpoint=*/false);
  const size_t state_bytes = Encoded(expected).size();
  ByteReader in(absl::string_view(file).substr(file.size() - state_bytes + 40));
  EpochHistory epochs;
  ASSERT_TRUE(epochs.DecodeFrom(&in));
  EXPECT_EQ(epochs.entries(), (std::vector<EpochHistory::Entry>{{LeaderEpoch{1}, Offset{0}},
                                                                {LeaderEpoch{2}, Offset{2}}}));
  const absl::string_view rest = in.rest();
  ProducerState producers;
  ASSERT_TRUE(producers.DecodeFrom(&in));
  EXPECT_TRUE(in.rest().empty());
  EXPECT_EQ(producers, expected.producers);

  std::string written;
  epochs.EncodeTo(&written);
  producers.EncodeTo(&written);
  EXPECT_EQ(written, file.substr(file.size() - state_bytes + 40));
  EXPECT_EQ(rest.size(), 4u + 19 + 3 * 16);
}

}  // namespace
}  // namespace weir
