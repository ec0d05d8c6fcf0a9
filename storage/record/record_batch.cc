#include "storage/record/record_batch.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/crc32c.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// Where the fields lie; the batch's byte table.
constexpr size_t kBaseOffsetAt = 0;
constexpr size_t kBatchLengthAt = 8;
constexpr size_t kLeaderEpochAt = 12;
constexpr size_t kMagicAt = 16;
constexpr size_t kCrcAt = 17;
constexpr size_t kAttributesAt = 21;
constexpr size_t kLastOffsetDeltaAt = 23;
constexpr size_t kBaseTimestampAt = 27;
constexpr size_t kMaxTimestampAt = 35;
constexpr size_t kProducerIdAt = 43;
constexpr size_t kProducerEpochAt = 51;
constexpr size_t kBaseSequenceAt = 53;
constexpr size_t kRecordCountAt = 57;
static_assert(kLeaderEpochAt == kBatchLengthEnd);
static_assert(kAttributesAt == kBatchCrcStart);
static_assert(kRecordCountAt + sizeof(int32_t) == kBatchHeaderBytes);

absl::Status Corrupt(absl::string_view what) { return MakeError(Reason::kCorruptBatch, what); }

absl::Status CheckCounts(const RecordBatchHeader& header, bool compacted) {
  const int64_t range = int64_t{header.last_offset_delta} + 1;
  if (range < 1) {
    return Corrupt(absl::StrCat("last offset delta ", header.last_offset_delta, " is negative"));
  }
  if (header.record_count < (compacted ? 0 : range) || header.record_count > range) {
    return Corrupt(absl::StrCat("record count ", header.record_count,
                                " does not agree with last offset delta ",
                                header.last_offset_delta));
  }
  if (header.record_count > limits::kRecordsPerBatch) {
    return MakeError(Reason::kMessageTooLarge,
                     absl::StrCat("the batch holds ", header.record_count, " records, at most ",
                                  limits::kRecordsPerBatch, " are allowed"));
  }
  const int64_t section = header.size_bytes() - int64_t{kBatchHeaderBytes};
  if (header.compression() == Compression::kNone &&
      header.record_count > section / int64_t{kSmallestRecordBytes}) {
    return Corrupt(absl::StrCat("record count ", header.record_count, " does not fit the ", section,
                                " bytes of the record section"));
  }
  const int64_t offset = header.base_offset.value();
  if (offset < 0 || offset > std::numeric_limits<int64_t>::max() - range) {
    return Corrupt(absl::StrCat("base offset ", offset, " is negative or too large"));
  }
  return absl::OkStatus();
}

// `size`: of all the bytes that claim to be the batch; `crc`: of their rest behind the header's CRC
// field.
absl::Status CheckLength(const RecordBatchHeader& header, size_t size) {
  if (header.size_bytes() == static_cast<int64_t>(size)) return absl::OkStatus();
  return Corrupt(
      absl::StrCat("the header gives the batch ", header.size_bytes(), " bytes, there are ", size));
}
absl::Status CheckCrc(const RecordBatchHeader& header, uint32_t crc) {
  if (header.crc == crc) return absl::OkStatus();
  return Corrupt(absl::StrCat("the header's CRC-32C is ", absl::Hex(header.crc, absl::kZeroPad8),
                              ", the bytes give ", absl::Hex(crc, absl::kZeroPad8)));
}
absl::Status CheckNumbering(const RecordBatchHeader& header) {
  if (!header.has_producer()) return absl::OkStatus();
  if (header.producer_epoch >= ProducerEpoch{0} && header.base_sequence >= 0)
    return absl::OkStatus();
  return Corrupt(absl::StrCat("producer id ", header.producer_id.value(), " comes with epoch ",
                              header.producer_epoch.value(), " and sequence ", header.base_sequence,
                              "; both must be 0 or more"));
}
absl::Status TooShort(size_t size) {
  return Corrupt(
      absl::StrCat(size, " bytes are no batch: its header alone has ", kBatchHeaderBytes));
}

}  // namespace

int32_t SequenceAfter(int32_t sequence, int32_t steps) {
  return static_cast<int32_t>((int64_t{sequence} + steps) & INT32_MAX);
}

RecordBatchHeader DecodeBatchHeader(const char* bytes) {
  return {.base_offset = Offset(LoadBig<int64_t>(bytes + kBaseOffsetAt)),
          .batch_length = LoadBig<int32_t>(bytes + kBatchLengthAt),
          .leader_epoch = LeaderEpoch(LoadBig<int32_t>(bytes + kLeaderEpochAt)),
          .magic = LoadBig<int8_t>(bytes + kMagicAt),
          .crc = LoadBig<uint32_t>(bytes + kCrcAt),
          .attributes = LoadBig<int16_t>(bytes + kAttributesAt),
          .last_offset_delta = LoadBig<int32_t>(bytes + kLastOffsetDeltaAt),
          .base_timestamp_ms = LoadBig<int64_t>(bytes + kBaseTimestampAt),
          .max_timestamp_ms = LoadBig<int64_t>(bytes + kMaxTimestampAt),
          .producer_id = ProducerId(LoadBig<int64_t>(bytes + kProducerIdAt)),
          .producer_epoch = ProducerEpoch(LoadBig<int16_t>(bytes + kProducerEpochAt)),
          .base_sequence = LoadBig<int32_t>(bytes + kBaseSequenceAt),
          .record_count = LoadBig<int32_t>(bytes + kRecordCountAt)};
}

void EncodeBatchHeader(const RecordBatchHeader& header, char* to) {
  StoreBig(to + kBaseOffsetAt, header.base_offset.value());
  StoreBig(to + kBatchLengthAt, header.batch_length);
  StoreBig(to + kLeaderEpochAt, header.leader_epoch.value());
  StoreBig(to + kMagicAt, header.magic);
  StoreBig(to + kCrcAt, header.crc);
  StoreBig(to + kAttributesAt, header.attributes);
  StoreBig(to + kLastOffsetDeltaAt, header.last_offset_delta);
  StoreBig(to + kBaseTimestampAt, header.base_timestamp_ms);
  StoreBig(to + kMaxTimestampAt, header.max_timestamp_ms);
  StoreBig(to + kProducerIdAt, header.producer_id.value());
  StoreBig(to + kProducerEpochAt, header.producer_epoch.value());
  StoreBig(to + kBaseSequenceAt, header.base_sequence);
  StoreBig(to + kRecordCountAt, header.record_count);
}

void SetBaseOffset(char* batch, Offset offset) { StoreBig(batch + kBaseOffsetAt, offset.value()); }
void SetLeaderEpoch(char* batch, LeaderEpoch epoch) {
  StoreBig(batch + kLeaderEpochAt, epoch.value());
}

void SealBatch(RecordBatchHeader header, char* batch, size_t size) {
  WEIR_CHECK(size >= kBatchHeaderBytes && size <= std::numeric_limits<int32_t>::max());
  header.batch_length = static_cast<int32_t>(size - kBatchLengthEnd);
  EncodeBatchHeader(header, batch);
  StoreBig(batch + kCrcAt, BatchCrc(absl::string_view(batch, size)));
}

absl::Status ValidateBatchHeader(const RecordBatchHeader& header, int64_t max_bytes,
                                 bool compacted) {
  if (header.magic != kBatchMagic) {
    return Corrupt(absl::StrCat("magic ", static_cast<int>(header.magic), " is not ",
                                static_cast<int>(kBatchMagic)));
  }
  if (header.size_bytes() < int64_t{kBatchHeaderBytes}) {
    return Corrupt(absl::StrCat("batch length ", header.batch_length, " is below the smallest, ",
                                kBatchHeaderBytes - kBatchLengthEnd));
  }
  if (header.size_bytes() > max_bytes) {
    return MakeError(Reason::kMessageTooLarge,
                     absl::StrCat("the batch has ", header.size_bytes(), " bytes, at most ",
                                  max_bytes, " are allowed (max.message.bytes)"));
  }
  if (header.compression() > Compression::kZstd) {
    return MakeError(Reason::kUnsupportedCompression,
                     absl::StrCat("codec ", header.attributes & 7,
                                  " is none of 0 (none), 1 (gzip), 2 (snappy), 3 (lz4), 4 (zstd)"));
  }
  if (header.is_control() || header.is_transactional()) {
    return Corrupt(
        absl::StrCat("attributes 0x", absl::Hex(header.attributes & 0xffff, absl::kZeroPad4),
                     " have the control or the transactional bit, which Weir does not use"));
  }
  return CheckCounts(header, compacted);
}

uint32_t BatchCrc(const SharedBytes& batch) {
  uint32_t crc = 0;
  size_t skip = kBatchCrcStart;
  for (absl::string_view piece : batch.pieces()) {
    const size_t skipped = std::min(skip, piece.size());
    piece.remove_prefix(skipped);
    skip -= skipped;
    crc = Crc32c(piece, crc);
  }
  return crc;
}

uint32_t BatchCrc(absl::string_view batch) {
  return Crc32c(batch.substr(std::min(kBatchCrcStart, batch.size())));
}

absl::StatusOr<RecordBatchHeader> ValidateBatch(const SharedBytes& batch, int64_t max_bytes) {
  if (batch.size() < kBatchHeaderBytes) return TooShort(batch.size());
  char bytes[kBatchHeaderBytes];
  batch.CopyTo(0, kBatchHeaderBytes, bytes);
  const RecordBatchHeader header = DecodeBatchHeader(bytes);
  WEIR_RETURN_IF_ERROR(ValidateBatchHeader(header, max_bytes));
  WEIR_RETURN_IF_ERROR(CheckLength(header, batch.size()));
  WEIR_RETURN_IF_ERROR(CheckCrc(header, BatchCrc(batch)));
  WEIR_RETURN_IF_ERROR(CheckNumbering(header));
  return header;
}

absl::StatusOr<RecordBatchHeader> ValidateBatch(absl::string_view batch, int64_t max_bytes) {
  return ValidateBatch(SharedBytes(SharedBytes::Pieces{batch}, nullptr), max_bytes);
}

}  // namespace weir
