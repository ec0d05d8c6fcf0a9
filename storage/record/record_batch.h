// RecordBatch: Kafka's record batch, magic 2, the unit of storage, transfer and replication. This
// file knows the 61-byte header and the checks; records inside are read by record_reader.h and
// written by record_batch_builder.h. Pure functions, any thread. Source of the format:
// https://kafka.apache.org/documentation/#recordbatch, byte table in storage/FORMAT.md. Big-endian.
#ifndef WEIR_STORAGE_RECORD_RECORD_BATCH_H_
#define WEIR_STORAGE_RECORD_RECORD_BATCH_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/base/bytes.h"
#include "storage/base/types.h"

namespace weir {

inline constexpr size_t kBatchHeaderBytes = 61;
inline constexpr size_t kBatchLengthEnd = 12;  // batchLength counts the bytes behind this place
inline constexpr size_t kBatchCrcStart =
    21;  // the CRC covers everything from attributes to the end
inline constexpr int8_t kBatchMagic = 2;
inline constexpr size_t kSmallestRecordBytes = 7;  // a record with neither key, value nor headers

enum class Compression : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };
enum class TimestampType : uint8_t { kCreateTime = 0, kLogAppendTime = 1 };

struct RecordBatchHeader {
  Offset base_offset;
  int32_t batch_length = 0;
  LeaderEpoch leader_epoch;
  int8_t magic = kBatchMagic;
  uint32_t crc = 0;
  int16_t attributes = 0;
  int32_t last_offset_delta = 0;
  int64_t base_timestamp_ms = 0;
  int64_t max_timestamp_ms = 0;
  ProducerId producer_id = kNoProducer;
  ProducerEpoch producer_epoch{-1};
  int32_t base_sequence = -1;
  int32_t record_count = 0;

  int64_t size_bytes() const { return int64_t{kBatchLengthEnd} + batch_length; }
  Offset last_offset() const { return base_offset + last_offset_delta; }
  Offset next_offset() const { return base_offset + (int64_t{last_offset_delta} + 1); }
  bool has_producer() const { return producer_id.value() >= 0; }
  // Only the low three bits of attributes; may be a value that is no Compression. ValidateBatch
  // refuses those.
  Compression compression() const { return static_cast<Compression>(attributes & 7); }
  TimestampType timestamp_type() const { return static_cast<TimestampType>(attributes >> 3 & 1); }
  void set_compression(Compression codec) {
    attributes = static_cast<int16_t>((attributes & ~7) | static_cast<int>(codec));
  }
  void set_timestamp_type(TimestampType type) {
    attributes = static_cast<int16_t>((attributes & ~8) | static_cast<int>(type) << 3);
  }
  bool is_control() const { return (attributes & 0x20) != 0; }
  bool is_transactional() const { return (attributes & 0x10) != 0; }

  bool operator==(const RecordBatchHeader&) const = default;
};

// The sequence `steps` records behind `sequence`: they run from 0 to 2^31 - 1 and begin again at 0.
int32_t SequenceAfter(int32_t sequence, int32_t steps);

// Decodes the first 61 bytes; checks nothing. `bytes` has at least kBatchHeaderBytes.
RecordBatchHeader DecodeBatchHeader(const char* bytes);
// Writes 61 bytes to `to`.
void EncodeBatchHeader(const RecordBatchHeader& header, char* to);

// The two fields outside the CRC, which the broker sets in place.
void SetBaseOffset(char* batch, Offset offset);
void SetLeaderEpoch(char* batch, LeaderEpoch epoch);

// Makes one batch of the `size` bytes at `batch`, whose record section stands behind room for a
// header: writes `header` there with its batch_length and crc set to what the bytes give.
void SealBatch(RecordBatchHeader header, char* batch, size_t size);

// Sanity of a header by itself, before its length is believed: magic, batch_length within [49,
// max_bytes - 12], counts that are positive and agree (record_count == last_offset_delta + 1),
// offsets that fit 63 bits, a known codec, no control or transactional bit. CORRUPT_BATCH,
// MESSAGE_TOO_LARGE (also for too many records) or UNSUPPORTED_COMPRESSION. `compacted`:
// record_count may be smaller than the offset range, and 0.
absl::Status ValidateBatchHeader(const RecordBatchHeader& header, int64_t max_bytes,
                                 bool compacted = false);

// CRC-32C of everything behind kBatchCrcStart.
uint32_t BatchCrc(const SharedBytes& batch);
uint32_t BatchCrc(absl::string_view batch);

// All that a produce checks without opening the record section: ValidateBatchHeader, that `batch`
// is exactly one batch, its CRC, that a producer id comes with epoch and sequence.
absl::StatusOr<RecordBatchHeader> ValidateBatch(const SharedBytes& batch, int64_t max_bytes);
absl::StatusOr<RecordBatchHeader> ValidateBatch(absl::string_view batch, int64_t max_bytes);

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_RECORD_BATCH_H_
