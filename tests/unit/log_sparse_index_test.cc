// Where in a segment an offset or a time is found, and what an index file is worth.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "storage/base/bytes.h"
#include "storage/base/limits.h"
#include "storage/log/sparse_index.h"

namespace weir {
namespace {

constexpr Offset kBase{5'000'000'000};  // beyond 32 bits: entries hold the distance to it

bool operator==(const SparseIndex::Place& a, const SparseIndex::Place& b) {
  return a.position == b.position && a.offset == b.offset;
}
std::ostream& operator<<(std::ostream& out, const SparseIndex::Place& place) {
  return out << "byte " << place.position << " offset " << place.offset;
}

SparseIndex::Place At(int64_t position, int64_t offset) {
  return {FilePosition{position}, kBase + offset};
}

// A segment of batches of 1,500 bytes and 10 records each, so that every third begins an entry:
// at bytes 4500, 9000, 13500 ...; the newest timestamp of batch i is 1000 * i.
class SparseIndexTest : public ::testing::Test {
 protected:
  static constexpr int64_t kBatchBytes = 1500;

  static RecordBatchHeader Batch(int i) { return Batch(i, 1000 * i); }
  static RecordBatchHeader Batch(int i, int64_t timestamp_ms) {
    return {.base_offset = kBase + i * 10,
            .batch_length = kBatchBytes - 12,
            .last_offset_delta = 9,
            .max_timestamp_ms = timestamp_ms,
            .record_count = 10};
  }
  static SparseIndex Index(int batches) {
    SparseIndex index(kBase);
    for (int i = 0; i < batches; ++i) index.Add(Batch(i), FilePosition{i * kBatchBytes});
    return index;
  }
  static SparseIndex Sealed(int batches) {
    SparseIndex index = Index(batches);
    index.SetSeal({.end = End(batches),
                   .next_offset = kBase + batches * 10,
                   .max_timestamp_ms = index.max_timestamp_ms(),
                   .append_time_ms = 777});
    return index;
  }
  static FilePosition End(int batches) { return FilePosition{batches * kBatchBytes}; }
  static std::string Encoded(const SparseIndex& index, size_t first = 0) {
    std::string bytes;
    index.EncodeTo(first, &bytes);
    return bytes;
  }
};

TEST_F(SparseIndexTest, EmptyOneSendsEveryoneToTheStart) {
  const SparseIndex index(kBase);
  EXPECT_EQ(index.Floor(kBase + 100), At(0, 0));
  EXPECT_EQ(index.FloorByTime(100), At(0, 0));
  EXPECT_EQ(index.last_place(), At(0, 0));
  EXPECT_EQ(index.entry_count(), 0u);
}

TEST_F(SparseIndexTest, OneEntryForEachIntervalOfLog) {
  EXPECT_EQ(Index(3).entry_count(), 0u);
  EXPECT_EQ(Index(4).entry_count(), 1u);
  EXPECT_EQ(Index(6).entry_count(), 1u);
  EXPECT_EQ(Index(7).entry_count(), 2u);
  SparseIndex large(kBase);
  for (int i = 0; i < 4; ++i) large.Add(Batch(i), FilePosition{i * int64_t{1'000'000}});
  EXPECT_EQ(large.entry_count(), 3u) << "every large batch but the first, which needs none";
}

TEST_F(SparseIndexTest, FloorIsTheLastIndexedBatchAtOrBelowTheOffset) {
  const SparseIndex index = Index(8);
  EXPECT_EQ(index.Floor(kBase - 1), At(0, 0));
  EXPECT_EQ(index.Floor(kBase), At(0, 0));
  EXPECT_EQ(index.Floor(kBase + 29), At(0, 0));
  EXPECT_EQ(index.Floor(kBase + 30), At(4500, 30)) << "the indexed batch's own first offset";
  EXPECT_EQ(index.Floor(kBase + 59), At(4500, 30));
  EXPECT_EQ(index.Floor(kBase + 60), At(9000, 60));
  EXPECT_EQ(index.Floor(kBase + 1'000'000), At(9000, 60));
  EXPECT_EQ(index.last_place(), At(9000, 60));
}

TEST_F(SparseIndexTest, FloorByTimeIsTheLastEntryBeforeWhichEverythingIsOlder) {
  const SparseIndex index = Index(8);  // before batch 3: up to 2000; before batch 6: up to 5000
  EXPECT_EQ(index.FloorByTime(INT64_MIN), At(0, 0));
  EXPECT_EQ(index.FloorByTime(2000), At(0, 0)) << "batch 2 has it";
  EXPECT_EQ(index.FloorByTime(2001), At(4500, 30));
  EXPECT_EQ(index.FloorByTime(5000), At(4500, 30));
  EXPECT_EQ(index.FloorByTime(5001), At(9000, 60));
  EXPECT_EQ(index.FloorByTime(INT64_MAX), At(9000, 60));
}

TEST_F(SparseIndexTest, TimesThatGoBackNeverHideAnOlderRecord) {
  SparseIndex index(kBase);
  const std::vector<int64_t> times = {9000, 1, 2, 3, 4, 5, 6, 9001, 7, 8};
  for (size_t i = 0; i < times.size(); ++i)
    index.Add(Batch(static_cast<int>(i), times[i]), FilePosition{static_cast<int64_t>(i) * 1500});
  EXPECT_EQ(index.FloorByTime(5), At(0, 0)) << "batch 0 holds something as new as that";
  EXPECT_EQ(index.FloorByTime(9000), At(0, 0));
  EXPECT_EQ(index.FloorByTime(9001), At(9000, 60)) << "all before batch 6 is older";
  EXPECT_EQ(index.max_timestamp_ms(), 9001);
}

TEST_F(SparseIndexTest, ComesBackFromItsBytes) {
  const SparseIndex sealed = Sealed(20);
  const SparseIndex back = SparseIndex::Decode(kBase, Encoded(sealed), End(20));
  EXPECT_EQ(back.entry_count(), sealed.entry_count());
  EXPECT_EQ(back.seal(), sealed.seal());
  EXPECT_EQ(back.seal()->append_time_ms, 777);
  EXPECT_EQ(back.max_timestamp_ms(), 19'000);
  for (int64_t offset = 0; offset < 200; ++offset)
    EXPECT_EQ(back.Floor(kBase + offset), sealed.Floor(kBase + offset)) << offset;
  for (int64_t time = 0; time < 20'000; time += 500)
    EXPECT_EQ(back.FloorByTime(time), sealed.FloorByTime(time)) << time;
}

TEST_F(SparseIndexTest, ChunksAreAddedAsTheSegmentGrows) {
  std::string file;
  Index(10).EncodeTo(0, &file);
  Index(20).EncodeTo(Index(10).entry_count(), &file);
  Sealed(30).EncodeTo(Index(20).entry_count(), &file);
  const SparseIndex back = SparseIndex::Decode(kBase, file, End(30));
  EXPECT_EQ(back.entry_count(), Index(30).entry_count());
  EXPECT_TRUE(back.seal().has_value());
}

TEST_F(SparseIndexTest, ActiveSegmentGoesOnBehindWhatWasSaved) {
  SparseIndex back = SparseIndex::Decode(kBase, Encoded(Index(10)), End(14));
  EXPECT_EQ(back.last_place(), At(13'500, 90));
  for (int i = 9; i < 14; ++i) back.Add(Batch(i), FilePosition{i * kBatchBytes});
  EXPECT_EQ(Encoded(back), Encoded(Index(14)));
  EXPECT_EQ(back.max_timestamp_ms(), 13'000);
}

TEST_F(SparseIndexTest, NothingNewMakesNoChunk) {
  EXPECT_EQ(Encoded(Index(2)), "");
  EXPECT_EQ(Encoded(Index(10), Index(10).entry_count()), "");
}

TEST_F(SparseIndexTest, EveryBitFlipEndsTheIndexThere) {
  std::string file;
  Index(10).EncodeTo(0, &file);
  const size_t first_chunk = file.size();
  Sealed(20).EncodeTo(Index(10).entry_count(), &file);
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string damaged = file;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const SparseIndex back = SparseIndex::Decode(kBase, damaged, End(20));
    EXPECT_FALSE(back.seal().has_value()) << "bit " << bit;
    EXPECT_LT(back.entry_count(), Index(20).entry_count() + (bit / 8 < first_chunk ? 0 : 1));
    if (bit / 8 < first_chunk) EXPECT_EQ(back.entry_count(), 0u) << "bit " << bit;
    // What is left is right.
    EXPECT_EQ(back.Floor(kBase + 35), back.entry_count() == 0 ? At(0, 0) : At(4500, 30));
  }
}

TEST_F(SparseIndexTest, CutFileGivesWhatVerifies) {
  std::string file;
  Index(10).EncodeTo(0, &file);
  const size_t first_chunk = file.size();
  Sealed(20).EncodeTo(Index(10).entry_count(), &file);
  for (size_t size = 0; size < file.size(); ++size) {
    const SparseIndex back =
        SparseIndex::Decode(kBase, absl::string_view(file).substr(0, size), End(20));
    EXPECT_FALSE(back.seal().has_value()) << size;
    if (size < first_chunk) EXPECT_EQ(back.entry_count(), 0u) << size;
  }
}

TEST_F(SparseIndexTest, IndexOfAnotherSegmentIsRefused) {
  const SparseIndex back = SparseIndex::Decode(kBase + 1, Encoded(Sealed(20)), End(20));
  EXPECT_EQ(back.entry_count(), 0u);
  EXPECT_FALSE(back.seal().has_value());
}

TEST_F(SparseIndexTest, NothingBeyondTheSegmentsEndIsTaken) {
  const std::string file = Encoded(Sealed(20));
  const SparseIndex shorter = SparseIndex::Decode(kBase, file, FilePosition{9000});
  EXPECT_EQ(shorter.last_place(), At(4500, 30)) << "the batch at byte 9000 is not there";
  EXPECT_FALSE(shorter.seal().has_value());
  EXPECT_EQ(SparseIndex::Decode(kBase, file, FilePosition{0}).entry_count(), 0u);
}

TEST_F(SparseIndexTest, SealOfAnotherEndIsNotTaken) {
  const SparseIndex longer = SparseIndex::Decode(kBase, Encoded(Sealed(20)), End(21));
  EXPECT_FALSE(longer.seal().has_value()) << "something was appended behind it";
  EXPECT_EQ(longer.entry_count(), Index(20).entry_count());
}

TEST_F(SparseIndexTest, TruncationForgetsTheSealAndWhatLiesAbove) {
  SparseIndex index = Sealed(20);
  EXPECT_FALSE(index.TruncateTo(End(20)));
  EXPECT_TRUE(index.seal().has_value());
  EXPECT_TRUE(index.TruncateTo(FilePosition{9001}));
  EXPECT_FALSE(index.seal().has_value());
  EXPECT_EQ(index.last_place(), At(9000, 60));
  EXPECT_TRUE(index.TruncateTo(FilePosition{9000}));
  EXPECT_EQ(index.last_place(), At(4500, 30));
  EXPECT_TRUE(index.TruncateTo(FilePosition{0}));
  EXPECT_EQ(index.entry_count(), 0u);
  EXPECT_FALSE(index.TruncateTo(FilePosition{0})) << "nothing was left";
}

TEST_F(SparseIndexTest, GrowsOnAfterATruncation) {
  SparseIndex index = Index(20);
  index.TruncateTo(End(7));
  EXPECT_EQ(index.last_place(), At(9000, 60)) << "the batches from here on are told again";
  for (int i = 6; i < 20; ++i) index.Add(Batch(i), FilePosition{i * kBatchBytes});
  EXPECT_EQ(Encoded(index), Encoded(Index(20)));
}

TEST_F(SparseIndexTest, EntriesThatDoNotAscendEndTheIndex) {
  // Two chunks that verify, but the second lies before the first.
  const std::string file = Encoded(Index(20), 3) + Encoded(Index(20));
  const SparseIndex back = SparseIndex::Decode(kBase, file, End(20));
  EXPECT_EQ(back.entry_count(), Index(20).entry_count() - 3);
}

TEST_F(SparseIndexTest, MemoryFollowsTheEntries) {
  EXPECT_GE(Index(2000).memory_bytes(), Index(2000).entry_count() * 16);
}

}  // namespace
}  // namespace weir
