#include "storage/log/journal_reader.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/log/file_names.h"

namespace weir {
namespace {

absl::Status Corrupt(const std::string& path, int64_t at, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat(path, ": ", what, " at byte ", at,
                   ". Acknowledged records may be in the damaged part, so the start stops here and "
                   "nothing was changed. Restore the data "
                   "directory from a backup, or look at the file with 'weir log dump'."));
}

// The first place at or behind `from` where a round later than `last` verifies; nothing when there
// is none.
std::optional<int64_t> FindRound(const JournalFileHeader& header, absl::string_view content,
                                 int64_t from, RoundNumber last) {
  // A round takes a block at least. The bound keeps record data that looks like a round from
  // costing a CRC of megabytes.
  const uint64_t most =
      last.value() + limits::kJournalFiles * (limits::kJournalFileBytes / limits::kJournalBlock);
  for (int64_t at = from; at + int64_t{kRoundHeadBytes} <= static_cast<int64_t>(content.size());
       at += limits::kJournalBlock) {
    const uint64_t number = LoadLittle<uint64_t>(content.data() + at + 8);
    if (number <= last.value() || number > most) continue;
    if (DecodeRound(header, content.substr(static_cast<size_t>(at)))) return at;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<std::vector<JournalReader::RingFile>> JournalReader::List(
    FileSystem& fs, const std::string& data_directory) {
  std::vector<RingFile> files;
  absl::StatusOr<std::vector<std::string>> names = fs.List(JournalDirectory(data_directory));
  if (absl::IsNotFound(names.status())) return files;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!ParseJournalName(name)) continue;
    const std::string path = JoinPath(JournalDirectory(data_directory), name);
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(path, OpenMode::kRead));
    std::string block(limits::kJournalBlock, '\0');
    WEIR_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(FilePosition{0}, absl::MakeSpan(block)));
    if (const auto header = DecodeJournalFileHeader(absl::string_view(block).substr(0, n))) {
      files.push_back({path, *header});
    }
  }
  std::sort(files.begin(), files.end(), [](const RingFile& a, const RingFile& b) {
    return a.header.sequence < b.header.sequence;
  });
  return files;
}

absl::Status JournalReader::Read(FileSystem& fs, const std::string& data_directory,
                                 const RecoveryPoint::Position& from,
                                 const std::function<absl::Status(const JournalRound&)>& visit) {
  WEIR_ASSIGN_OR_RETURN(std::vector<RingFile> files, List(fs, data_directory));
  std::erase_if(files, [&](const RingFile& file) {
    return file.header.uuid != from.journal || file.header.sequence < from.oldest_live;
  });
  if (files.empty() || files.front().header.sequence != from.oldest_live) {
    return Corrupt(JournalDirectory(data_directory), 0,
                   absl::StrCat("the journal file with sequence ", from.oldest_live.value(),
                                " is missing or its header is damaged"));
  }
  RoundNumber last{0};
  std::string torn_path;  // set once a round did not verify
  int64_t torn_at = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    const RingFile& file = files[i];
    WEIR_ASSIGN_OR_RETURN(const std::string content, ReadFile(fs, file.path));
    int64_t at = limits::kJournalBlock;
    if (i > 0 && file.header.sequence != files[i - 1].header.sequence + 1) {
      if (FindRound(file.header, content, at, last))
        return Corrupt(file.path, 0, "the journal file before this one is missing");
      continue;
    }
    while (torn_path.empty() && at < static_cast<int64_t>(content.size())) {
      const auto round =
          DecodeRound(file.header, absl::string_view(content).substr(static_cast<size_t>(at)));
      if (!round) break;
      if (round->number <= last) return Corrupt(file.path, at, "a round number goes back");
      last = round->number;
      if (round->number > from.through) WEIR_RETURN_IF_ERROR(visit(*round));
      at += RoundUpToBlock(round->size);
    }
    if (const auto later = FindRound(file.header, content, at, last)) {
      if (torn_path.empty()) {
        torn_path = file.path;
        torn_at = at;
      }
      return Corrupt(torn_path, torn_at, "a round that does not verify is followed by a valid one");
    }
    // The next file takes over wherever this one could not hold one more round; where it goes on
    // only the numbers can tell.
    const bool last_file = i + 1 == files.size();
    if (!last_file) {
      WEIR_ASSIGN_OR_RETURN(const std::string next, ReadFile(fs, files[i + 1].path));
      const auto first = DecodeRound(
          files[i + 1].header,
          absl::string_view(next).substr(std::min<size_t>(limits::kJournalBlock, next.size())));
      if (first && first->number != last + 1) {
        return Corrupt(file.path, at,
                       absl::StrCat("rounds between ", last.value(), " and ", first->number.value(),
                                    " are missing"));
      }
      if (!first) {
        torn_path = files[i + 1].path;
        torn_at = limits::kJournalBlock;
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace weir
