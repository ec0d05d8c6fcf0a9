// DiskReserve: the file `reserve` of a data directory: space that is given up when a start finds
// the disk full, so that recovery has room to write. It is as large as the commit journal, all of
// which recovery may have to write again. Recovery removes it; this makes it again. One thread at a
// time.
#ifndef WEIR_BROKER_DISK_RESERVE_H_
#define WEIR_BROKER_DISK_RESERVE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "storage/base/file_system.h"

namespace weir {

class DiskReserve {
 public:
  // `fs` outlives this. Does nothing yet.
  DiskReserve(FileSystem* fs, std::string path) : fs_(fs), path_(std::move(path)) {}

  // Grows the file to at least `bytes`, or until an error, after which it can be tried again.
  absl::Status Grow(int64_t bytes);

  int64_t size() const { return size_; }

 private:
  FileSystem* const fs_;
  const std::string path_;
  std::unique_ptr<File> file_;
  int64_t size_ = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_DISK_RESERVE_H_
