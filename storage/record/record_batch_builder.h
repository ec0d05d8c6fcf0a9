// RecordBatchBuilder: gathers records into one record batch. The client's hottest path: a record's
// bytes are written once, straight to their place, with no allocation of its own. It knows no
// limits of topics or requests: whoever appends decides by size_bytes() and RecordSizeBound() when
// the batch is full. For one thread at a time.
#ifndef WEIR_STORAGE_RECORD_RECORD_BATCH_BUILDER_H_
#define WEIR_STORAGE_RECORD_RECORD_BATCH_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/base/types.h"
#include "storage/record/byte_buffer.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_view.h"

namespace weir {

struct BatchOptions {
  Compression compression = Compression::kNone;
  std::optional<int> compression_level;  // absent: the codec's default; see compression.h
  Offset base_offset;                    // the broker sets it
  LeaderEpoch leader_epoch{-1};          // the broker sets it
  ProducerId producer_id = kNoProducer;
  ProducerEpoch producer_epoch{-1};
  int32_t base_sequence = -1;
  // Set: the timestamp type is LogAppendTime and readers see this time for every record. Absent:
  // CreateTime.
  std::optional<int64_t> log_append_time_ms;
};

class RecordBatchBuilder {
 public:
  // `expected_bytes`: the batch size to make room for at the first record; the builder grows beyond
  // it when it must.
  explicit RecordBatchBuilder(size_t expected_bytes = 16 * 1024)
      : expected_bytes_(expected_bytes) {}
  RecordBatchBuilder(RecordBatchBuilder&&) = default;
  RecordBatchBuilder& operator=(RecordBatchBuilder&&) = default;

  // At most so many bytes a record adds to size_bytes(), whatever batch it goes to.
  static size_t RecordSizeBound(std::optional<absl::string_view> key,
                                std::optional<absl::string_view> value,
                                absl::Span<const HeaderView> headers = {});

  // Copies the record to the end of the batch. The caller keeps to limits.h, where breaking a limit
  // is a defect and not an error: kHeadersPerRecord (with the broker's own kHeadersOfWeir more),
  // kRecordsPerBatch, and kDecompressedBatch for size_bytes().
  void Append(int64_t timestamp_ms, std::optional<absl::string_view> key,
              std::optional<absl::string_view> value, absl::Span<const HeaderView> headers = {});

  // The batch's size if it were finished now without compression, header included.
  size_t size_bytes() const { return record_count_ == 0 ? kBatchHeaderBytes : records_.size(); }
  int32_t record_count() const { return record_count_; }
  bool empty() const { return record_count_ == 0; }

  // The batch with header and CRC; there is at least one record. Compresses as asked, but keeps the
  // compressed form only when it is the smaller one. Changes nothing: the same records can be
  // finished again with other options.
  std::string Finish(const BatchOptions& options) { return std::string(FinishInPlace(options)); }
  // The same without the last copy: borrowed from the builder until it is next touched.
  absl::string_view FinishInPlace(const BatchOptions& options);

  // Forgets the records and keeps the memory.
  void Reset();

 private:
  size_t expected_bytes_;
  ByteBuffer records_;     // room for the header, then the records
  ByteBuffer compressed_;  // the same once more, after FinishInPlace with compression
  int32_t record_count_ = 0;
  int64_t base_timestamp_ms_ = 0;
  int64_t max_timestamp_ms_ = 0;
};

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_RECORD_BATCH_BUILDER_H_
