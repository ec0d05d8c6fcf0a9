// WalCheck: tells the torn end of a RocksDB write-ahead log from damage in the middle of it.
// RocksDB confuses the two both ways: a hole in the last, unfinished write (a later sector of it
// reached the disk and an earlier one did not) fails its checksum and stops the open although
// nothing acknowledged is gone; and a flipped bit in a length, or a zeroed sector, in front of good
// writes ends the log without a word. Pure functions, any thread.
//
// Format: https://github.com/facebook/rocksdb/wiki/Write-Ahead-Log-File-Format. Blocks of 32 KiB
// hold records of crc u32 (masked CRC-32C of type and payload) | length u16 | type u8 | payload,
// little-endian. One write is one kFull record, or kFirst, kMiddle..., kLast.
#ifndef WEIR_STORAGE_META_WAL_CHECK_H_
#define WEIR_STORAGE_META_WAL_CHECK_H_

#include <cstddef>

#include "absl/strings/string_view.h"

namespace weir {

enum class WalState {
  kWhole,    // every record verifies
  kTornEnd,  // from some place on nothing verifies: with synced writes, at most the last write is
             // affected
  kDamaged,  // a good write begins behind a record that does not verify
};

struct WalCheck {
  WalState state;
  size_t verified_bytes;  // up to where every record verifies
};

// `file` is the whole content of one log file.
WalCheck CheckWal(absl::string_view file);

}  // namespace weir

#endif  // WEIR_STORAGE_META_WAL_CHECK_H_
