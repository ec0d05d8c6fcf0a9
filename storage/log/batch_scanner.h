// BatchScanner: walks the batch headers of a segment file from a position on, without reading what
// lies between them when batches are large. It has no policy: it says where the headers stop making
// sense, the caller decides what that means. One thread.
#ifndef WEIR_STORAGE_LOG_BATCH_SCANNER_H_
#define WEIR_STORAGE_LOG_BATCH_SCANNER_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/log/partition_log.h"
#include "storage/record/record_batch.h"

namespace weir {

class BatchScanner {
 public:
  // Walks from the batch with base offset `offset` at `position` to `end`. `file` must outlive the
  // scanner.
  BatchScanner(File* file, FilePosition position, Offset offset, FilePosition end, ReadMode mode);

  // Moves to the next batch; false at the end, or where no whole batch begins that continues the
  // one before (then !at_end()), or with an error in status().
  bool Next();

  const RecordBatchHeader& header() const { return header_; }
  // Of the batch that header() describes; after Next() returned false: where the walk stopped.
  FilePosition position() const { return position_; }
  bool at_end() const { return status_.ok() && position_ >= end_; }
  // The base offset that the next batch must have.
  Offset next_offset() const { return next_offset_; }
  const absl::Status& status() const { return status_; }

 private:
  // The 61 bytes at position_, from the window if they are there; null when they cannot be read.
  const char* HeaderBytes();

  File* const file_;
  const FilePosition end_;
  const ReadMode mode_;
  FilePosition position_;
  Offset next_offset_;
  bool started_ = false;
  RecordBatchHeader header_;
  absl::Status status_;
  std::unique_ptr<char[]> window_;
  FilePosition window_start_;
  size_t window_size_ = 0;
  size_t next_read_;  // grows while batches are small
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_BATCH_SCANNER_H_
