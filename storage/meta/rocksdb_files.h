// RocksDbFiles: the file system that Weir puts between RocksDB and the disk, for what RocksDB
// leaves to chance: renames reach the disk in order, how far a manifest is flushed is written down
// beside it (see manifest_mark.h), and after a directory could not be flushed none counts as
// flushed. Only for storage/meta. Any thread; mu_ is taken before directories_mu_.
#ifndef WEIR_STORAGE_META_ROCKSDB_FILES_H_
#define WEIR_STORAGE_META_ROCKSDB_FILES_H_

#include <rocksdb/file_system.h>

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
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
  // A flush of a directory that fails may have lost any name in it, also those that another thread
  // is about to flush: its flush would succeed without them. So they are flushed one at a time, and
  // after one has failed all fail, until the database is opened again.
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
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
  class FlushedDirectory;

  // The first `size` bytes of the manifest `path` are flushed. Returns when the mark says so
  // durably.
  rocksdb::IOStatus Mark(const std::string& path, uint64_t size) ABSL_LOCKS_EXCLUDED(mu_);
  rocksdb::IOStatus FlushDirectory(absl::FunctionRef<rocksdb::IOStatus()> flush)
      ABSL_LOCKS_EXCLUDED(directories_mu_);
  rocksdb::IOStatus SyncDirectory(const std::string& path) ABSL_LOCKS_EXCLUDED(directories_mu_);
  // What the directory's mark says of the manifest in use.
  ManifestMark ReadMark(const std::string& directory);

  absl::Mutex mu_;
  std::map<std::string, ManifestMark> marks_ ABSL_GUARDED_BY(mu_);  // by directory

  absl::Mutex directories_mu_ ABSL_ACQUIRED_AFTER(mu_);  // held while a directory is flushed
  rocksdb::IOStatus directories_ ABSL_GUARDED_BY(directories_mu_);  // the first that failed
};

}  // namespace weir

#endif  // WEIR_STORAGE_META_ROCKSDB_FILES_H_
