#include "broker/limits/disk_watermark.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

int64_t DiskWatermark::LowBytes(DiskSpace space) const {
  return options_.low_bytes.value_or(
      std::min(space.total_bytes / 10, limits::kDiskLowLargestDefault));
}

int64_t DiskWatermark::OkBytes(DiskSpace space) const {
  const int64_t low = LowBytes(space);
  return std::max(low, options_.ok_bytes.value_or(low + low / 10));
}

absl::Status DiskWatermark::Update(DiskSpace space, int64_t spoken_for) {
  absl::MutexLock lock(&mu_);
  space_ = space;
  const int64_t wanted = status_.ok() ? LowBytes(space) : OkBytes(space);
  if (space.free_bytes - spoken_for >= wanted) {
    status_ = absl::OkStatus();
  } else {
    status_ = MakeError(
        Reason::kDiskLow,
        absl::StrCat("the disk has ", space.free_bytes, " of ", space.total_bytes,
                     " bytes free; produces are refused below ", LowBytes(space) + spoken_for,
                     " and go on from ", OkBytes(space) + spoken_for),
        absl::Milliseconds(limits::kDiskLowRetryMs));
  }
  return status_;
}

absl::Status DiskWatermark::Check(FileSystem& fs, const std::string& path, int64_t spoken_for) {
  const absl::StatusOr<DiskSpace> space = fs.Space(path);
  return space.ok() ? Update(*space, spoken_for) : status();
}

absl::Status DiskWatermark::status() const {
  absl::MutexLock lock(&mu_);
  return status_;
}

DiskSpace DiskWatermark::space() const {
  absl::MutexLock lock(&mu_);
  return space_;
}

}  // namespace weir
