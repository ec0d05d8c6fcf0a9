#include "storage/meta/wal_check.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"

namespace weir {
namespace {

constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kHeaderBytes = 7;
constexpr size_t kTypePosition = 6;
constexpr char kFull = 1;
constexpr char kFirst = 2;
constexpr char kLast = 4;

// RocksDB stores CRCs rotated and shifted, so that a CRC over bytes that hold CRCs stays a good
// one.
uint32_t Masked(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8U; }

// What is left of the block that holds `position`. A record never crosses the end of a block.
absl::string_view BlockRest(absl::string_view file, size_t position) {
  return file.substr(position, kBlockBytes - position % kBlockBytes);
}

// The size of the record at the start of `block_rest`; nothing when it does not verify.
std::optional<size_t> VerifiedRecordBytes(absl::string_view block_rest) {
  if (block_rest.size() < kHeaderBytes) return std::nullopt;
  const char type = block_rest[kTypePosition];
  const size_t length = LoadLittle<uint16_t>(block_rest.data() + 4);
  if (type < kFull || type > kLast || length > block_rest.size() - kHeaderBytes)
    return std::nullopt;
  const uint32_t crc = Crc32c(block_rest.substr(kTypePosition, 1 + length));
  if (Masked(crc) != LoadLittle<uint32_t>(block_rest.data())) return std::nullopt;
  return kHeaderBytes + length;
}

// Where the first record that does not verify begins; the file's size when all do.
size_t VerifiedBytes(absl::string_view file) {
  size_t position = 0;
  while (position < file.size()) {
    const size_t left_in_block = kBlockBytes - position % kBlockBytes;
    if (left_in_block < kHeaderBytes) {
      position += left_in_block;  // too short for a record: filled with zeros
    } else if (const auto size = VerifiedRecordBytes(BlockRest(file, position))) {
      position += *size;
    } else {
      return position;
    }
  }
  return file.size();
}

// Lengths cannot be trusted behind damage, so every byte may be where a write begins.
bool WriteBeginsAtOrBehind(absl::string_view file, size_t position) {
  for (; position < file.size(); ++position) {
    const absl::string_view rest = BlockRest(file, position);
    if (rest.size() < kHeaderBytes) continue;
    const char type = rest[kTypePosition];
    if ((type == kFull || type == kFirst) && VerifiedRecordBytes(rest)) return true;
  }
  return false;
}

}  // namespace

WalCheck CheckWal(absl::string_view file) {
  const size_t verified = VerifiedBytes(file);
  if (verified == file.size()) return {WalState::kWhole, verified};
  return {WriteBeginsAtOrBehind(file, verified + 1) ? WalState::kDamaged : WalState::kTornEnd,
          verified};
}

}  // namespace weir
