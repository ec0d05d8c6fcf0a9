// FileSystem: the injected disk. One real implementation (Posix) and one simulated
// (tests/support/sim_file_system.h). Paths are plain strings with '/' between parts. Errors are
// absl::Status made from errno: NOT_FOUND for ENOENT, ALREADY_EXISTS for EEXIST, RESOURCE_EXHAUSTED
// for ENOSPC and EDQUOT, otherwise what absl::ErrnoToStatus gives; the message names the operation
// and the path. EINTR and short transfers are finished inside, never shown.
//
// After any failed Sync, SyncDirectory or SyncAll the kernel may have dropped the dirty pages and
// marked them clean: the caller must not retry it and believe the answer.
#ifndef WEIR_STORAGE_BASE_FILE_SYSTEM_H_
#define WEIR_STORAGE_BASE_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/base/types.h"

namespace weir {

// An open file. Positioned reads and writes may run at once from any thread; the destructor closes
// (without a flush).
class File {
 public:
  virtual ~File() = default;

  // Fills `to` from `position`; returns how many bytes there were (fewer only at the end of the
  // file).
  virtual absl::StatusOr<size_t> ReadAt(FilePosition position, absl::Span<char> to) = 0;
  // The same without waiting for a disk: UNAVAILABLE when the bytes are not in memory.
  virtual absl::StatusOr<size_t> ReadCachedAt(FilePosition position, absl::Span<char> to) = 0;
  // Writes all parts one after another from `position`, extending the file as needed. After an
  // error any prefix, also a torn one, may have been written.
  virtual absl::Status WriteAt(FilePosition position,
                               absl::Span<const absl::string_view> parts) = 0;
  // fdatasync: bytes written before, and the size, are on disk when this returns OK.
  virtual absl::Status Sync() = 0;
  // Asks the kernel to begin writing dirty pages back; promises nothing.
  virtual void StartWriteback(FilePosition position, int64_t length) = 0;
  // Tells the kernel these pages will not be read again soon.
  virtual void DropCached(FilePosition position, int64_t length) = 0;
  // Cuts or extends (with zeros).
  virtual absl::Status Truncate(FilePosition size) = 0;
  virtual absl::StatusOr<int64_t> Size() = 0;

  // WriteAt with a single part.
  absl::Status Write(FilePosition position, absl::string_view bytes) {
    return WriteAt(position, absl::MakeConstSpan(&bytes, 1));
  }
};

enum class OpenMode {
  kRead,       // must exist
  kReadWrite,  // must exist
  kCreate,     // opened for reading and writing, made when missing
  kCreateNew,  // must not exist
};

struct FileInfo {
  int64_t size = 0;
  bool is_directory = false;
  absl::Time modified;
};

struct DiskSpace {
  int64_t free_bytes = 0;  // to this process
  int64_t total_bytes = 0;
};

// Held lock on a file; released when destroyed or when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) = 0;
  virtual absl::StatusOr<FileInfo> Stat(const std::string& path) = 0;
  // Names (not paths) of the entries, sorted, without "." and "..".
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& directory) = 0;
  // One level; OK when the directory exists already.
  virtual absl::Status CreateDirectory(const std::string& path) = 0;
  // Of a file or an empty directory. Durable only after SyncDirectory of the parent.
  virtual absl::Status Remove(const std::string& path) = 0;
  // Atomically replaces `to`. Durable only after SyncDirectory of the parent.
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  // A second name for the same file.
  virtual absl::Status Link(const std::string& from, const std::string& to) = 0;
  // Makes created, removed and renamed entries of `directory` durable.
  virtual absl::Status SyncDirectory(const std::string& directory) = 0;
  // Flushes everything on the file system that holds `path`: data, sizes and directory entries.
  virtual absl::Status SyncAll(const std::string& path) = 0;
  virtual absl::StatusOr<DiskSpace> Space(const std::string& path) = 0;
  // Takes the lock and writes `owner` into the file, or fails at once with ALREADY_EXISTS and a
  // message that quotes what the holder wrote.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                                         absl::string_view owner) = 0;

  // The machine's file system.
  static FileSystem& Posix();
};

// The whole content of a file.
absl::StatusOr<std::string> ReadFile(FileSystem& fs, const std::string& path);

// A failed flush, told apart from a write that found no space: always DATA_LOSS, whatever the errno
// was.
absl::Status FlushFailed(const absl::Status& cause);

// Replaces the file atomically and durably: temporary name, write, sync, rename, sync of the
// directory. After an error the old content stands, or (failed only in the last step) either of the
// two.
absl::Status ReplaceFile(FileSystem& fs, const std::string& path, absl::string_view content);

// The names ReplaceFile uses for its temporary files end with this; recovery removes leftovers.
inline constexpr absl::string_view kTemporarySuffix = ".tmp";

// Creates missing parents too. Durable: each new entry's parent is synced.
absl::Status CreateDirectories(FileSystem& fs, const std::string& path);

// Removes a directory with everything in it; OK when it does not exist, also where somebody else
// removes parts of it or adds some meanwhile.
absl::Status RemoveTree(FileSystem& fs, const std::string& path);

// "a/b" for "a" and "b".
std::string JoinPath(absl::string_view directory, absl::string_view name);
// "a" for "a/b"; "." when there is no '/'.
std::string ParentPath(absl::string_view path);

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_FILE_SYSTEM_H_
