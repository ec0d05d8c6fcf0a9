#include "storage/record/record_batch_builder.h"

#include <algorithm>
#include <cstring>

#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/record/compression.h"
#include "storage/record/varint.h"

namespace weir {
namespace {

size_t NullableBytes(std::optional<absl::string_view> bytes) {
  if (!bytes.has_value()) return 1;
  return VarintBytes(static_cast<int64_t>(bytes->size())) + bytes->size();
}

char* WriteBytes(absl::string_view bytes, char* to) {
  to = WriteVarint(static_cast<int64_t>(bytes.size()), to);
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

char* WriteNullable(std::optional<absl::string_view> bytes, char* to) {
  return bytes.has_value() ? WriteBytes(*bytes, to) : WriteVarint(-1, to);
}

size_t HeadersBytes(absl::Span<const HeaderView> headers) {
  size_t size = VarintBytes(static_cast<int64_t>(headers.size()));
  for (const HeaderView& header : headers)
    size += NullableBytes(header.key) + NullableBytes(header.value);
  return size;
}

char* WriteHeaders(absl::Span<const HeaderView> headers, char* to) {
  to = WriteVarint(static_cast<int64_t>(headers.size()), to);
  for (const HeaderView& header : headers)
    to = WriteNullable(header.value, WriteBytes(header.key, to));
  return to;
}

}  // namespace

size_t RecordBatchBuilder::RecordSizeBound(std::optional<absl::string_view> key,
                                           std::optional<absl::string_view> value,
                                           absl::Span<const HeaderView> headers) {
  // Its length, attributes, timestamp delta and offset delta, as long as they can be.
  constexpr size_t kFixed = kMaxVarint32Bytes + 1 + kMaxVarint64Bytes + kMaxVarint32Bytes;
  return kFixed + NullableBytes(key) + NullableBytes(value) + HeadersBytes(headers);
}

void RecordBatchBuilder::Append(int64_t timestamp_ms, std::optional<absl::string_view> key,
                                std::optional<absl::string_view> value,
                                absl::Span<const HeaderView> headers) {
  if (record_count_ == 0) {
    records_.Reserve(std::max(expected_bytes_, kBatchHeaderBytes));
    records_.set_size(kBatchHeaderBytes);
    base_timestamp_ms_ = max_timestamp_ms_ = timestamp_ms;
  }
  // Wraps around for absurd times; the reader's addition wraps back to the same.
  const auto timestamp_delta = static_cast<int64_t>(static_cast<uint64_t>(timestamp_ms) -
                                                    static_cast<uint64_t>(base_timestamp_ms_));
  const size_t body = 1 + VarintBytes(timestamp_delta) + VarintBytes(record_count_) +
                      NullableBytes(key) + NullableBytes(value) + HeadersBytes(headers);
  const size_t size = records_.size() + VarintBytes(static_cast<int64_t>(body)) + body;
  WEIR_CHECK(size <= limits::kDecompressedBatch && record_count_ < limits::kRecordsPerBatch &&
             headers.size() <= size_t{limits::kHeadersPerRecord + limits::kHeadersOfWeir});

  char* to = records_.Room(size - records_.size());
  to = WriteVarint(static_cast<int64_t>(body), to);
  *to++ = 0;  // attributes: none are defined
  to = WriteVarint(timestamp_delta, to);
  to = WriteVarint(record_count_, to);  // the offset delta
  to = WriteNullable(key, to);
  to = WriteNullable(value, to);
  WriteHeaders(headers, to);
  records_.set_size(size);
  ++record_count_;
  max_timestamp_ms_ = std::max(max_timestamp_ms_, timestamp_ms);
}

absl::string_view RecordBatchBuilder::FinishInPlace(const BatchOptions& options) {
  WEIR_CHECK(record_count_ > 0);
  RecordBatchHeader header{.base_offset = options.base_offset,
                           .leader_epoch = options.leader_epoch,
                           .last_offset_delta = record_count_ - 1,
                           .base_timestamp_ms = base_timestamp_ms_,
                           .max_timestamp_ms = max_timestamp_ms_,
                           .producer_id = options.producer_id,
                           .producer_epoch = options.producer_epoch,
                           .base_sequence = options.base_sequence,
                           .record_count = record_count_};
  if (options.log_append_time_ms.has_value()) {
    header.set_timestamp_type(TimestampType::kLogAppendTime);
    header.max_timestamp_ms = *options.log_append_time_ms;
  }
  ByteBuffer* batch = &records_;
  if (options.compression != Compression::kNone) {
    compressed_.Reserve(kBatchHeaderBytes);
    compressed_.set_size(kBatchHeaderBytes);
    if (Compress(options.compression, options.compression_level,
                 records_.view().substr(kBatchHeaderBytes), &compressed_)) {
      header.set_compression(options.compression);
      batch = &compressed_;
    }
  }
  SealBatch(header, batch->data(), batch->size());
  return batch->view();
}

void RecordBatchBuilder::Reset() {
  records_.set_size(0);
  record_count_ = 0;
}

}  // namespace weir
