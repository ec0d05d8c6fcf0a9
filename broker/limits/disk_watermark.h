// DiskWatermark: whether the disk has room for produces. They are refused from the low mark on, and
// go on by themselves above the higher ok mark; in between things stay as they are, so that the
// answer does not flicker. It measures when asked, it has no timer, and deletes nothing. Any
// thread, guarded by mu_.
#ifndef WEIR_BROKER_LIMITS_DISK_WATERMARK_H_
#define WEIR_BROKER_LIMITS_DISK_WATERMARK_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/file_system.h"

namespace weir {

class DiskWatermark {
 public:
  struct Options {
    std::optional<int64_t>
        low_bytes;  // disk.low: free bytes; nothing: the smaller of 10 % of the disk and 5 GiB
    std::optional<int64_t> ok_bytes;  // disk.ok: free bytes; nothing: a tenth above low
  };

  explicit DiskWatermark(Options options) : options_(options) {}

  // Takes a measurement. OK: produces may go on; DISK_LOW with the figures and a time to retry:
  // they may not. `spoken_for`: free bytes that do not count, somebody else is about to take them.
  absl::Status Update(DiskSpace space, int64_t spoken_for = 0) ABSL_LOCKS_EXCLUDED(mu_);
  // Measures the disk that holds `path`, then as Update. When it cannot be measured, things stay as
  // they are.
  absl::Status Check(FileSystem& fs, const std::string& path, int64_t spoken_for = 0)
      ABSL_LOCKS_EXCLUDED(mu_);

  // As of the last measurement.
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mu_);
  DiskSpace space() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  int64_t LowBytes(DiskSpace space) const;
  int64_t OkBytes(DiskSpace space) const;

  const Options options_;
  mutable absl::Mutex mu_;
  DiskSpace space_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_BROKER_LIMITS_DISK_WATERMARK_H_
