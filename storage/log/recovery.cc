#include "storage/log/recovery.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/log/file_names.h"
#include "storage/log/journal_reader.h"
#include "storage/log/redo.h"

namespace weir {
namespace {

// Removes what an interrupted replacement left, and the directories of deleted topics; reports what
// belongs to nobody.
absl::Status CleanUp(const RecoveryOptions& options, RecoveryReport* report) {
  FileSystem& fs = *options.file_system;
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> top, fs.List(options.data_directory));
  for (const std::string& name : top) {
    if (!absl::EndsWith(name, kTemporarySuffix)) continue;
    WEIR_RETURN_IF_ERROR(fs.Remove(JoinPath(options.data_directory, name)));
    report->notes.push_back(absl::StrCat("removed the unfinished file ", name));
  }
  const std::string logs = LogsDirectory(options.data_directory);
  absl::StatusOr<std::vector<std::string>> topics = fs.List(logs);
  if (absl::IsNotFound(topics.status())) return CreateDirectories(fs, logs);
  if (!topics.ok()) return topics.status();
  for (const std::string& name : *topics) {
    const std::optional<TopicId> id = TopicId::Parse(name);
    if (id && options.deleted_topics.contains(*id)) {
      WEIR_RETURN_IF_ERROR(RemoveTree(fs, JoinPath(logs, name)));
      report->notes.push_back(absl::StrCat("finished the deletion of topic ", name));
    } else if (!id || !options.live_topics.contains(*id)) {
      report->unknown_directories.push_back(JoinPath(logs, name));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RecoveredLog> Recover(const RecoveryOptions& options, RecoveryReport* report) {
  FileSystem& fs = *options.file_system;
  const std::string& data = options.data_directory;
  // 1. Remove what is unfinished, read the recovery point. (The caller has made room: DiskReserve.)
  WEIR_RETURN_IF_ERROR(CleanUp(options, report));
  WEIR_ASSIGN_OR_RETURN(const std::vector<JournalReader::RingFile> ring,
                        JournalReader::List(fs, data));
  absl::StatusOr<RecoveryPoint> loaded = RecoveryPoint::Load(fs, RecoveryPointPath(data));
  const bool fresh = absl::IsNotFound(loaded.status());
  if (fresh) {
    // The first journal file comes before the first recovery point, and before any log.
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> topics, fs.List(LogsDirectory(data)));
    if (!topics.empty()) {
      return absl::DataLossError(absl::StrCat(
          RecoveryPointPath(data), " is missing, but there are logs in ", LogsDirectory(data),
          ". Restore the file or the data directory from a backup; no log was touched."));
    }
    loaded = RecoveryPoint(fs, RecoveryPointPath(data));
  }
  WEIR_RETURN_IF_ERROR(loaded.status());
  RecoveryPoint::Position position = loaded->position();
  report->clean = fresh || position.clean;

  // 2. and 3. Read the ring and redo what is newer than the recovery point.
  Redo redo(options, report);
  WEIR_RETURN_IF_ERROR(redo.LoadStates(loaded->states()));
  RoundNumber last = position.through;
  if (!fresh) {
    WEIR_RETURN_IF_ERROR(JournalReader::Read(fs, data, position, [&](const JournalRound& round) {
      last = std::max(last, round.number);
      return redo.ApplyRound(round);
    }));
  }

  // 4. Cut each partition where recovery point and journal say it ends.
  WEIR_RETURN_IF_ERROR(redo.CutAll());

  // 5. Flush everything; the caller replaces the recovery point.
  // Without space too: what is shown to readers must at least be in the journal for good.
  if (!report->clean || report->rounds_redone > 0) {
    if (const absl::Status synced = fs.SyncAll(data); !synced.ok()) return FlushFailed(synced);
  }
  // A torn round may have used the next number, and a file whose header was lost the next sequence:
  // both are skipped.
  RecoveredLog recovered{.no_space = redo.no_space(),
                         .fresh = fresh,
                         .point = *std::move(loaded),
                         .position = position,
                         .states = {},
                         .damaged = redo.TakeDamaged(),
                         .next_round = last + 2,
                         .live_from = position.oldest_live,
                         .next_sequence = position.oldest_live};
  for (const auto& file : ring)
    recovered.next_sequence = std::max(recovered.next_sequence, file.header.sequence);
  recovered.next_sequence = recovered.next_sequence + 2;
  if (fresh) recovered.position.journal = options.journal_uuid;
  recovered.position.through = recovered.next_round - 1;
  recovered.position.oldest_live = recovered.next_sequence;
  recovered.position.clean = false;
  recovered.states = redo.TakeStates(recovered.position.through);
  report->partitions = static_cast<int64_t>(recovered.states.size());
  return recovered;
}

}  // namespace weir
