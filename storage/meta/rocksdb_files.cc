#include "storage/meta/rocksdb_files.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/base/file_system.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

std::string FileName(const std::string& path) { return path.substr(path.rfind('/') + 1); }
bool IsManifest(const std::string& path) {
  return absl::StartsWith(FileName(path), kManifestPrefix);
}

}  // namespace

class RocksDbFiles::MarkedManifest : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  MarkedManifest(RocksDbFiles* files, std::string path,
                 std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(*files), path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    return Appended(data, target()->Append(data, options, debug));
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification,
                  IODebugContext* debug) override {
    return Appended(data, target()->Append(data, options, verification, debug));
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = target()->Sync(options, debug);
    return status.ok() ? files_.Mark(path_, size_) : status;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    const IOStatus status = target()->Fsync(options, debug);
    return status.ok() ? files_.Mark(path_, size_) : status;
  }

 private:
  IOStatus Appended(const rocksdb::Slice& data, IOStatus status) {
    if (status.ok()) size_ += data.size();
    return status;
  }

  RocksDbFiles& files_;
  const std::string path_;
  uint64_t size_ = 0;
};

class RocksDbFiles::FlushedDirectory : public rocksdb::FSDirectoryWrapper {
 public:
  FlushedDirectory(RocksDbFiles* files, std::unique_ptr<rocksdb::FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), files_(*files) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return files_.FlushDirectory([&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& how) override {
    return files_.FlushDirectory(
        [&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, how); });
  }

 private:
  RocksDbFiles& files_;
};

IOStatus RocksDbFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       IODebugContext* debug) {
  IOStatus status = target()->NewWritableFile(path, options, file, debug);
  if (status.ok() && IsManifest(path))
    *file = std::make_unique<MarkedManifest>(this, path, std::move(*file));
  return status;
}

IOStatus RocksDbFiles::NewDirectory(const std::string& path, const IOOptions& options,
                                    std::unique_ptr<rocksdb::FSDirectory>* directory,
                                    IODebugContext* debug) {
  const IOStatus status = target()->NewDirectory(path, options, directory, debug);
  if (status.ok()) *directory = std::make_unique<FlushedDirectory>(this, std::move(*directory));
  return status;
}

IOStatus RocksDbFiles::RenameFile(const std::string& from, const std::string& to,
                                  const IOOptions& options, IODebugContext* debug) {
  bool is_snapshot = false;
  {
    absl::MutexLock lock(&mu_);
    is_snapshot = marks_.erase(from) > 0;  // the only directory that is renamed
  }
  IOStatus status;
  if (is_snapshot) status = SyncDirectory(from);
  if (status.ok()) status = SyncDirectory(ParentPath(to));
  if (status.ok()) status = target()->RenameFile(from, to, options, debug);
  return status;
}

IOStatus RocksDbFiles::DeleteFile(const std::string& path, const IOOptions& options,
                                  IODebugContext* debug) {
  IOStatus status = target()->DeleteFile(path, options, debug);
  if (status.ok() && IsManifest(path)) {
    absl::MutexLock lock(&mu_);
    if (const auto mark = marks_.find(ParentPath(path)); mark != marks_.end())
      mark->second.erase(FileName(path));
  }
  return status;
}

IOStatus RocksDbFiles::FileExists(const std::string& path, const IOOptions& options,
                                  IODebugContext* debug) {
  if (FileName(path) == "archive") return IOStatus::NotFound(path);
  return target()->FileExists(path, options, debug);
}

IOStatus RocksDbFiles::FlushDirectory(absl::FunctionRef<IOStatus()> flush) {
  absl::MutexLock lock(&directories_mu_);
  if (directories_.ok() || SeededBug("forget-failed-directory")) directories_ = flush();
  return directories_;
}

IOStatus RocksDbFiles::SyncDirectory(const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  const IOStatus status = NewDirectory(path, IOOptions(), &directory, nullptr);
  return status.ok() ? directory->Fsync(IOOptions(), nullptr) : status;
}

ManifestMark RocksDbFiles::ReadMark(const std::string& directory) {
  std::string current;
  std::string bytes;
  if (!ReadFileToString(target(), JoinPath(directory, "CURRENT"), &current).ok() ||
      !ReadFileToString(target(), JoinPath(directory, kManifestMarkName), &bytes).ok())
    return {};
  const std::optional<std::string> name = CurrentManifest(current);
  std::optional<ManifestMark> mark = DecodeManifestMark(bytes);
  if (!name.has_value() || !mark.has_value()) return {};
  std::erase_if(*mark, [&](const auto& entry) { return entry.first != *name; });
  return *std::move(mark);
}

IOStatus RocksDbFiles::Mark(const std::string& path, uint64_t size) {
  const std::string directory = ParentPath(path);
  absl::MutexLock lock(&mu_);
  if (!marks_.contains(directory)) marks_[directory] = ReadMark(directory);
  ManifestMark& mark = marks_[directory];
  mark[FileName(path)] = size;
  const std::string to = JoinPath(directory, kManifestMarkName);
  const std::string temporary = absl::StrCat(to, kTemporarySuffix);
  IOStatus status = rocksdb::WriteStringToFile(target(), EncodeManifestMark(mark), temporary,
                                               /*should_sync=*/true);
  if (status.ok()) status = target()->RenameFile(temporary, to, IOOptions(), nullptr);
  if (status.ok()) status = SyncDirectory(directory);
  return status;
}

}  // namespace weir
