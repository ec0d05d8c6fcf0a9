// RecordReader: walks the records of one batch, first to last, decompressing the record section if
// need be. It believes no length it reads, but it does not check the CRC: ValidateBatch does. The
// consumer's hottest path: nothing is copied or allocated per record. For one thread at a time.
//
//   RecordReader reader(batch);
//   RecordView record;
//   while (reader.Next(&record)) Use(record);
//   return reader.status();
#ifndef WEIR_STORAGE_RECORD_RECORD_READER_H_
#define WEIR_STORAGE_RECORD_RECORD_READER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/record/byte_buffer.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_view.h"

namespace weir {

class RecordReader {
 public:
  // `batch` is exactly one batch and outlives the reader and all that it gives out. Whatever is
  // wrong with it is in status().
  explicit RecordReader(absl::string_view batch);
  // Moving keeps the records that were given out.
  RecordReader(RecordReader&&) = default;
  RecordReader& operator=(RecordReader&&) = default;

  // Gives the next record, borrowed from the batch or from this reader, which must outlive it.
  // False at the end of the batch and at the first error: then status() tells which, and `record`
  // is unspecified. Records given out before an error are what the batch says, but the batch as a
  // whole is not to be trusted.
  bool Next(RecordView* record);

  // OK; CORRUPT_BATCH or UNSUPPORTED_COMPRESSION, naming what is wrong and where.
  const absl::Status& status() const { return status_; }
  // Meaningful when the status was OK after construction.
  const RecordBatchHeader& header() const { return header_; }
  // All records as they are encoded, uncompressed; borrowed like them. Checked only when Next has
  // reached the end without error.
  absl::string_view record_section() const { return section_; }

 private:
  absl::Status Open(absl::string_view batch);
  // These give false, so that a decoder can return them.
  bool End();
  bool Fail(absl::string_view what);

  bool ReadNullable(absl::string_view name, const char* end,
                    std::optional<absl::string_view>* bytes);
  bool ReadHeaders(const char* end, HeaderList* headers);

  RecordBatchHeader header_;
  ByteBuffer decompressed_;
  absl::string_view section_;
  const char* at_ = nullptr;   // the next byte of the record section
  const char* end_ = nullptr;  // the record section's end
  int32_t index_ = 0;          // of the next record
  int64_t next_delta_ = 0;     // the smallest offset delta that the next record may have
  absl::Status status_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_RECORD_READER_H_
