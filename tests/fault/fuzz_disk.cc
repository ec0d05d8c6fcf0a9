#include "tests/fault/fuzz_disk.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/crc32c.h"
#include "storage/base/limits.h"
#include "storage/log/journal_format.h"
#include "storage/record/record_batch.h"

namespace weir {
namespace {

constexpr size_t kBlock = limits::kJournalBlock;
constexpr uint16_t kLengthBits = 0x1fff;
constexpr uint16_t kZeros = 0x4000;
constexpr uint16_t kPadded = 0x8000;
constexpr size_t kMostPieces = 64;
constexpr size_t kShortestRun = 64;  // of zeros that are worth a piece

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
  const size_t pieces = static_cast<uint8_t>(take(1)[0]) % kMostPieces + 1;
  for (size_t i = 0; i < pieces && input->size() >= 2; ++i) {
    const uint16_t head = LoadLittle<uint16_t>(take(2).data());
    const size_t length = head & kLengthBits;
    if ((head & kZeros) != 0) {
      file.append(length, '\0');
    } else {
      const absl::string_view bytes = take(length);
      file.append(bytes.data(), bytes.size());
    }
    if ((head & kPadded) != 0) file.resize((file.size() + kBlock - 1) / kBlock * kBlock, '\0');
  }
  return file;
}

std::string ToFuzzFile(absl::string_view file) {
  const std::string run(kShortestRun, '\0');
  std::string pieces;
  size_t count = 0;
  for (size_t at = 0; at < file.size(); ++count) {
    absl::string_view bytes = file.substr(at, file.find(run, at) - at).substr(0, kLengthBits);
    at += bytes.size();
    const size_t zeros = std::min(file.find_first_not_of('\0', at), file.size()) - at;
    const size_t to_block = (kBlock - at % kBlock) % kBlock;
    size_t head = bytes.size();
    if (bytes.empty()) {
      head = kZeros | std::min<size_t>(zeros, kLengthBits);
      at += head & kLengthBits;
    } else if (zeros >= to_block) {
      head |= kPadded;
      at += to_block;
    }
    AppendLittle(&pieces, static_cast<uint16_t>(head));
    pieces.append(bytes.data(), bytes.size());
  }
  if (count == 0) {
    AppendLittle<uint16_t>(&pieces, 0);
    ++count;
  }
  WEIR_CHECK(count <= kMostPieces);
  pieces.insert(pieces.begin(), static_cast<char>(count - 1));
  return pieces;
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
