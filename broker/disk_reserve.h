// DiskReserve: the file `reserve` of a data directory: space that a start gives up before it writes
// anything, so that it succeeds on a full disk. It holds what a start may need at most: the commit
// journal is written again to the segments, one more journal file is begun, the metadata store
// opens. One thread at a time.
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

  // Removes the file; its space is free for others when this returns. OK when there is none.
  absl::Status Release();

  // Grows the file to at least `bytes`, or until an error, after which it can be tried again.
  absl::Status Grow(int64_t bytes);

  int64_t size() const { return size_; }
  // How large the file was that Release() removed.
  int64_t released() const { return released_; }

 private:
  FileSystem* const fs_;
  const std::string path_;
  std::unique_ptr<File> file_;
  int64_t size_ = 0;
  int64_t released_ = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_DISK_RESERVE_H_
