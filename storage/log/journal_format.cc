#include "storage/log/journal_format.h"

#include <cstring>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr absl::string_view kMagic = "WEIRJRNL";
constexpr size_t kVersion1Bytes = 8 + 4 + 16 + 8;      // magic, version, uuid, sequence; then CRC
constexpr size_t kVersion2Bytes = kVersion1Bytes + 8;  // and the file's size; then CRC
constexpr uint8_t kWithNext = 0x80;

// What a round's CRC covers before the round's own bytes.
uint32_t RoundSeed(const JournalFileHeader& file, uint32_t length, RoundNumber round) {
  char seed[36];
  std::memcpy(seed, file.uuid.data(), 16);
  StoreLittle(seed + 16, file.sequence.value());
  StoreLittle(seed + 24, length);
  StoreLittle(seed + 28, round.value());
  return Crc32c(absl::string_view(seed, sizeof(seed)));
}

bool DecodeEntries(absl::string_view body, std::vector<JournalEntry>* entries) {
  ByteReader in(body);
  while (!in.rest().empty()) {
    JournalEntry entry;
    const uint8_t kind = in.Read<uint8_t>();
    entry.head.kind = static_cast<EntryKind>(kind & ~kWithNext);
    entry.head.with_next = (kind & kWithNext) != 0;
    const absl::string_view topic = in.ReadBytes(16);
    if (!in.ok()) return false;
    std::memcpy(entry.head.partition.topic.bytes.data(), topic.data(), 16);
    entry.head.partition.partition = PartitionIndex{in.Read<int32_t>()};
    entry.head.segment_base = Offset{in.Read<int64_t>()};
    entry.head.position = FilePosition{in.Read<int64_t>()};
    entry.head.size = in.Read<uint32_t>();
    entry.payload = in.ReadBytes(entry.head.size);
    if (!in.ok()) return false;
    entries->push_back(entry);
  }
  return true;
}

}  // namespace

std::string EncodeJournalFileHeader(const JournalFileHeader& header) {
  std::string block(kMagic);
  AppendLittle(&block, uint32_t{header.file_bytes == 0 ? 1u : 2u});
  block.append(reinterpret_cast<const char*>(header.uuid.data()), header.uuid.size());
  AppendLittle(&block, header.sequence.value());
  if (header.file_bytes != 0) AppendLittle(&block, header.file_bytes);
  AppendLittle(&block, Crc32c(block));
  block.resize(limits::kJournalBlock, '\0');
  return block;
}

std::optional<JournalFileHeader> DecodeJournalFileHeader(absl::string_view block) {
  if (block.size() < kVersion1Bytes + 4 || block.substr(0, kMagic.size()) != kMagic)
    return std::nullopt;
  const auto version = LoadLittle<uint32_t>(block.data() + 8);
  if (version != 1 && version != 2) return std::nullopt;
  const size_t bytes = version == 1 ? kVersion1Bytes : kVersion2Bytes;
  if (block.size() < bytes + 4 ||
      LoadLittle<uint32_t>(block.data() + bytes) != Crc32c(block.substr(0, bytes)))
    return std::nullopt;
  JournalFileHeader header;
  std::memcpy(header.uuid.data(), block.data() + 12, 16);
  header.sequence = JournalSequence{LoadLittle<uint64_t>(block.data() + 28)};
  if (version == 2) header.file_bytes = LoadLittle<int64_t>(block.data() + kVersion1Bytes);
  return header;
}

void EncodeEntryHead(const EntryHead& head, char* to) {
  to[0] = static_cast<char>(static_cast<uint8_t>(head.kind) | (head.with_next ? kWithNext : 0));
  std::memcpy(to + 1, head.partition.topic.bytes.data(), 16);
  StoreLittle(to + 17, head.partition.partition.value());
  StoreLittle(to + 21, head.segment_base.value());
  StoreLittle(to + 29, head.position.value());
  StoreLittle(to + 37, head.size);
}

std::array<char, kRoundHeadBytes> EncodeRoundHead(const JournalFileHeader& file, RoundNumber round,
                                                  absl::Span<const absl::string_view> pieces) {
  uint32_t length = kRoundHeadBytes;
  for (const absl::string_view piece : pieces) length += static_cast<uint32_t>(piece.size());
  uint32_t crc = RoundSeed(file, length, round);
  for (const absl::string_view piece : pieces) crc = Crc32c(piece, crc);
  std::array<char, kRoundHeadBytes> head;
  StoreLittle(head.data(), length);
  StoreLittle(head.data() + 4, crc);
  StoreLittle(head.data() + 8, round.value());
  return head;
}

std::optional<JournalRound> DecodeRound(const JournalFileHeader& file, absl::string_view bytes) {
  if (bytes.size() < kRoundHeadBytes) return std::nullopt;
  const uint32_t length = LoadLittle<uint32_t>(bytes.data());
  const uint32_t crc = LoadLittle<uint32_t>(bytes.data() + 4);
  JournalRound round{
      .number = RoundNumber{LoadLittle<uint64_t>(bytes.data() + 8)}, .entries = {}, .size = length};
  if (length <= kRoundHeadBytes || length > bytes.size()) return std::nullopt;
  const absl::string_view body = bytes.substr(kRoundHeadBytes, length - kRoundHeadBytes);
  if (Crc32c(body, RoundSeed(file, length, round.number)) != crc) return std::nullopt;
  if (!DecodeEntries(body, &round.entries)) return std::nullopt;
  return round;
}

int64_t RoundUpToBlock(int64_t n) {
  return (n + limits::kJournalBlock - 1) / limits::kJournalBlock * limits::kJournalBlock;
}

}  // namespace weir
