#include "tools/log_inspect/journal_dump.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {

absl::StatusOr<JournalFileSummary> DumpJournal(
    FileSystem& fs, const std::string& path,
    const std::function<bool(FilePosition, const JournalRound&)>& visit) {
  WEIR_ASSIGN_OR_RETURN(const std::string content, ReadFile(fs, path));
  const absl::string_view bytes = content;
  const std::optional<JournalFileHeader> header =
      DecodeJournalFileHeader(bytes.substr(0, static_cast<size_t>(limits::kJournalBlock)));
  if (!header) {
    return absl::DataLossError(absl::StrCat(
        path, " has no valid header: it was never written, is damaged, or is of a newer version"));
  }
  JournalFileSummary summary{.header = *header, .file_bytes = static_cast<int64_t>(content.size())};
  int64_t at = limits::kJournalBlock;
  while (at < summary.file_bytes) {
    const std::optional<JournalRound> round =
        DecodeRound(*header, bytes.substr(static_cast<size_t>(at)));
    if (!round || !visit(FilePosition{at}, *round)) break;
    ++summary.rounds;
    at += RoundUpToBlock(round->size);
  }
  summary.used_bytes = std::min(at, summary.file_bytes);
  return summary;
}

}  // namespace weir
