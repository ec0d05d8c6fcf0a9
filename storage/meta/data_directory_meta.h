// weir.meta: what a data directory says about itself: the level of its format, which broker it is,
// and how often it was started. The first file that a start reads, and the one that tells a new
// directory from one that lost something. Pure functions, any thread.
//
// 64 bytes, little-endian: "weirmeta" | format level u32 | leader epoch i32 | broker uuid, 36
// characters | zero u64 | CRC-32C of what is before it u32.
#ifndef WEIR_STORAGE_META_DATA_DIRECTORY_META_H_
#define WEIR_STORAGE_META_DATA_DIRECTORY_META_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"

namespace weir {

// Of everything in a data directory. Raised when a change needs it; a broker refuses a higher one.
inline constexpr uint32_t kDataFormatLevel = 1;

struct DataDirectoryMeta {
  std::string broker_id;     // a uuid, 36 characters, given once
  LeaderEpoch leader_epoch;  // of the last start; 0: none yet

  bool operator==(const DataDirectoryMeta&) const = default;
};

// Nothing when `directory` is new: there is no weir.meta, and nothing that would need one.
// DATA_LOSS: it is damaged, or missing beside data; FAILED_PRECONDITION: a newer version of Weir
// wrote it. Nothing is changed.
absl::StatusOr<std::optional<DataDirectoryMeta>> ReadDataDirectoryMeta(
    FileSystem& fs, const std::string& directory);

// Replaces it, durably.
absl::Status WriteDataDirectoryMeta(FileSystem& fs, const std::string& directory,
                                    const DataDirectoryMeta& meta);

}  // namespace weir

#endif  // WEIR_STORAGE_META_DATA_DIRECTORY_META_H_
