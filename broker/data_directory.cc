#include "broker/data_directory.h"

#include <unistd.h>

#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/check.h"
#include "storage/log/file_names.h"
#include "storage/meta/rocksdb_kv_store.h"

namespace weir {
namespace {

absl::Status Because(absl::string_view what, const absl::Status& why) {
  return absl::Status(why.code(), absl::StrCat(what, ": ", why.message()));
}

// What a start writes: the metadata store, then weir.meta.
absl::Status TakeIntoUse(FileSystem& fs, bool existing,
                         std::function<void(const absl::Status&)> on_failure,
                         DataDirectory* directory) {
  // A start that broke off before weir.meta was written may have left an empty store.
  WEIR_ASSIGN_OR_RETURN(
      std::unique_ptr<KvStore> kv,
      OpenRocksDbKvStore({.path = JoinPath(directory->path, "meta"), .must_exist = existing}));
  WEIR_ASSIGN_OR_RETURN(directory->store,
                        LocalMetadataStore::Open(std::move(kv), std::move(on_failure)));
  return WriteDataDirectoryMeta(fs, directory->path, directory->meta);
}

}  // namespace

absl::StatusOr<DataDirectory> OpenDataDirectory(
    FileSystem& fs, const std::string& path, std::function<void(const absl::Status&)> on_failure) {
  if (const absl::Status made = CreateDirectories(fs, path); !made.ok()) {
    return Because(absl::StrCat("cannot use ", path, " as the data directory"), made);
  }
  DataDirectory directory{.path = path};
  absl::StatusOr<std::unique_ptr<FileLock>> lock =
      fs.Lock(JoinPath(path, "weir.lock"), absl::StrCat("pid ", getpid()));
  if (absl::IsAlreadyExists(lock.status())) {
    return Because(absl::StrCat("another broker uses the data directory ", path,
                                "; stop it or choose another --data-dir"),
                   lock.status());
  }
  if (!lock.ok())
    return Because(absl::StrCat("cannot use ", path, " as the data directory"), lock.status());
  directory.lock = *std::move(lock);

  WEIR_ASSIGN_OR_RETURN(const std::optional<DataDirectoryMeta> meta,
                        ReadDataDirectoryMeta(fs, path));
  directory.meta = meta.value_or(DataDirectoryMeta{.broker_id = RandomTopicId().ToString()});
  if (directory.meta.leader_epoch.value() == std::numeric_limits<int32_t>::max()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the data directory ", path, " was started too often"));
  }
  ++directory.meta.leader_epoch;
  // Before the first write.
  directory.reserve = std::make_unique<DiskReserve>(&fs, ReservePath(path));
  WEIR_RETURN_IF_ERROR(directory.reserve->Release());
  if (const absl::Status taken =
          TakeIntoUse(fs, /*existing=*/meta.has_value(), std::move(on_failure), &directory);
      !taken.ok()) {
    return WithFreeSpace(fs, path, taken);
  }
  return directory;
}

absl::Status WithFreeSpace(FileSystem& fs, const std::string& path, const absl::Status& error) {
  if (!absl::IsResourceExhausted(error)) return error;
  const absl::StatusOr<DiskSpace> space = fs.Space(path);
  if (!space.ok()) return error;
  return Because(absl::StrCat("no room to start: the disk of ", path, " has ", space->free_bytes,
                              " of ", space->total_bytes,
                              " bytes free; nothing is lost, free some space and start again"),
                 error);
}

}  // namespace weir
