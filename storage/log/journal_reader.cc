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
                   ". Acknowledged records may be in the damaged part, so the start stops here; "
                   "journal and recovery point stay as they are. Restore the data "
                   "directory from a backup, or look at the file with 'weir log dump'."));
}

// A ring holds no more rounds than this: each takes a block at least.
constexpr uint64_t kRoundsOfARing =
    limits::kJournalFilesMost * (limits::kJournalFileBytesLargest / limits::kJournalBlock);

// The first place at or behind `from` where a round later than `last` verifies; nothing when there
// is none. `known`: a round that was surely written, however late.
std::optional<int64_t> FindRound(const JournalFileHeader& header, absl::string_view content,
                                 int64_t from, RoundNumber last, RoundNumber known) {
  // The bound keeps record data that looks like a round from costing a CRC of megabytes.
  const uint64_t most = std::max(last, known).value() + kRoundsOfARing;
  for (int64_t at = from; at + int64_t{kRoundHeadBytes} <= static_cast<int64_t>(content.size());
       at += limits::kJournalBlock) {
    const uint64_t number = LoadLittle<uint64_t>(content.data() + at + 8);
    if (number <= last.value() || number > most) continue;
    if (DecodeRound(header, content.substr(static_cast<size_t>(at)))) return at;
  }
  return std::nullopt;
}

// A file of the ring; its header may be missing.
struct Found {
  std::string path;
  int64_t size = 0;
  std::optional<JournalFileHeader> header;
};

absl::StatusOr<std::vector<Found>> FindFiles(FileSystem& fs, const std::string& data_directory) {
  std::vector<Found> files;
  absl::StatusOr<std::vector<std::string>> names = fs.List(JournalDirectory(data_directory));
  if (absl::IsNotFound(names.status())) return files;
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!ParseJournalName(name)) continue;
    const std::string path = JoinPath(JournalDirectory(data_directory), name);
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs.Open(path, OpenMode::kRead));
    std::string block(limits::kJournalBlock, '\0');
    WEIR_ASSIGN_OR_RETURN(const size_t n, file->ReadAt(FilePosition{0}, absl::MakeSpan(block)));
    WEIR_ASSIGN_OR_RETURN(const int64_t size, file->Size());
    files.push_back({path, size, DecodeJournalFileHeader(absl::string_view(block).substr(0, n))});
  }
  return files;
}

std::vector<JournalReader::RingFile> InOrder(const std::vector<Found>& found) {
  std::vector<JournalReader::RingFile> files;
  for (const Found& file : found) {
    if (file.header) files.push_back({file.path, *file.header});
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.header.sequence < b.header.sequence; });
  return files;
}

}  // namespace

absl::StatusOr<std::vector<JournalReader::RingFile>> JournalReader::List(
    FileSystem& fs, const std::string& data_directory) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<Found> found, FindFiles(fs, data_directory));
  return InOrder(found);
}

absl::Status JournalReader::Read(FileSystem& fs, const std::string& data_directory,
                                 const RecoveryPoint::Position& from,
                                 const std::function<absl::Status(const JournalRound&)>& visit) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<Found> found, FindFiles(fs, data_directory));
  std::vector<RingFile> files = InOrder(found);
  std::erase_if(files, [&](const RingFile& file) {
    return file.header.uuid != from.journal || file.header.sequence < from.oldest_live;
  });
  if (files.empty() || files.front().header.sequence != from.oldest_live) {
    return Corrupt(JournalDirectory(data_directory), 0,
                   absl::StrCat("the journal file with sequence ", from.oldest_live.value(),
                                " is missing or its header is damaged"));
  }
  RoundNumber last{0};
  const RingFile* end_file = &files.front();  // where the rounds end that were read so far
  int64_t end = limits::kJournalBlock;
  for (const RingFile& file : files) {
    WEIR_ASSIGN_OR_RETURN(const std::string content, ReadFile(fs, file.path));
    if (static_cast<int64_t>(content.size()) < file.header.file_bytes) {
      return Corrupt(file.path, static_cast<int64_t>(content.size()),
                     absl::StrCat("the file, which was made with ", file.header.file_bytes,
                                  " bytes, is cut off"));
    }
    int64_t at = limits::kJournalBlock;
    while (at < static_cast<int64_t>(content.size())) {
      const auto round =
          DecodeRound(file.header, absl::string_view(content).substr(static_cast<size_t>(at)));
      if (!round) break;
      // Each round follows the one before, also from file to file. The oldest file may begin with
      // rounds that are not needed any more, but no later than with the first that is.
      const bool begins = last.value() == 0 && file.header.sequence == from.oldest_live;
      const RoundNumber before = begins ? from.through : last;
      if (begins ? round->number > before + 1 : round->number != before + 1) {
        return Corrupt(end_file->path, end,
                       absl::StrCat("rounds between ", before.value(), " and ",
                                    round->number.value(), " are missing"));
      }
      last = round->number;
      if (round->number > from.through) WEIR_RETURN_IF_ERROR(visit(*round));
      at += RoundUpToBlock(round->size);
      end_file = &file;
      end = at;
    }
    if (FindRound(file.header, content, at, last, from.through))
      return Corrupt(file.path, at, "a round that does not verify is followed by a valid one");
    end_file = &file;
    end = at;
  }
  // The recovery point was saved after these rounds had been flushed.
  if (last.value() != 0 && last < from.through) {
    return Corrupt(end_file->path, end,
                   absl::StrCat("rounds from ", last.value() + 1, " to ", from.through.value(),
                                " are missing"));
  }
  // The next file's header can be torn, but only together with its first round.
  const JournalFileHeader next{from.journal, files.back().header.sequence + 1};
  for (const Found& file : found) {
    if (file.header) continue;
    if (file.size < limits::kJournalBlock)
      return Corrupt(file.path, file.size, "the file is cut off within its header");
    WEIR_ASSIGN_OR_RETURN(const std::string content, ReadFile(fs, file.path));
    if (FindRound(next, content, limits::kJournalBlock, last + 1, from.through))
      return Corrupt(file.path, 0, "the header does not verify, but rounds follow it");
  }
  return absl::OkStatus();
}

}  // namespace weir
