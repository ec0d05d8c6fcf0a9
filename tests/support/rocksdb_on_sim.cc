#include "tests/support/rocksdb_on_sim.h"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <string>
#include <utility>
#include <vector>

namespace weir {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus ToIoStatus(const absl::Status& status) {
  if (status.ok()) return IOStatus::OK();
  const std::string text(status.message());
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return IOStatus::PathNotFound(text);
    case absl::StatusCode::kResourceExhausted:
      return IOStatus::NoSpace(text);
    default:
      return IOStatus::IOError(text);
  }
}

absl::string_view ToView(const Slice& slice) { return {slice.data(), slice.size()}; }
FilePosition ToPosition(uint64_t offset) { return FilePosition{static_cast<int64_t>(offset)}; }

IOStatus ReadInto(File& file, uint64_t offset, size_t n, char* scratch, Slice* result) {
  const absl::StatusOr<size_t> read = file.ReadAt(ToPosition(offset), absl::MakeSpan(scratch, n));
  *result = Slice(scratch, read.value_or(0));
  return ToIoStatus(read.status());
}

class SequentialFile : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    const IOStatus status = ReadInto(*file_, position_, n, scratch, result);
    position_ += result->size();
    return status;
  }
  IOStatus Skip(uint64_t n) override {
    position_ += n;
    return IOStatus::OK();
  }

 private:
  const std::unique_ptr<File> file_;
  uint64_t position_ = 0;
};

class RandomAccessFile : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    return ReadInto(*file_, offset, n, scratch, result);
  }

 private:
  const std::unique_ptr<File> file_;
};

class WritableFile : public rocksdb::FSWritableFile {
 public:
  using FSWritableFile::Append;

  WritableFile(std::unique_ptr<File> file, uint64_t size) : file_(std::move(file)), size_(size) {}

  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    const absl::Status status = file_->Write(ToPosition(size_), ToView(data));
    if (status.ok()) size_ += data.size();
    return ToIoStatus(status);
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    const absl::Status status = file_->Truncate(ToPosition(size));
    if (status.ok()) size_ = size;
    return ToIoStatus(status);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return ToIoStatus(file_->Sync()); }
  bool IsSyncThreadSafe() const override { return true; }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return size_; }

 private:
  const std::unique_ptr<File> file_;
  uint64_t size_;
};

class Directory : public rocksdb::FSDirectory {
 public:
  Directory(FileSystem* fs, std::string path) : fs_(*fs), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return ToIoStatus(fs_.SyncDirectory(path_));
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  FileSystem& fs_;
  const std::string path_;
};

struct HeldLock : public rocksdb::FileLock {
  std::unique_ptr<weir::FileLock> lock;
};

class NoLogger : public rocksdb::Logger {
 public:
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

class SimRocksFileSystem : public rocksdb::FileSystem {
 public:
  explicit SimRocksFileSystem(weir::FileSystem* fs) : fs_(*fs) {}

  const char* Name() const override { return "weir"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* result,
                             IODebugContext*) override {
    return OpenAs<SequentialFile>(path, result);
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                               IODebugContext*) override {
    return OpenAs<RandomAccessFile>(path, result);
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext*) override {
    return OpenForAppend(path, /*from_empty=*/true, result);
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                              IODebugContext*) override {
    return OpenForAppend(path, /*from_empty=*/false, result);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* result, IODebugContext*) override {
    const absl::Status status = fs_.List(path).status();
    if (status.ok()) *result = std::make_unique<Directory>(&fs_, path);
    return ToIoStatus(status);
  }

  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    const absl::Status status = fs_.Stat(path).status();
    return absl::IsNotFound(status) ? IOStatus::NotFound(path) : ToIoStatus(status);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* result,
                       IODebugContext*) override {
    absl::StatusOr<std::vector<std::string>> names = fs_.List(path);
    if (absl::IsNotFound(names.status())) return IOStatus::NotFound(path);
    if (names.ok()) *result = *std::move(names);
    return ToIoStatus(names.status());
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(fs_.Remove(path));
  }
  IOStatus Truncate(const std::string& path, size_t size, const IOOptions&,
                    IODebugContext*) override {
    const absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path, OpenMode::kReadWrite);
    return ToIoStatus(file.ok() ? (*file)->Truncate(ToPosition(size)) : file.status());
  }
  IOStatus CreateDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (fs_.Stat(path).ok()) return IOStatus::IOError(path, "exists");
    return ToIoStatus(fs_.CreateDirectory(path));
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(fs_.CreateDirectory(path));
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    return ToIoStatus(fs_.Remove(path));
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size,
                       IODebugContext*) override {
    const absl::StatusOr<FileInfo> info = fs_.Stat(path);
    *size = info.ok() ? static_cast<uint64_t>(info->size) : 0;
    return ToIoStatus(info.status());
  }
  IOStatus GetFileModificationTime(const std::string& path, const IOOptions&, uint64_t* seconds,
                                   IODebugContext*) override {
    const absl::StatusOr<FileInfo> info = fs_.Stat(path);
    *seconds = info.ok() ? static_cast<uint64_t>(absl::ToUnixSeconds(info->modified)) : 0;
    return ToIoStatus(info.status());
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* is_directory,
                       IODebugContext*) override {
    const absl::StatusOr<FileInfo> info = fs_.Stat(path);
    *is_directory = info.ok() && info->is_directory;
    return ToIoStatus(info.status());
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    return ToIoStatus(fs_.Rename(from, to));
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                    IODebugContext*) override {
    return ToIoStatus(fs_.Link(from, to));
  }
  IOStatus GetFreeSpace(const std::string& path, const IOOptions&, uint64_t* free,
                        IODebugContext*) override {
    const absl::StatusOr<DiskSpace> space = fs_.Space(path);
    *free = space.ok() ? static_cast<uint64_t>(space->free_bytes) : 0;
    return ToIoStatus(space.status());
  }

  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override {
    *lock = nullptr;
    absl::StatusOr<std::unique_ptr<weir::FileLock>> taken = fs_.Lock(path, "rocksdb");
    if (!taken.ok()) return ToIoStatus(taken.status());
    auto held = std::make_unique<HeldLock>();
    held->lock = *std::move(taken);
    *lock = held.release();  // RocksDB gives it back to UnlockFile
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    delete static_cast<HeldLock*>(lock);
    return IOStatus::OK();
  }

  IOStatus GetTestDirectory(const IOOptions&, std::string* path, IODebugContext*) override {
    *path = "/rocksdb-test";
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* absolute,
                           IODebugContext*) override {
    *absolute = path;
    return IOStatus::OK();
  }
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* result,
                     IODebugContext*) override {
    *result = std::make_shared<NoLogger>();
    return IOStatus::OK();
  }

 private:
  template <typename Reader, typename Interface>
  IOStatus OpenAs(const std::string& path, std::unique_ptr<Interface>* result) {
    absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path, OpenMode::kRead);
    if (file.ok()) *result = std::make_unique<Reader>(*std::move(file));
    return ToIoStatus(file.status());
  }

  IOStatus OpenForAppend(const std::string& path, bool from_empty,
                         std::unique_ptr<rocksdb::FSWritableFile>* result) {
    absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path, OpenMode::kCreate);
    if (!file.ok()) return ToIoStatus(file.status());
    absl::StatusOr<int64_t> size = (*file)->Size();
    if (size.ok() && *size > 0 && from_empty) {
      const absl::Status cut = (*file)->Truncate(FilePosition{0});
      size = cut.ok() ? absl::StatusOr<int64_t>(0) : cut;
    }
    if (!size.ok()) return ToIoStatus(size.status());
    *result = std::make_unique<WritableFile>(*std::move(file), static_cast<uint64_t>(*size));
    return IOStatus::OK();
  }

  weir::FileSystem& fs_;
};

// RocksDB's threads sleep a second after a flush or a compaction that failed.
class SleeplessClock : public rocksdb::SystemClockWrapper {
 public:
  SleeplessClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}

  const char* Name() const override { return "weir-sleepless"; }
  void SleepForMicroseconds(int) override {}
};

class SimRocksEnv : public rocksdb::EnvWrapper {
 public:
  explicit SimRocksEnv(const std::shared_ptr<rocksdb::FileSystem>& files)
      : EnvWrapper(rocksdb::NewCompositeEnv(files)) {
    file_system_ = files;
    system_clock_ = std::make_shared<SleeplessClock>();
  }
  void SleepForMicroseconds(int) override {}
};

}  // namespace

RocksDbOnSim::RocksDbOnSim(FileSystem* file_system)
    : env_(std::make_unique<SimRocksEnv>(std::make_shared<SimRocksFileSystem>(file_system))) {}
RocksDbOnSim::~RocksDbOnSim() = default;

}  // namespace weir
