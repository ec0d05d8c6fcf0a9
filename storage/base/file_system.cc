#include "storage/base/file_system.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"

namespace weir {
namespace {

constexpr int kRemoveTries = 10;  // while somebody else adds to what is removed

}  // namespace

std::string JoinPath(absl::string_view directory, absl::string_view name) {
  return absl::StrCat(directory, "/", name);
}

std::string ParentPath(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

absl::StatusOr<std::string> ReadFile(FileSystem& fs, const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(path, OpenMode::kRead));
  WEIR_ASSIGN_OR_RETURN(const int64_t size, file->Size());
  std::string content(static_cast<size_t>(size), '\0');
  WEIR_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(FilePosition{0}, absl::MakeSpan(content)));
  content.resize(n);
  return content;
}

absl::Status FlushFailed(const absl::Status& cause) {
  return absl::DataLossError(absl::StrCat("a flush failed: ", cause.message()));
}

absl::Status ReplaceFile(FileSystem& fs, const std::string& path, absl::string_view content) {
  const std::string temporary = absl::StrCat(path, kTemporarySuffix);
  {
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(temporary, OpenMode::kCreate));
    WEIR_RETURN_IF_ERROR(file->Truncate(FilePosition{0}));
    WEIR_RETURN_IF_ERROR(file->Write(FilePosition{0}, content));
    if (const absl::Status synced = file->Sync(); !synced.ok()) return FlushFailed(synced);
  }
  WEIR_RETURN_IF_ERROR(fs.Rename(temporary, path));
  const absl::Status synced = fs.SyncDirectory(ParentPath(path));
  return synced.ok() ? synced : FlushFailed(synced);
}

absl::Status CreateDirectories(FileSystem& fs, const std::string& path) {
  if (const auto info = fs.Stat(path); info.ok()) {
    return info->is_directory ? absl::OkStatus()
                              : absl::AlreadyExistsError(absl::StrCat(path, " is not a directory"));
  }
  const std::string parent = ParentPath(path);
  if (parent != path && parent != ".") WEIR_RETURN_IF_ERROR(CreateDirectories(fs, parent));
  WEIR_RETURN_IF_ERROR(fs.CreateDirectory(path));
  return fs.SyncDirectory(parent);
}

namespace {

absl::Status RemoveContent(FileSystem& fs, const std::string& path,
                           const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string child = JoinPath(path, name);
    const absl::StatusOr<FileInfo> info = fs.Stat(child);
    absl::Status removed = info.status();
    if (info.ok()) removed = info->is_directory ? RemoveTree(fs, child) : fs.Remove(child);
    // Somebody else has removed it.
    if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RemoveTree(FileSystem& fs, const std::string& path) {
  absl::Status removed;
  for (int tries = 0; tries < kRemoveTries; ++tries) {
    const absl::StatusOr<std::vector<std::string>> names = fs.List(path);
    if (absl::IsNotFound(names.status())) return absl::OkStatus();
    if (!names.ok()) return names.status();
    // Nothing was in it, and it did not go all the same.
    if (tries > 0 && names->empty()) return removed;
    WEIR_RETURN_IF_ERROR(RemoveContent(fs, path, *names));
    removed = fs.Remove(path);
    if (removed.ok() || absl::IsNotFound(removed)) return absl::OkStatus();
  }
  return removed;
}

}  // namespace weir
