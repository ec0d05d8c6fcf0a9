// The journal's bytes: what is written is read back, and nothing else is taken for it.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/base/limits.h"
#include "storage/log/journal_format.h"

namespace weir {
namespace {

constexpr JournalFileHeader kFile{.uuid = {0xa0, 0xa1, 0xa2, 0xa3}, .sequence = JournalSequence{7}};
constexpr RoundNumber kRound{1234};

EntryHead Head(EntryKind kind, int32_t partition, size_t size) {
  return {.kind = kind,
          .partition = {TopicId{{1, 2, 3, 4}}, PartitionIndex{partition}},
          .segment_base = Offset{1'000'000'000'000},
          .position = FilePosition{123'456'789},
          .size = static_cast<uint32_t>(size)};
}

// Entry heads and payloads in turn.
class Pieces {
 public:
  Pieces& Add(const EntryHead& head, absl::string_view payload) {
    std::string bytes(kEntryHeadBytes, '\0');
    EncodeEntryHead(head, bytes.data());
    parts_.push_back(std::move(bytes));
    parts_.emplace_back(payload);
    return *this;
  }
  std::vector<absl::string_view> views() const { return {parts_.begin(), parts_.end()}; }
  // The round with its head, without padding.
  std::string Round(const JournalFileHeader& file = kFile, RoundNumber number = kRound) const {
    const auto head = EncodeRoundHead(file, number, views());
    std::string bytes(head.data(), head.size());
    for (const std::string& part : parts_) bytes += part;
    return bytes;
  }

 private:
  std::vector<std::string> parts_;
};

Pieces SomePieces() {
  return Pieces()
      .Add(Head(EntryKind::kAppend, 0, 5), "batch")
      .Add(Head(EntryKind::kTruncate, INT32_MAX, 8), "truncate")
      .Add(Head(EntryKind::kLogStart, 2, 0), "");
}

TEST(JournalFileHeaderTest, ComesBackFromItsBlock) {
  const std::string block = EncodeJournalFileHeader(kFile);
  EXPECT_EQ(block.size(), static_cast<size_t>(limits::kJournalBlock));
  const auto header = DecodeJournalFileHeader(block);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(header->uuid, kFile.uuid);
  EXPECT_EQ(header->sequence, kFile.sequence);
}

TEST(JournalFileHeaderTest, WithTheFilesSizeItIsOfVersion2) {
  JournalFileHeader header = kFile;
  header.file_bytes = 64 * limits::kMiB;
  const std::string block = EncodeJournalFileHeader(header);
  EXPECT_EQ(block.substr(0, 12), std::string("WEIRJRNL\2\0\0\0", 12));
  EXPECT_EQ(block.substr(36, 8), std::string("\0\0\0\4\0\0\0\0", 8));
  EXPECT_EQ(LoadLittle<uint32_t>(block.data() + 44), Crc32c(block.substr(0, 44)));
  const auto decoded = DecodeJournalFileHeader(block);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->uuid, kFile.uuid);
  EXPECT_EQ(decoded->sequence, kFile.sequence);
  EXPECT_EQ(decoded->file_bytes, header.file_bytes);
  for (size_t bit = 0; bit < 48 * 8; ++bit) {
    std::string damaged = block;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(DecodeJournalFileHeader(damaged)) << "bit " << bit;
  }
  EXPECT_FALSE(DecodeJournalFileHeader(block.substr(0, 47)));
}

TEST(JournalFileHeaderTest, EveryBitFlipIsNoticed) {
  const std::string block = EncodeJournalFileHeader(kFile);
  for (size_t bit = 0; bit < 40 * 8; ++bit) {
    std::string damaged = block;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(DecodeJournalFileHeader(damaged)) << "bit " << bit;
  }
}

TEST(JournalFileHeaderTest, NoFileThatWasNeverWrittenHasOne) {
  EXPECT_FALSE(DecodeJournalFileHeader(""));
  EXPECT_FALSE(DecodeJournalFileHeader(std::string(4096, '\0')));
  EXPECT_FALSE(DecodeJournalFileHeader(EncodeJournalFileHeader(kFile).substr(0, 39)));
  EXPECT_TRUE(DecodeJournalFileHeader(EncodeJournalFileHeader(kFile).substr(0, 40)));
}

TEST(JournalRoundTest, ComesBackFromItsBytes) {
  const std::string bytes = SomePieces().Round() + std::string(100, '\x55');  // a file goes on
  const auto round = DecodeRound(kFile, bytes);
  ASSERT_TRUE(round.has_value());
  EXPECT_EQ(round->number, kRound);
  EXPECT_EQ(round->size, static_cast<int64_t>(bytes.size()) - 100);
  ASSERT_EQ(round->entries.size(), 3u);
  EXPECT_EQ(round->entries[0].head.kind, EntryKind::kAppend);
  EXPECT_EQ(round->entries[0].head.partition, Head(EntryKind::kAppend, 0, 0).partition);
  EXPECT_EQ(round->entries[0].head.segment_base, Offset{1'000'000'000'000});
  EXPECT_EQ(round->entries[0].head.position, FilePosition{123'456'789});
  EXPECT_EQ(round->entries[0].payload, "batch");
  EXPECT_EQ(round->entries[1].head.kind, EntryKind::kTruncate);
  EXPECT_EQ(round->entries[1].head.partition.partition, PartitionIndex{INT32_MAX});
  EXPECT_EQ(round->entries[1].payload, "truncate");
  EXPECT_EQ(round->entries[2].head.kind, EntryKind::kLogStart);
  EXPECT_EQ(round->entries[2].payload, "");
}

TEST(JournalRoundTest, EntriesSayWhichOfThemBelongTogether) {
  EntryHead first = Head(EntryKind::kAppend, 0, 1);
  first.with_next = true;
  EntryHead second = Head(EntryKind{9}, 0, 1);
  second.with_next = true;
  const std::string bytes =
      Pieces().Add(first, "a").Add(second, "b").Add(Head(EntryKind::kLogStart, 0, 1), "c").Round();
  const auto round = DecodeRound(kFile, bytes);
  ASSERT_TRUE(round.has_value());
  ASSERT_EQ(round->entries.size(), 3u);
  EXPECT_TRUE(round->entries[0].head.with_next);
  EXPECT_EQ(round->entries[0].head.kind, EntryKind::kAppend);
  EXPECT_TRUE(round->entries[1].head.with_next);
  EXPECT_EQ(round->entries[1].head.kind, EntryKind{9});
  EXPECT_FALSE(round->entries[2].head.with_next);
}

TEST(JournalRoundTest, IsTheSameHoweverItsBytesAreCut) {
  const std::string whole = SomePieces().Round().substr(kRoundHeadBytes);
  std::vector<absl::string_view> single_bytes;
  for (const char& byte : whole) single_bytes.emplace_back(&byte, 1);
  EXPECT_EQ(EncodeRoundHead(kFile, kRound, single_bytes),
            EncodeRoundHead(kFile, kRound, SomePieces().views()));
}

TEST(JournalRoundTest, EveryBitFlipIsNoticed) {
  // Zeros behind it, so that a longer length finds bytes.
  const std::string bytes = SomePieces().Round() + std::string(4096, '\0');
  const size_t size = SomePieces().Round().size();
  for (size_t bit = 0; bit < size * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(DecodeRound(kFile, damaged)) << "bit " << bit;
  }
}

TEST(JournalRoundTest, CutOneIsNoRound) {
  const std::string bytes = SomePieces().Round();
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(DecodeRound(kFile, absl::string_view(bytes).substr(0, size))) << size;
}

TEST(JournalRoundTest, OfAnotherUseOfTheFileNeverVerifies) {
  const std::string bytes = SomePieces().Round();
  EXPECT_TRUE(DecodeRound(kFile, bytes));
  for (const uint64_t sequence : {uint64_t{0}, uint64_t{6}, uint64_t{8}, uint64_t{7} << 32}) {
    EXPECT_FALSE(DecodeRound({.uuid = kFile.uuid, .sequence = JournalSequence{sequence}}, bytes))
        << sequence;
  }
  JournalFileHeader other = kFile;
  other.uuid[15] ^= 1;
  EXPECT_FALSE(DecodeRound(other, bytes));
}

TEST(JournalRoundTest, UnderAnotherNumberNeverVerifies) {
  for (const uint64_t number : {uint64_t{0}, kRound.value() - 1, kRound.value() + 1, UINT64_MAX}) {
    std::string bytes = SomePieces().Round();
    StoreLittle(bytes.data() + 8, number);
    EXPECT_FALSE(DecodeRound(kFile, bytes)) << number;
  }
}

TEST(JournalRoundTest, LyingLengthIsNotBelieved) {
  const std::string bytes = SomePieces().Round() + std::string(4096, '\0');
  for (const uint32_t length : {0u, 1u, 15u, 16u, 17u, 4096u, static_cast<uint32_t>(bytes.size()),
                                static_cast<uint32_t>(bytes.size()) + 1, 0x7fffffffu, ~0u}) {
    std::string lying = bytes;
    StoreLittle(lying.data(), length);
    EXPECT_FALSE(DecodeRound(kFile, lying)) << length;
  }
}

TEST(JournalRoundTest, WithoutEntriesIsNone) {
  const auto head = EncodeRoundHead(kFile, kRound, {});
  EXPECT_FALSE(DecodeRound(kFile, std::string(head.data(), head.size()) + std::string(100, '\0')));
}

TEST(JournalRoundTest, EntryThatClaimsMoreThanTheRoundHoldsIsRefusedThoughTheCrcIsRight) {
  for (const uint32_t claimed : {6u, 100u, ~0u}) {
    const Pieces lying = Pieces().Add(Head(EntryKind::kAppend, 0, claimed), "batch");
    EXPECT_FALSE(DecodeRound(kFile, lying.Round() + std::string(200, '\0'))) << claimed;
  }
  const Pieces half_a_head = Pieces().Add(Head(EntryKind::kAppend, 0, 0), std::string(40, '\1'));
  EXPECT_FALSE(DecodeRound(kFile, half_a_head.Round()));
}

TEST(JournalRoundTest, EntryOfAKindFromTheFutureIsHandedOn) {
  const auto round = DecodeRound(kFile, Pieces().Add(Head(EntryKind{9}, 0, 3), "new").Round());
  ASSERT_TRUE(round.has_value());
  EXPECT_EQ(round->entries[0].head.kind, EntryKind{9});
}

TEST(JournalRoundTest, TakesWholeBlocks) {
  EXPECT_EQ(RoundUpToBlock(1), 4096);
  EXPECT_EQ(RoundUpToBlock(4096), 4096);
  EXPECT_EQ(RoundUpToBlock(4097), 8192);
}

}  // namespace
}  // namespace weir
