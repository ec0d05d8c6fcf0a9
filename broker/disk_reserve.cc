#include "broker/disk_reserve.h"

#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {

absl::Status DiskReserve::Release() {
  const absl::StatusOr<FileInfo> info = fs_->Stat(path_);
  if (absl::IsNotFound(info.status())) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(info.status());
  file_ = nullptr;
  size_ = 0;
  WEIR_RETURN_IF_ERROR(fs_->Remove(path_));
  released_ = info->size;
  // File systems with a journal give blocks out again only behind its next commit.
  return fs_->SyncDirectory(ParentPath(path_));
}

absl::Status DiskReserve::Grow(int64_t bytes) {
  if (size_ >= bytes) return absl::OkStatus();
  if (file_ == nullptr) {
    WEIR_ASSIGN_OR_RETURN(file_, fs_->Open(path_, OpenMode::kCreate));
    WEIR_ASSIGN_OR_RETURN(size_, file_->Size());
  }
  const std::string zeros(limits::kMiB,
                          '\0');  // written, not just reserved: a file with holes takes no space
  while (size_ < bytes) {
    WEIR_RETURN_IF_ERROR(file_->Write(FilePosition{size_}, zeros));
    size_ += static_cast<int64_t>(zeros.size());
  }
  return absl::OkStatus();
}

}  // namespace weir
