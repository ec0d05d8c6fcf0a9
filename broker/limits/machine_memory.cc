#include "broker/limits/machine_memory.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr size_t kLargestSystemFile = 64 * 1024;
constexpr absl::string_view kGroups = "/sys/fs/cgroup";
constexpr absl::string_view kGroupsV1 = "/sys/fs/cgroup/memory";

// Files of /proc and /sys say that they are empty, so they are read to their end instead of by
// their size.
absl::StatusOr<std::string> ReadSystemFile(FileSystem& fs, const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(path, OpenMode::kRead));
  std::string content(kLargestSystemFile, '\0');
  WEIR_ASSIGN_OR_RETURN(const size_t size, file->ReadAt(FilePosition{0}, absl::MakeSpan(content)));
  content.resize(size);
  return content;
}

absl::StatusOr<int64_t> MachineMemory(FileSystem& fs) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadSystemFile(fs, "/proc/meminfo"));
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (!absl::ConsumePrefix(&line, "MemTotal:") || !absl::ConsumeSuffix(&line, "kB")) continue;
    int64_t kib = 0;
    if (absl::SimpleAtoi(line, &kib) && kib > 0) return kib * limits::kKiB;
  }
  return absl::InternalError("/proc/meminfo has no line MemTotal");
}

// Nothing when there is no such file or it sets no limit ("max").
std::optional<int64_t> LimitIn(FileSystem& fs, const std::string& path) {
  const absl::StatusOr<std::string> text = ReadSystemFile(fs, path);
  int64_t bytes = 0;
  if (!text.ok() || !absl::SimpleAtoi(*text, &bytes) || bytes <= 0) return std::nullopt;
  return bytes;
}

// The smallest limit from `group` (as /proc/self/cgroup names it) up to the root of its hierarchy.
int64_t SmallestLimit(FileSystem& fs, absl::string_view root, std::string group,
                      absl::string_view file, int64_t most) {
  while (true) {
    const std::string directory = absl::StrCat(root, group == "/" ? "" : group);
    if (const auto limit = LimitIn(fs, JoinPath(directory, file))) most = std::min(most, *limit);
    if (group.empty() || group == "/") return most;
    group = ParentPath(group);
  }
}

}  // namespace

absl::StatusOr<int64_t> AvailableMemory(FileSystem& fs) {
  WEIR_ASSIGN_OR_RETURN(int64_t memory, MachineMemory(fs));
  const absl::StatusOr<std::string> groups = ReadSystemFile(fs, "/proc/self/cgroup");
  if (!groups.ok()) return memory;
  for (const absl::string_view line : absl::StrSplit(*groups, '\n')) {
    // hierarchy:controllers:path; version 2 has no controllers.
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3 || !absl::StartsWith(parts[2], "/")) continue;
    const std::vector<std::string> controllers = absl::StrSplit(parts[1], ',');
    if (parts[1].empty()) {
      memory = SmallestLimit(fs, kGroups, parts[2], "memory.max", memory);
    } else if (std::find(controllers.begin(), controllers.end(), "memory") != controllers.end()) {
      memory = SmallestLimit(fs, kGroupsV1, parts[2], "memory.limit_in_bytes", memory);
    }
  }
  return memory;
}

absl::StatusOr<int64_t> DefaultMemoryLimit(FileSystem& fs) {
  WEIR_ASSIGN_OR_RETURN(const int64_t memory, AvailableMemory(fs));
  return std::max(memory / 4 / limits::kMiB * limits::kMiB, limits::kMemoryLimitSmallest);
}

}  // namespace weir
