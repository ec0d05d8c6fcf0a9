#include "tests/fault/fuzz_disk.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/crc32c.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"

namespace weir {
namespace {

constexpr size_t kBlock = limits::kJournalBlock;
constexpr uint16_t kLengthBits = 0x1fff;
constexpr uint16_t kPadded = 0x8000;
constexpr size_t kMostBlocks = 32;

void SealBatch(std::string* file, size_t at, size_t size) {
  if (size < kBatchHeaderBytes) return;
  char* const batch = file->data() + at;
  weir::SealBatch(DecodeBatchHeader(batch), batch, size);
}

// The round at `at`, if its length can be believed, and the batches in it.
void SealRound(const JournalFileHeader& header, size_t at, std::string* file) {
  const uint32_t length = LoadLittle<uint32_t>(file->data() + at);
  if (length <= kRoundHeadBytes || length > file->size() - at) return;
  const RoundNumber number{LoadLittle<uint64_t>(file->data() + at + 8)};
  const auto seal = [&] {
    const absl::string_view body =
        absl::string_view(*file).substr(at + kRoundHeadBytes, length - kRoundHeadBytes);
    const auto head = EncodeRoundHead(header, number, {body});
    file->replace(at, head.size(), head.data(), head.size());
  };
  seal();
  const auto round = DecodeRound(header, absl::string_view(*file).substr(at));
  if (!round) return;
  for (const JournalEntry& entry : round->entries) {
    if (entry.head.kind != EntryKind::kAppend) continue;
    SealBatch(file, static_cast<size_t>(entry.payload.data() - file->data()), entry.payload.size());
  }
  seal();
}

}  // namespace

std::string FuzzFile(absl::string_view* input) {
  const auto take = [&](size_t n) {
    const absl::string_view bytes = input->substr(0, n);
    input->remove_prefix(bytes.size());
    return bytes;
  };
  std::string file;
  if (input->empty()) return file;
  const size_t blocks = static_cast<uint8_t>(take(1)[0]) % kMostBlocks + 1;
  for (size_t i = 0; i < blocks && input->size() >= 2; ++i) {
    const uint16_t length = LoadLittle<uint16_t>(take(2).data());
    const absl::string_view bytes = take(std::min<size_t>(length & kLengthBits, kBlock));
    file.append(bytes.data(), bytes.size());
    if ((length & kPadded) != 0) file.append(kBlock - bytes.size(), '\0');
  }
  return file;
}

std::string ToFuzzFile(absl::string_view file) {
  const size_t blocks = std::max<size_t>((file.size() + kBlock - 1) / kBlock, 1);
  WEIR_CHECK(blocks <= kMostBlocks);
  std::string input(1, static_cast<char>(blocks - 1));
  for (size_t i = 0; i < blocks; ++i) {
    absl::string_view block = file.substr(i * kBlock, kBlock);
    const bool whole = block.size() == kBlock;
    while (whole && !block.empty() && block.back() == '\0') block.remove_suffix(1);
    AppendLittle(&input, static_cast<uint16_t>(block.size() | (whole ? kPadded : 0)));
    input.append(block.data(), block.size());
  }
  return input;
}

void SealJournal(std::string* file) {
  constexpr size_t kCrcAt = 36;
  if (file->size() < kCrcAt + 4) return;
  StoreLittle(file->data() + kCrcAt, Crc32c(absl::string_view(*file).substr(0, kCrcAt)));
  const auto header = DecodeJournalFileHeader(*file);
  if (!header) return;
  // From the end: a round may lie over what looks like one.
  for (size_t block = file->size() / kBlock; block > 0; --block) {
    if (block * kBlock + kRoundHeadBytes <= file->size()) SealRound(*header, block * kBlock, file);
  }
}

void SealRecoveryPoint(std::string* file) {
  constexpr size_t kHead = 16;
  for (size_t at = 0; file->size() - at >= kHead;) {
    const uint64_t length = LoadLittle<uint64_t>(file->data() + at + 8);
    if (length > file->size() - at - kHead) return;
    StoreLittle(file->data() + at + 4, Crc32c(absl::string_view(*file).substr(at + 8, 8 + length)));
    at += kHead + length;
  }
}

void SealSegment(std::string* file) {
  for (size_t at = 0; file->size() - at >= kBatchHeaderBytes;) {
    const int64_t size = DecodeBatchHeader(file->data() + at).size_bytes();
    if (size < int64_t{kBatchHeaderBytes} || size > static_cast<int64_t>(file->size() - at)) return;
    SealBatch(file, at, static_cast<size_t>(size));
    at += static_cast<size_t>(size);
  }
}

void SealIndex(Offset base, std::string* file) {
  constexpr size_t kHead = 9;
  std::string seed;
  AppendLittle(&seed, base.value());
  for (size_t at = 0; file->size() - at >= kHead;) {
    const auto kind = static_cast<uint8_t>((*file)[at + 4]);
    const uint64_t count = LoadLittle<uint32_t>(file->data() + at + 5);
    const uint64_t body = kind == 1 ? count * 16 : 32;
    if (body > file->size() - at - kHead) return;
    const absl::string_view covered = absl::string_view(*file).substr(at + 4, kHead - 4 + body);
    StoreLittle(file->data() + at, Crc32c(covered, Crc32c(seed)));
    at += kHead + body;
  }
}

}  // namespace weir
