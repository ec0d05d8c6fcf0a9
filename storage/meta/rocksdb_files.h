// RocksDbFiles: the file system that Weir puts between RocksDB and the disk, for what RocksDB
// leaves to chance: renames reach the disk in order, and how far a manifest is flushed is written
// down beside it (see manifest_mark.h). Only for storage/meta. Any thread; guarded by mu_.
#ifndef WEIR_STORAGE_META_ROCKSDB_FILES_H_
#define WEIR_STORAGE_META_ROCKSDB_FILES_H_

#include <rocksdb/file_system.h>

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/meta/manifest_mark.h"

namespace weir {

class RocksDbFiles : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;

  const char* Name() const override { return "weir-rocksdb-files"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  // RocksDB names a new manifest in the directory and then renames CURRENT to point to it, with no
  // flush of the directory in between. POSIX lets a power cut keep the second and lose the first;
  // then nothing could be opened any more. The same holds for a snapshot, which gets its name when
  // it is done: what is in it goes first.
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override ABSL_LOCKS_EXCLUDED(mu_);
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override ABSL_LOCKS_EXCLUDED(mu_);
  // RocksDB asks for its archive of logs, which Weir never has, when it makes a snapshot; it aborts
  // the process when the disk gives no answer.
  rocksdb::IOStatus FileExists(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class MarkedManifest;

  // The first `size` bytes of the manifest `path` are flushed. Returns when the mark says so
  // durably.
  rocksdb::IOStatus Mark(const std::string& path, uint64_t size) ABSL_LOCKS_EXCLUDED(mu_);
  // What the directory's mark says of the manifest in use.
  ManifestMark ReadMark(const std::string& directory);

  absl::Mutex mu_;
  std::map<std::string, ManifestMark> marks_ ABSL_GUARDED_BY(mu_);  // by directory
};

}  // namespace weir

#endif  // WEIR_STORAGE_META_ROCKSDB_FILES_H_
