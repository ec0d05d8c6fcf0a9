// DataDirectory: the data directory of this process: made if need be, locked, known by its
// weir.meta, with its reserve released and the metadata store open. Logs and journal are the log
// manager's. One thread.
#ifndef WEIR_BROKER_DATA_DIRECTORY_H_
#define WEIR_BROKER_DATA_DIRECTORY_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/disk_reserve.h"
#include "storage/base/file_system.h"
#include "storage/meta/data_directory_meta.h"
#include "storage/meta/local_metadata_store.h"

namespace weir {

struct DataDirectory {
  std::string path;
  std::unique_ptr<FileLock> lock;        // released last
  DataDirectoryMeta meta;                // with the leader epoch of this start, which is on disk
  std::unique_ptr<DiskReserve> reserve;  // the start has its space; grow it when that is over
  std::unique_ptr<LocalMetadataStore> store;
};

// Opens it for one start: the leader epoch is raised. `on_failure` is the metadata store's. Errors
// name the file and what to do: no permission, another broker holds the lock, no space, damage. A
// directory that was refused is unchanged but for the lock file and, when there was no space or the
// metadata store is damaged, the reserve.
absl::StatusOr<DataDirectory> OpenDataDirectory(
    FileSystem& fs, const std::string& path, std::function<void(const absl::Status&)> on_failure);

// The error of a start; one for lack of space with the bytes that are free and what to do.
absl::Status WithFreeSpace(FileSystem& fs, const std::string& path, const absl::Status& error);

}  // namespace weir

#endif  // WEIR_BROKER_DATA_DIRECTORY_H_
