// SegmentWalker: reads a segment file batch by batch, whole, and checks each one's CRC. It has no
// policy: it says where the batches stop making sense, the caller decides what that means. Needs
// memory for one batch and a window. One thread.
#ifndef WEIR_TOOLS_LOG_INSPECT_SEGMENT_WALKER_H_
#define WEIR_TOOLS_LOG_INSPECT_SEGMENT_WALKER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"

namespace weir {

class SegmentWalker {
 public:
  // Walks [position, end). `file` must outlive the walker.
  SegmentWalker(File* file, FilePosition position, FilePosition end)
      : file_(file), position_(position), end_(end) {}

  // Moves to the next batch. False at the end (at_end()), where no whole batch begins
  // (stopped_because() says why), or with a read error in status(). A batch whose CRC does not
  // match is given: crc_ok() is false and its counts are not to be trusted.
  bool Next();

  const RecordBatchHeader& header() const { return header_; }
  absl::string_view bytes() const { return batch_; }  // the whole batch, until the next Next()
  bool crc_ok() const { return crc_ok_; }
  // Of the batch that header() describes; after Next() returned false: where the walk stopped.
  FilePosition position() const { return position_; }
  bool at_end() const { return status_.ok() && position_ >= end_; }
  const std::string& stopped_because() const { return stopped_because_; }
  const absl::Status& status() const { return status_; }

 private:
  // `n` bytes at position_, from the window, which is refilled as needed; fewer at the end of the
  // file.
  absl::string_view Bytes(size_t n);

  File* const file_;
  FilePosition position_;
  const FilePosition end_;
  bool started_ = false;
  RecordBatchHeader header_;
  absl::string_view batch_;
  bool crc_ok_ = false;
  std::string stopped_because_;
  absl::Status status_;
  std::string window_;
  FilePosition window_start_;
  size_t window_size_ = 0;
};

}  // namespace weir

#endif  // WEIR_TOOLS_LOG_INSPECT_SEGMENT_WALKER_H_
