#include "tools/bench/process_stats.h"

#include <unistd.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "storage/base/check.h"
#include "storage/base/file_system.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// Files of /proc have no size, so ReadFile cannot read them.
absl::StatusOr<std::string> ReadProc(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                        FileSystem::Posix().Open(path, OpenMode::kRead));
  std::string content(16 * limits::kKiB, '\0');
  WEIR_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(FilePosition{0}, absl::MakeSpan(content)));
  content.resize(n);
  return content;
}

// "VmRSS:     1234 kB".
int64_t KilobytesOf(absl::string_view line) {
  const std::vector<absl::string_view> words =
      absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  int64_t kilobytes = 0;
  return words.size() > 1 && absl::SimpleAtoi(words[1], &kilobytes) ? kilobytes * limits::kKiB : 0;
}

}  // namespace

absl::StatusOr<ProcessStats> ProcessStats::Of(pid_t pid) {
  WEIR_ASSIGN_OR_RETURN(const std::string stat, ReadProc(absl::StrCat("/proc/", pid, "/stat")));
  WEIR_ASSIGN_OR_RETURN(const std::string status, ReadProc(absl::StrCat("/proc/", pid, "/status")));
  ProcessStats stats;
  // The name, in parentheses, may hold anything; the fields behind it are counted from 3 in
  // proc(5). utime is 14, stime 15.
  const absl::string_view behind_name = absl::string_view(stat).substr(stat.rfind(')') + 1);
  const std::vector<absl::string_view> fields = absl::StrSplit(behind_name, ' ', absl::SkipEmpty());
  int64_t user = 0;
  int64_t system = 0;
  if (fields.size() < 13 || !absl::SimpleAtoi(fields[11], &user) ||
      !absl::SimpleAtoi(fields[12], &system)) {
    return absl::InternalError(absl::StrCat("/proc/", pid, "/stat makes no sense"));
  }
  stats.cpu =
      absl::Seconds(static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK)));
  for (const absl::string_view line : absl::StrSplit(status, '\n')) {
    if (absl::StartsWith(line, "VmRSS:")) stats.resident_bytes = KilobytesOf(line);
    if (absl::StartsWith(line, "VmHWM:")) stats.peak_bytes = KilobytesOf(line);
  }
  return stats;
}

}  // namespace weir
