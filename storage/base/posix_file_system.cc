// FileSystem::Posix(): the machine's disk by system calls. File objects are immutable after
// opening; the file system itself keeps only the descriptors of SyncAll, guarded by mu_.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/check.h"
#include "storage/base/file_system.h"

namespace weir {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr mode_t kDirectoryMode = 0750;

// The status of errno, which must still be the failed call's.
absl::Status Failed(absl::string_view operation, absl::string_view path) {
  const int error = errno;
  return absl::ErrnoToStatus(error, absl::StrCat(operation, " ", path));
}

// Calls again while the answer is -1 with EINTR.
template <typename Call>
auto Uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::StatusOr<Descriptor> OpenDescriptor(const std::string& path, int flags) {
  const int fd = Uninterrupted([&] { return open(path.c_str(), flags | O_CLOEXEC, kFileMode); });
  if (fd < 0) return Failed("open", path);
  return Descriptor(fd);
}

class PosixFile : public File {
 public:
  PosixFile(std::string path, Descriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  absl::StatusOr<size_t> ReadAt(FilePosition position, absl::Span<char> to) override {
    size_t done = 0;
    while (done < to.size()) {
      const ssize_t n = Uninterrupted([&] {
        return pread(fd_.get(), to.data() + done, to.size() - done,
                     position.value() + static_cast<int64_t>(done));
      });
      if (n < 0) return Failed("read", path_);
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  absl::StatusOr<size_t> ReadCachedAt(FilePosition position, absl::Span<char> to) override {
    size_t done = 0;
    while (done < to.size()) {
      const iovec rest = {to.data() + done, to.size() - done};
      const ssize_t n = Uninterrupted([&] {
        return preadv2(fd_.get(), &rest, 1, position.value() + static_cast<int64_t>(done),
                       RWF_NOWAIT);
      });
      if (n < 0) {
        if (errno == EOPNOTSUPP)
          return ReadAt(position, to);  // no such promise on this file system
        return Failed("read from memory", path_);
      }
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  absl::Status WriteAt(FilePosition position, absl::Span<const absl::string_view> parts) override {
    std::array<iovec, IOV_MAX> batch;
    int64_t at = position.value();
    for (size_t next = 0; next < parts.size();) {
      int n = 0;
      for (; next < parts.size() && n < IOV_MAX; ++next) {
        if (parts[next].empty()) continue;
        // pwritev only reads through the pointer, which iovec declares without const.
        batch[n++] = {const_cast<char*>(parts[next].data()), parts[next].size()};
      }
      WEIR_RETURN_IF_ERROR(WriteBatch(absl::MakeSpan(batch.data(), n), &at));
    }
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    if (Uninterrupted([&] { return fdatasync(fd_.get()); }) < 0) return Failed("fdatasync", path_);
    return absl::OkStatus();
  }

  // Both are hints: their failure changes nothing that the caller could act on.
  void StartWriteback(FilePosition position, int64_t length) override {
    (void)sync_file_range(fd_.get(), position.value(), length, SYNC_FILE_RANGE_WRITE);
  }
  void DropCached(FilePosition position, int64_t length) override {
    (void)posix_fadvise(fd_.get(), position.value(), length, POSIX_FADV_DONTNEED);
  }

  absl::Status Truncate(FilePosition size) override {
    if (Uninterrupted([&] { return ftruncate(fd_.get(), size.value()); }) < 0) {
      return Failed("truncate", path_);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> Size() override {
    struct stat info;
    if (fstat(fd_.get(), &info) < 0) return Failed("stat", path_);
    return info.st_size;
  }

 private:
  // Writes all of `rest` from *at, which it moves along. Changes the entries of `rest`.
  absl::Status WriteBatch(absl::Span<iovec> rest, int64_t* at) {
    while (!rest.empty()) {
      const ssize_t n = Uninterrupted(
          [&] { return pwritev(fd_.get(), rest.data(), static_cast<int>(rest.size()), *at); });
      if (n == 0)
        errno = EIO;  // no progress: never for a regular file, and a loop without end if it were
      if (n <= 0) return Failed("write", path_);
      *at += n;
      size_t written = static_cast<size_t>(n);
      while (!rest.empty() && written >= rest.front().iov_len) {
        written -= rest.front().iov_len;
        rest.remove_prefix(1);
      }
      if (!rest.empty()) {
        rest.front().iov_base = static_cast<char*>(rest.front().iov_base) + written;
        rest.front().iov_len -= written;
      }
    }
    return absl::OkStatus();
  }

  const std::string path_;
  const Descriptor fd_;
};

// flock belongs to the open file description: closing the descriptor, also by the process's death,
// releases it.
class PosixFileLock : public FileLock {
 public:
  explicit PosixFileLock(std::unique_ptr<PosixFile> file) : file_(std::move(file)) {}

 private:
  const std::unique_ptr<PosixFile> file_;
};

int OpenFlags(OpenMode mode) {
  switch (mode) {
    case OpenMode::kRead:
      return O_RDONLY;
    case OpenMode::kReadWrite:
      return O_RDWR;
    case OpenMode::kCreate:
      return O_RDWR | O_CREAT;
    case OpenMode::kCreateNew:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  WEIR_CHECK(false);
}

class PosixFileSystem : public FileSystem {
 public:
  absl::StatusOr<std::unique_ptr<File>> Open(const std::string& path, OpenMode mode) override {
    WEIR_ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, OpenFlags(mode)));
    return std::make_unique<PosixFile>(path, std::move(fd));
  }

  absl::StatusOr<FileInfo> Stat(const std::string& path) override {
    struct stat info;
    if (stat(path.c_str(), &info) < 0) return Failed("stat", path);
    return FileInfo{.size = info.st_size,
                    .is_directory = S_ISDIR(info.st_mode),
                    .modified = absl::TimeFromTimespec(info.st_mtim)};
  }

  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), &closedir);
    if (stream == nullptr) return Failed("list", directory);
    std::vector<std::string> names;
    for (;;) {
      errno = 0;
      const dirent* entry = readdir(stream.get());
      if (entry == nullptr) break;
      const absl::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    if (errno != 0) return Failed("list", directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  absl::Status CreateDirectory(const std::string& path) override {
    if (mkdir(path.c_str(), kDirectoryMode) == 0) return absl::OkStatus();
    absl::Status failed = Failed("create directory", path);
    if (absl::IsAlreadyExists(failed)) {
      const absl::StatusOr<FileInfo> info = Stat(path);
      if (info.ok() && info->is_directory) return absl::OkStatus();
    }
    return failed;
  }

  absl::Status Remove(const std::string& path) override {
    if (remove(path.c_str()) < 0) return Failed("remove", path);
    return absl::OkStatus();
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    if (rename(from.c_str(), to.c_str()) < 0) {
      return Failed("rename", absl::StrCat(from, " to ", to));
    }
    return absl::OkStatus();
  }

  absl::Status Link(const std::string& from, const std::string& to) override {
    if (link(from.c_str(), to.c_str()) < 0) return Failed("link", absl::StrCat(from, " to ", to));
    return absl::OkStatus();
  }

  absl::Status SyncDirectory(const std::string& directory) override {
    WEIR_ASSIGN_OR_RETURN(const Descriptor fd, OpenDescriptor(directory, O_RDONLY | O_DIRECTORY));
    if (Uninterrupted([&] { return fsync(fd.get()); }) < 0) return Failed("fsync", directory);
    return absl::OkStatus();
  }

  absl::Status SyncAll(const std::string& path) override {
    WEIR_ASSIGN_OR_RETURN(const int fd, DescriptorOfDevice(path));
    if (Uninterrupted([&] { return syncfs(fd); }) < 0) return Failed("syncfs", path);
    return absl::OkStatus();
  }

  absl::StatusOr<DiskSpace> Space(const std::string& path) override {
    struct statvfs info;
    if (Uninterrupted([&] { return statvfs(path.c_str(), &info); }) < 0) {
      return Failed("statvfs", path);
    }
    const int64_t unit = static_cast<int64_t>(info.f_frsize);
    return DiskSpace{.free_bytes = static_cast<int64_t>(info.f_bavail) * unit,
                     .total_bytes = static_cast<int64_t>(info.f_blocks) * unit};
  }

  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path,
                                                 absl::string_view owner) override {
    WEIR_ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, O_RDWR | O_CREAT));
    if (Uninterrupted([&] { return flock(fd.get(), LOCK_EX | LOCK_NB); }) < 0) {
      if (errno != EWOULDBLOCK) return Failed("lock", path);
      WEIR_ASSIGN_OR_RETURN(const std::string holder, ReadFile(*this, path));
      return absl::AlreadyExistsError(absl::StrCat("lock ", path, ": held by \"", holder, "\""));
    }
    auto file = std::make_unique<PosixFile>(path, std::move(fd));
    // In this order a file that is there already needs no space: the disk may be full.
    WEIR_RETURN_IF_ERROR(file->Write(FilePosition{0}, owner));
    WEIR_RETURN_IF_ERROR(file->Truncate(FilePosition{static_cast<int64_t>(owner.size())}));
    return std::make_unique<PosixFileLock>(std::move(file));
  }

 private:
  // syncfs reports the write errors since its descriptor was opened, so one descriptor per file
  // system is opened at the first call and kept. Keyed by device: as many as there are mounted data
  // directories, however many paths are named.
  absl::StatusOr<int> DescriptorOfDevice(const std::string& path) ABSL_LOCKS_EXCLUDED(mu_) {
    struct stat info;
    if (stat(path.c_str(), &info) < 0) return Failed("stat", path);
    absl::MutexLock lock(&mu_);
    auto found = sync_descriptors_.find(info.st_dev);
    if (found == sync_descriptors_.end()) {
      WEIR_ASSIGN_OR_RETURN(Descriptor fd, OpenDescriptor(path, O_RDONLY));
      found = sync_descriptors_.emplace(info.st_dev, std::move(fd)).first;
    }
    return found->second.get();
  }

  absl::Mutex mu_;
  absl::flat_hash_map<dev_t, Descriptor> sync_descriptors_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

FileSystem& FileSystem::Posix() {
  static PosixFileSystem* const file_system = new PosixFileSystem;
  return *file_system;
}

}  // namespace weir
