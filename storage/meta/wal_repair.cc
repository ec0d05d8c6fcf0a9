#include "storage/meta/wal_repair.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/meta/wal_check.h"

namespace weir {
namespace {

// The paths of the log files, newest first. Their names are numbers of at least six digits.
rocksdb::Status ListLogFiles(rocksdb::Env* env, const std::string& directory,
                             std::vector<std::string>* files) {
  const rocksdb::Status status = env->GetChildren(directory, files);
  std::erase_if(*files, [](const std::string& name) { return !absl::EndsWith(name, ".log"); });
  std::sort(files->begin(), files->end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) > std::pair(b.size(), b);
  });
  for (std::string& name : *files) name = absl::StrCat(directory, "/", name);
  return status;
}

rocksdb::Status Cut(rocksdb::Env* env, const std::string& path, size_t size) {
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env->ReopenWritableFile(path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Truncate(size);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  return status;
}

// Only the newest file that holds anything is cut. Older ones may have a torn end too: RocksDB was
// done with them before, and a crash brought them back.
rocksdb::Status RepairFiles(rocksdb::Env* env, const std::vector<std::string>& newest_first) {
  bool newest = true;
  for (const std::string& file : newest_first) {
    std::string content;
    rocksdb::Status status = rocksdb::ReadFileToString(env, file, &content);
    if (!status.ok()) return status;
    if (content.empty()) continue;
    const WalCheck check = CheckWal(content);
    if (check.state == WalState::kDamaged)
      return rocksdb::Status::Corruption("damage in front of good writes", file);
    if (newest && check.state == WalState::kTornEnd) status = Cut(env, file, check.verified_bytes);
    if (!status.ok()) return status;
    newest = false;
  }
  return rocksdb::Status::OK();
}

}  // namespace

rocksdb::Status RepairWal(rocksdb::Env* env, const std::string& directory) {
  if (!env->FileExists(absl::StrCat(directory, "/CURRENT")).ok()) return rocksdb::Status::OK();
  // The end of a log that is being written looks torn: nobody else may have the database open.
  rocksdb::FileLock* lock = nullptr;
  rocksdb::Status status = env->LockFile(absl::StrCat(directory, "/LOCK"), &lock);
  if (!status.ok()) return status;
  std::vector<std::string> files;
  status = ListLogFiles(env, directory, &files);
  if (status.ok()) status = RepairFiles(env, files);
  const rocksdb::Status unlocked = env->UnlockFile(lock);
  return status.ok() ? unlocked : status;
}

}  // namespace weir
