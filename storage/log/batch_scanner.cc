#include "storage/log/batch_scanner.h"

#include <algorithm>

#include "storage/base/limits.h"

namespace weir {
namespace {
constexpr size_t kSmallestRead = 4 * limits::kKiB;
constexpr size_t kLargestRead = 256 * limits::kKiB;
}  // namespace

BatchScanner::BatchScanner(File* file, FilePosition position, Offset offset, FilePosition end,
                           ReadMode mode)
    : file_(file),
      end_(end),
      mode_(mode),
      position_(position),
      next_offset_(offset),
      next_read_(kSmallestRead) {}

const char* BatchScanner::HeaderBytes() {
  const int64_t in_window = position_ - window_start_;
  if (window_ != nullptr && in_window >= 0 &&
      in_window + int64_t{kBatchHeaderBytes} <= int64_t(window_size_)) {
    return window_.get() + in_window;
  }
  // A header that followed closely means small batches: read further ahead next time.
  const bool close = window_ != nullptr && in_window >= 0 && in_window < int64_t(2 * window_size_);
  next_read_ = close ? std::min(next_read_ * 4, kLargestRead) : kSmallestRead;
  const size_t n = static_cast<size_t>(std::min<int64_t>(end_ - position_, next_read_));
  window_ = std::make_unique_for_overwrite<char[]>(n);
  window_start_ = position_;
  const absl::Span<char> to(window_.get(), n);
  absl::StatusOr<size_t> got = mode_ == ReadMode::kCachedOnly ? file_->ReadCachedAt(position_, to)
                                                              : file_->ReadAt(position_, to);
  window_size_ = got.ok() ? *got : 0;
  if (!got.ok()) status_ = got.status();
  return window_size_ >= kBatchHeaderBytes ? window_.get() : nullptr;
}

bool BatchScanner::Next() {
  if (!status_.ok()) return false;
  if (started_) position_ += header_.size_bytes();
  started_ = false;  // stays so when this fails: position_ is where the walk stopped
  if (end_ - position_ < int64_t{kBatchHeaderBytes}) return false;
  const char* bytes = HeaderBytes();
  if (bytes == nullptr) return false;
  const RecordBatchHeader header = DecodeBatchHeader(bytes);
  if (!ValidateBatchHeader(header, limits::kRequestBytes, /*compacted=*/true).ok()) return false;
  if (header.size_bytes() > end_ - position_) return false;
  if (header.base_offset != next_offset_) return false;
  header_ = header;
  next_offset_ = header.next_offset();
  started_ = true;
  return true;
}

}  // namespace weir
