#include "storage/meta/state_snapshot.h"

#include <memory>
#include <vector>

#include "absl/strings/match.h"
#include "storage/base/check.h"

namespace weir {
namespace {

absl::Status CopyFile(FileSystem& fs, const std::string& from, const std::string& to) {
  WEIR_ASSIGN_OR_RETURN(const std::string content, ReadFile(fs, from));
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(to, OpenMode::kCreateNew));
  WEIR_RETURN_IF_ERROR(file->Write(FilePosition{0}, content));
  return file->Sync();
}

}  // namespace

absl::Status CopyStateSnapshot(FileSystem& fs, const std::string& snapshot, const std::string& to) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(snapshot));
  WEIR_RETURN_IF_ERROR(fs.CreateDirectory(to));
  for (const std::string& name : names) {
    const std::string from = JoinPath(snapshot, name);
    const std::string copy = JoinPath(to, name);
    WEIR_RETURN_IF_ERROR(absl::EndsWith(name, ".sst") ? fs.Link(from, copy)
                                                      : CopyFile(fs, from, copy));
  }
  return fs.SyncDirectory(to);
}

}  // namespace weir
