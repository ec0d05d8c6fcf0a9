#include "storage/record/reencode.h"

#include "storage/base/check.h"
#include "storage/record/byte_buffer.h"
#include "storage/record/compression.h"
#include "storage/record/record_reader.h"

namespace weir {
namespace {

// Appends the record section in the compression that `header` shall have, which it notes there.
absl::Status AppendRecompressed(absl::string_view batch, Compression codec,
                                const ReencodeOptions& options, RecordBatchHeader* header,
                                ByteBuffer* out) {
  RecordReader reader(batch);
  RecordView record;
  while (reader.Next(&record)) {
    if (options.check) WEIR_RETURN_IF_ERROR(options.check(record));
  }
  WEIR_RETURN_IF_ERROR(reader.status());
  const bool compressed = Compress(codec, options.compression_level, reader.record_section(), out);
  if (!compressed) out->Append(reader.record_section());
  header->set_compression(compressed ? codec : Compression::kNone);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> Reencode(absl::string_view batch, const ReencodeOptions& options) {
  WEIR_CHECK(batch.size() >= kBatchHeaderBytes);
  RecordBatchHeader header = DecodeBatchHeader(batch.data());
  ByteBuffer out;
  out.Reserve(batch.size());
  out.set_size(kBatchHeaderBytes);
  const Compression codec = options.compression.value_or(header.compression());
  if (codec == header.compression()) {
    out.Append(batch.substr(kBatchHeaderBytes));
  } else {
    WEIR_RETURN_IF_ERROR(AppendRecompressed(batch, codec, options, &header, &out));
  }
  if (options.log_append_time_ms.has_value()) {
    header.set_timestamp_type(TimestampType::kLogAppendTime);
    header.max_timestamp_ms = *options.log_append_time_ms;
  }
  SealBatch(header, out.data(), out.size());
  return std::string(out.view());
}

}  // namespace weir
