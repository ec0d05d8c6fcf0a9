#include "storage/meta/rocksdb_repair.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/base/file_system.h"
#include "storage/base/seeded_bugs.h"
#include "storage/meta/manifest_mark.h"
#include "storage/meta/wal_check.h"

namespace weir {
namespace {

using rocksdb::Status;

// What shall be cut off, once everything is known to be good.
struct Cut {
  std::string path;
  size_t size = 0;
};
using Cuts = std::vector<Cut>;

// The paths of the log files, newest first. Their names are numbers of at least six digits.
Status ListLogFiles(rocksdb::Env* env, const std::string& directory,
                    std::vector<std::string>* files) {
  const Status status = env->GetChildren(directory, files);
  std::erase_if(*files, [](const std::string& name) { return !absl::EndsWith(name, ".log"); });
  std::sort(files->begin(), files->end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) > std::pair(b.size(), b);
  });
  for (std::string& name : *files) name = absl::StrCat(directory, "/", name);
  return status;
}

// Only the newest file that holds anything is cut. Older ones may have a torn end too: RocksDB was
// done with them before, and a crash brought them back.
Status CheckLogs(rocksdb::Env* env, const std::string& directory, Cuts* cuts) {
  std::vector<std::string> newest_first;
  if (const Status status = ListLogFiles(env, directory, &newest_first); !status.ok())
    return status;
  bool newest = true;
  for (const std::string& file : newest_first) {
    std::string content;
    if (const Status status = rocksdb::ReadFileToString(env, file, &content); !status.ok())
      return status;
    if (content.empty()) continue;
    const WalCheck check = CheckWal(content);
    if (check.state == WalState::kDamaged)
      return Status::Corruption("damage in front of good writes", file);
    if (newest && check.state == WalState::kTornEnd) cuts->push_back({file, check.verified_bytes});
    newest = false;
  }
  return Status::OK();
}

// How much of the manifest must verify; nothing when there is no mark.
Status ReadMark(rocksdb::Env* env, const std::string& directory, const std::string& manifest,
                MarkNeeded needed, std::optional<size_t>* flushed) {
  const std::string path = JoinPath(directory, kManifestMarkName);
  Status status = env->FileExists(path);
  if (status.IsNotFound() && needed == MarkNeeded::kNo) return Status::OK();
  if (status.IsNotFound()) return Status::Corruption("missing beside CURRENT", path);
  std::string bytes;
  if (status.ok()) status = rocksdb::ReadFileToString(env, path, &bytes);
  if (!status.ok()) return status;
  const std::optional<ManifestMark> mark = DecodeManifestMark(bytes);
  if (!mark.has_value()) return Status::Corruption("does not verify", path);
  const auto entry = mark->find(manifest);
  // A version of before there were marks has begun a new manifest since.
  const bool newer_than_mark = mark->empty() || manifest > mark->rbegin()->first;
  if (entry == mark->end() && newer_than_mark && needed == MarkNeeded::kNo) return Status::OK();
  if (entry == mark->end())
    return Status::Corruption(absl::StrCat("does not know ", manifest, ", which CURRENT names"),
                              path);
  *flushed = entry->second;
  return Status::OK();
}

Status CheckManifest(rocksdb::Env* env, const std::string& directory, MarkNeeded needed,
                     Cuts* cuts) {
  const std::string current_path = JoinPath(directory, "CURRENT");
  std::string current;
  if (const Status status = rocksdb::ReadFileToString(env, current_path, &current); !status.ok())
    return status;
  const std::optional<std::string> name = CurrentManifest(current);
  if (!name.has_value()) return Status::Corruption("does not name a manifest", current_path);
  std::optional<size_t> flushed;
  if (const Status status = ReadMark(env, directory, *name, needed, &flushed); !status.ok())
    return status;
  const std::string path = JoinPath(directory, *name);
  std::string content;
  Status status = env->FileExists(path);
  if (status.IsNotFound()) return Status::Corruption("missing, and CURRENT names it", path);
  if (status.ok()) status = rocksdb::ReadFileToString(env, path, &content);
  if (!status.ok()) return status;
  if (content.size() < flushed.value_or(1)) {
    return Status::Corruption(
        absl::StrCat("has ", content.size(), " bytes of ", flushed.value_or(1)), path);
  }
  const WalCheck check = CheckWal(content);
  const bool damaged =
      flushed.has_value() ? check.verified_bytes < *flushed : check.state == WalState::kDamaged;
  if (damaged)
    return Status::Corruption(absl::StrCat("damage at byte ", check.verified_bytes), path);
  if (check.verified_bytes < content.size()) cuts->push_back({path, check.verified_bytes});
  return Status::OK();
}

// CURRENT is the first file of a database that stays: beside others its absence is damage, and
// RocksDB would begin an empty one.
Status CheckNothingWithoutCurrent(rocksdb::Env* env, const std::string& directory) {
  std::vector<std::string> names;
  const Status status = env->GetChildren(directory, &names);
  if (status.IsNotFound()) return Status::OK();
  if (!status.ok()) return status;
  for (const std::string& name : names) {
    if (absl::EndsWith(name, ".sst") || absl::EndsWith(name, ".log"))
      return Status::Corruption(absl::StrCat("missing beside ", name),
                                JoinPath(directory, "CURRENT"));
  }
  return Status::OK();
}

Status CutFile(rocksdb::Env* env, const Cut& cut) {
  std::unique_ptr<rocksdb::WritableFile> file;
  Status status = env->ReopenWritableFile(cut.path, &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Truncate(cut.size);
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = file->Close();
  return status;
}

Status Repair(rocksdb::Env* env, const std::string& directory, MarkNeeded mark) {
  Cuts cuts;
  Status status;
  if (!SeededBug("skip-manifest-check")) status = CheckManifest(env, directory, mark, &cuts);
  if (status.ok()) status = CheckLogs(env, directory, &cuts);
  for (const Cut& cut : cuts) {
    if (status.ok()) status = CutFile(env, cut);
  }
  return status;
}

}  // namespace

Status RepairRocksDb(rocksdb::Env* env, const std::string& directory, MarkNeeded mark) {
  Status status = env->FileExists(absl::StrCat(directory, "/CURRENT"));
  if (status.IsNotFound()) return CheckNothingWithoutCurrent(env, directory);
  if (!status.ok()) return status;
  // The end of a log that is being written looks torn: nobody else may have the database open.
  rocksdb::FileLock* lock = nullptr;
  status = env->LockFile(absl::StrCat(directory, "/LOCK"), &lock);
  if (!status.ok()) return status;
  status = Repair(env, directory, mark);
  const Status unlocked = env->UnlockFile(lock);
  return status.ok() ? unlocked : status;
}

}  // namespace weir
