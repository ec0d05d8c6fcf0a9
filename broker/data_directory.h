// DataDirectory: the data directory of this process: made if need be, locked, known by its
// weir.meta, with the metadata store open. Logs and journal are the log manager's. One thread.
#ifndef WEIR_BROKER_DATA_DIRECTORY_H_
#define WEIR_BROKER_DATA_DIRECTORY_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/meta/data_directory_meta.h"
#include "storage/meta/metadata_store.h"

namespace weir {

struct DataDirectory {
  std::string path;
  std::unique_ptr<FileLock> lock;  // released last
  DataDirectoryMeta meta;          // with the leader epoch of this start, which is on disk
  std::unique_ptr<MetadataStore> store;
};

// Opens it for one start: the leader epoch is raised. `on_failure` is the metadata store's. Errors
// name the file and what to do: no permission, another broker holds the lock, damage. A directory
// that was refused is unchanged but for the lock file.
absl::StatusOr<DataDirectory> OpenDataDirectory(
    FileSystem& fs, const std::string& path, std::function<void(const absl::Status&)> on_failure);

}  // namespace weir

#endif  // WEIR_BROKER_DATA_DIRECTORY_H_
