// Reencode: a batch with another compression or another kind of timestamps, as a topic's
// configuration may ask. The records themselves, the offsets, the leader epoch and the producer's
// id, epoch and sequence stay what they are. Pure function, any thread.
#ifndef WEIR_STORAGE_RECORD_REENCODE_H_
#define WEIR_STORAGE_RECORD_REENCODE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_view.h"

namespace weir {

struct ReencodeOptions {
  // Absent: as it is (compression.type=producer). The result is left uncompressed when compression
  // would save nothing.
  std::optional<Compression> compression;
  std::optional<int> compression_level;  // absent: the codec's default
  // Set: the timestamp type becomes LogAppendTime and readers see this time for every record.
  std::optional<int64_t> log_append_time_ms;
  // Asked of every record when they are decoded (the compression changes); its error is the result.
  std::function<absl::Status(const RecordView&)> check;
};

// `batch` has passed ValidateBatch. When its compression changes, every record is decoded once, so
// that nothing malformed is given a new CRC; otherwise the record section is copied as it stands.
// The result may be larger than `batch`; the caller checks it against max.message.bytes.
// CORRUPT_BATCH, or what `check` says.
absl::StatusOr<std::string> Reencode(absl::string_view batch, const ReencodeOptions& options);

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_REENCODE_H_
