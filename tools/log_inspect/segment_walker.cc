#include "tools/log_inspect/segment_walker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "storage/base/limits.h"

namespace weir {
namespace {
constexpr int64_t kWindow = 1 * limits::kMiB;
}  // namespace

absl::string_view SegmentWalker::Bytes(size_t n) {
  const int64_t in_window = position_ - window_start_;
  const bool there =
      in_window >= 0 && in_window + static_cast<int64_t>(n) <= static_cast<int64_t>(window_size_);
  if (!there) {
    const int64_t wanted =
        std::min<int64_t>(end_ - position_, std::max<int64_t>(static_cast<int64_t>(n), kWindow));
    if (static_cast<int64_t>(window_.size()) < wanted) window_.resize(static_cast<size_t>(wanted));
    window_start_ = position_;
    const absl::StatusOr<size_t> got =
        file_->ReadAt(position_, absl::MakeSpan(window_.data(), static_cast<size_t>(wanted)));
    window_size_ = got.ok() ? *got : 0;
    if (!got.ok()) status_ = got.status();
  }
  const auto at = static_cast<size_t>(position_ - window_start_);
  return absl::string_view(window_).substr(at, std::min(n, window_size_ - at));
}

bool SegmentWalker::Next() {
  if (!status_.ok() || !stopped_because_.empty()) return false;
  if (started_) position_ += header_.size_bytes();
  started_ = false;
  const int64_t left = end_ - position_;
  if (left <= 0) return false;
  const absl::string_view head = Bytes(kBatchHeaderBytes);
  if (!status_.ok()) return false;
  if (head.size() < kBatchHeaderBytes) {
    stopped_because_ =
        absl::StrCat("only ", head.size(), " bytes are left, too few for a batch's header");
    return false;
  }
  const RecordBatchHeader header = DecodeBatchHeader(head.data());
  if (const absl::Status valid =
          ValidateBatchHeader(header, limits::kRequestBytes, /*compacted=*/true);
      !valid.ok()) {
    stopped_because_ = std::string(valid.message());
    return false;
  }
  batch_ = header.size_bytes() <= left ? Bytes(static_cast<size_t>(header.size_bytes()))
                                       : absl::string_view();
  if (!status_.ok()) return false;
  if (static_cast<int64_t>(batch_.size()) < header.size_bytes()) {
    stopped_because_ = absl::StrCat("a batch of ", header.size_bytes(), " bytes begins here, only ",
                                    left, " are left");
    return false;
  }
  header_ = header;
  crc_ok_ = BatchCrc(batch_) == header_.crc;
  started_ = true;
  return true;
}

}  // namespace weir
