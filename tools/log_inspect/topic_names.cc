#include "tools/log_inspect/topic_names.h"

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/meta/key_schema.h"
#include "storage/meta/local_metadata_store.h"
#include "storage/meta/manifest_mark.h"
#include "storage/meta/rocksdb_kv_store.h"

namespace weir {
namespace {

constexpr int64_t kLargestCopy = 256 * limits::kMiB;
constexpr size_t kPage = 1'000;

absl::Status CopyFiles(FileSystem& fs, const std::string& from, const std::string& to) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(from));
  int64_t copied = 0;
  for (const std::string& name : names) {
    if (name == "LOCK" || name.starts_with("LOG")) continue;  // RocksDB's lock and its text log
    if (name == kManifestMarkName) continue;  // the copies are not all of one moment
    WEIR_ASSIGN_OR_RETURN(const FileInfo info, fs.Stat(JoinPath(from, name)));
    if (info.is_directory) continue;
    copied += info.size;
    if (copied > kLargestCopy)
      return absl::ResourceExhaustedError("the metadata store is too large to copy");
    WEIR_ASSIGN_OR_RETURN(const std::string content, ReadFile(fs, JoinPath(from, name)));
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                          fs.Open(JoinPath(to, name), OpenMode::kCreateNew));
    WEIR_RETURN_IF_ERROR(file->Write(FilePosition{0}, content));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status TopicNames::Read(FileSystem& fs, const std::string& store) {
  std::error_code error;
  const std::string temporary = std::filesystem::temp_directory_path(error).string();
  if (error)
    return absl::UnavailableError(
        absl::StrCat("no directory for temporary files: ", error.message()));
  const std::string copy = JoinPath(temporary, absl::StrCat("weir-topic-names-", getpid()));
  WEIR_RETURN_IF_ERROR(RemoveTree(fs, copy));
  WEIR_RETURN_IF_ERROR(fs.CreateDirectory(copy));
  const absl::Status read = [&]() -> absl::Status {
    WEIR_RETURN_IF_ERROR(CopyFiles(fs, store, copy));
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<KvStore> kv,
                          OpenRocksDbKvStore({.path = copy, .must_exist = true}));
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<LocalMetadataStore> metadata,
                          LocalMetadataStore::Open(std::move(kv), [](const absl::Status&) {}));
    std::string start;
    for (;;) {
      WEIR_ASSIGN_OR_RETURN(const std::vector<MetadataEntry> page,
                            metadata->Range(kTopicPrefix, kPage, start));
      for (const MetadataEntry& entry : page) {
        WEIR_ASSIGN_OR_RETURN(const internal::TopicRecord record,
                              DecodeTopicRecord(entry.key, entry.value));
        WEIR_ASSIGN_OR_RETURN(const TopicId id, DecodeTopicId(entry.key, record.id()));
        names_[id] = record.name();
      }
      if (page.size() < kPage) return absl::OkStatus();
      start = absl::StrCat(page.back().key, absl::string_view("\0", 1));
    }
  }();
  const absl::Status removed = RemoveTree(fs, copy);
  return read.ok() ? removed : read;
}

TopicNames TopicNames::Load(FileSystem& fs, const std::string& data_directory) {
  TopicNames names;
  names.status_ = names.Read(fs, JoinPath(data_directory, "meta"));
  if (!names.status_.ok()) names.names_.clear();
  return names;
}

std::string TopicNames::NameOf(const TopicId& id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? id.ToString() : found->second;
}

}  // namespace weir
