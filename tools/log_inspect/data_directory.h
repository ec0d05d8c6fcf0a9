// What lies in a data directory's logs/, by name: partitions and their segment files. Only lists;
// what is in the files is told by SegmentWalker. The broker may be running: names may come and go
// between two calls. Pure functions over the file system.
#ifndef WEIR_TOOLS_LOG_INSPECT_DATA_DIRECTORY_H_
#define WEIR_TOOLS_LOG_INSPECT_DATA_DIRECTORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"

namespace weir {

struct SegmentFile {
  Offset base;
  std::string path;
  std::string index_path;
  int64_t size = 0;
  bool has_index = false;
};

struct PartitionFiles {
  std::vector<SegmentFile> segments;  // by base offset
  std::vector<std::string> unknown;   // paths that are neither segment nor index
  int64_t size_bytes() const;
};

struct LogsDirectoryList {
  std::vector<TopicPartition> partitions;  // in order
  std::vector<std::string> unknown;        // paths that are no topic's or partition's
};

// NOT_FOUND, with a message for people, when `data_directory` is none: it has neither a recovery
// point nor logs/ nor journal/.
absl::Status CheckDataDirectory(FileSystem& fs, const std::string& data_directory);

// Nothing when there is no logs/ yet.
absl::StatusOr<LogsDirectoryList> ListPartitions(FileSystem& fs, const std::string& data_directory);

// No segments when the directory does not exist.
absl::StatusOr<PartitionFiles> ListSegments(FileSystem& fs, const std::string& data_directory,
                                            const TopicPartition& id);

}  // namespace weir

#endif  // WEIR_TOOLS_LOG_INSPECT_DATA_DIRECTORY_H_
