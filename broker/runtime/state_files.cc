#include "broker/runtime/state_files.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "storage/base/check.h"
#include "storage/meta/rocksdb_state_store.h"
#include "storage/meta/state_snapshot.h"

namespace weir {
namespace {

// The number that the directory's name is; nothing for another name.
std::optional<int64_t> SnapshotNumber(absl::string_view name) {
  int64_t number = 0;
  if (!std::all_of(name.begin(), name.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(name, &number))
    return std::nullopt;
  return number;
}

absl::StatusOr<bool> Exists(FileSystem& fs, const std::string& path) {
  const absl::Status status = fs.Stat(path).status();
  if (status.ok()) return true;
  if (absl::IsNotFound(status)) return false;
  return status;
}

}  // namespace

StateFiles::StateFiles(FileSystem* fs, std::string data_directory, rocksdb::Env* env)
    : fs_(*fs),
      data_directory_(std::move(data_directory)),
      snapshots_(JoinPath(data_directory_, "state-snapshot")),
      env_(env) {}

std::string StateFiles::StorePath() const { return JoinPath(data_directory_, "state"); }
std::string StateFiles::SnapshotPath(int64_t snapshot) const {
  return JoinPath(snapshots_, absl::StrFormat("%010d", snapshot));
}
std::string StateFiles::CopyPath() const {
  return JoinPath(snapshots_, absl::StrCat("copy", kTemporarySuffix));
}

absl::Status StateFiles::Prepare() {
  WEIR_RETURN_IF_ERROR(CreateDirectories(fs_, snapshots_));
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(snapshots_));
  for (const std::string& name : names) {
    if (absl::EndsWith(name, kTemporarySuffix))
      WEIR_RETURN_IF_ERROR(RemoveTree(fs_, JoinPath(snapshots_, name)));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> StateFiles::HasStore() const { return Exists(fs_, StorePath()); }

absl::StatusOr<std::vector<int64_t>> StateFiles::Snapshots() const {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(snapshots_));
  std::vector<int64_t> numbers;
  for (const std::string& name : names) {
    if (const std::optional<int64_t> number = SnapshotNumber(name)) numbers.push_back(*number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

absl::StatusOr<std::unique_ptr<StateStore>> StateFiles::OpenStore() const {
  return OpenRocksDbStateStore({.path = StorePath(), .env = env_, .must_exist = true});
}

absl::StatusOr<std::unique_ptr<StateStore>> StateFiles::OpenCopy(int64_t snapshot) const {
  WEIR_RETURN_IF_ERROR(RemoveCopy());
  WEIR_RETURN_IF_ERROR(CopyStateSnapshot(fs_, SnapshotPath(snapshot), CopyPath()));
  absl::StatusOr<std::unique_ptr<StateStore>> copy =
      OpenRocksDbStateStore({.path = CopyPath(), .env = env_, .must_exist = true});
  if (copy.ok()) return copy;
  // What is wrong with the copy is wrong with the snapshot.
  return absl::Status(
      copy.status().code(),
      absl::StrReplaceAll(copy.status().message(), {{CopyPath(), SnapshotPath(snapshot)}}));
}

absl::StatusOr<std::unique_ptr<StateStore>> StateFiles::OpenEmpty() const {
  WEIR_RETURN_IF_ERROR(RemoveCopy());
  return OpenRocksDbStateStore({.path = CopyPath(), .env = env_});
}

absl::Status StateFiles::AdoptCopy() const {
  WEIR_RETURN_IF_ERROR(fs_.SyncDirectory(CopyPath()));
  WEIR_RETURN_IF_ERROR(fs_.Rename(CopyPath(), StorePath()));
  return fs_.SyncDirectory(data_directory_);
}

absl::Status StateFiles::RemoveCopy() const { return RemoveTree(fs_, CopyPath()); }

absl::StatusOr<std::string> StateFiles::PutStoreAside() const {
  for (int number = 1;; ++number) {
    const std::string aside = JoinPath(data_directory_, absl::StrCat("state-damaged-", number));
    WEIR_ASSIGN_OR_RETURN(const bool taken, Exists(fs_, aside));
    if (taken) continue;
    WEIR_RETURN_IF_ERROR(fs_.Rename(StorePath(), aside));
    WEIR_RETURN_IF_ERROR(fs_.SyncDirectory(data_directory_));
    return aside;
  }
}

absl::Status StateFiles::RemoveSnapshot(int64_t snapshot) const {
  const std::string going = absl::StrCat(SnapshotPath(snapshot), kTemporarySuffix);
  WEIR_RETURN_IF_ERROR(fs_.Rename(SnapshotPath(snapshot), going));
  WEIR_RETURN_IF_ERROR(fs_.SyncDirectory(snapshots_));
  return RemoveTree(fs_, going);
}

}  // namespace weir
