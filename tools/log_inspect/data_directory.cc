#include "tools/log_inspect/data_directory.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/log/file_names.h"

namespace weir {
namespace {

absl::StatusOr<std::vector<std::string>> ListOrNothing(FileSystem& fs,
                                                       const std::string& directory) {
  absl::StatusOr<std::vector<std::string>> names = fs.List(directory);
  if (absl::IsNotFound(names.status())) return std::vector<std::string>();
  return names;
}

}  // namespace

int64_t PartitionFiles::size_bytes() const {
  int64_t sum = 0;
  for (const SegmentFile& segment : segments) sum += segment.size;
  return sum;
}

absl::Status CheckDataDirectory(FileSystem& fs, const std::string& data_directory) {
  for (const std::string& path : {RecoveryPointPath(data_directory), LogsDirectory(data_directory),
                                  JournalDirectory(data_directory)}) {
    const absl::Status found = fs.Stat(path).status();
    if (found.ok()) return absl::OkStatus();
    if (!absl::IsNotFound(found)) return found;
  }
  WEIR_RETURN_IF_ERROR(fs.Stat(data_directory).status());
  return absl::NotFoundError(absl::StrCat(
      data_directory,
      " is no data directory of a broker: it has no recovery-point, no logs/ and no journal/"));
}

absl::StatusOr<LogsDirectoryList> ListPartitions(FileSystem& fs,
                                                 const std::string& data_directory) {
  LogsDirectoryList list;
  const std::string logs = LogsDirectory(data_directory);
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> topics, ListOrNothing(fs, logs));
  for (const std::string& topic : topics) {
    const std::optional<TopicId> id = TopicId::Parse(topic);
    if (!id) {
      list.unknown.push_back(JoinPath(logs, topic));
      continue;
    }
    const std::string directory = TopicDirectory(data_directory, *id);
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> partitions, ListOrNothing(fs, directory));
    for (const std::string& name : partitions) {
      if (const auto partition = ParsePartitionName(name)) {
        list.partitions.push_back({*id, *partition});
      } else {
        list.unknown.push_back(JoinPath(directory, name));
      }
    }
  }
  std::sort(list.partitions.begin(), list.partitions.end());
  return list;
}

absl::StatusOr<PartitionFiles> ListSegments(FileSystem& fs, const std::string& data_directory,
                                            const TopicPartition& id) {
  PartitionFiles files;
  const std::string directory = PartitionDirectory(data_directory, id);
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListOrNothing(fs, directory));
  for (const std::string& name : names) {  // sorted, so an index comes before its segment
    const std::string path = JoinPath(directory, name);
    if (const auto base = ParseSegmentName(name)) {
      const absl::StatusOr<FileInfo> info = fs.Stat(path);
      if (absl::IsNotFound(info.status())) continue;  // retention was faster
      WEIR_RETURN_IF_ERROR(info.status());
      const bool has_index = std::binary_search(names.begin(), names.end(), IndexName(*base));
      files.segments.push_back(
          {*base, path, JoinPath(directory, IndexName(*base)), info->size, has_index});
    } else if (!ParseIndexName(name) && !absl::EndsWith(name, kTemporarySuffix)) {
      files.unknown.push_back(path);
    }
  }
  return files;
}

}  // namespace weir
