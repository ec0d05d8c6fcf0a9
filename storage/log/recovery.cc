#include "storage/log/recovery.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "storage/log/file_names.h"
#include "storage/log/journal_reader.h"

namespace weir {
namespace {

class Redo {
 public:
  Redo(const RecoveryOptions& options, RecoveryReport* report)
      : options_(options),
        fs_(*options.file_system),
        report_(report),
        now_ms_(options.clock->NowMs()) {}

  absl::Status LoadStates(const RecoveryPoint::States& states);
  absl::Status ApplyRound(const JournalRound& round);
  absl::Status CutAll();
  // OK, or the first error of a write that found no space.
  const absl::Status& no_space() const { return no_space_; }
  absl::StatusOr<RecoveryPoint::States> TakeStates(RoundNumber as_of);
  absl::flat_hash_map<TopicPartition, std::string> TakeDamaged() { return std::move(damaged_); }

 private:
  struct Target {
    PartitionState state;
    bool redone = false;
    bool stopped = false;  // there was no space for a batch: the log ends in front of it
  };
  bool Deleted(const TopicPartition& id) const {
    return options_.deleted_topics.contains(id.topic);
  }
  // Records of a later start than this one: what tells the starts apart was lost.
  absl::Status CheckEpoch(const TopicPartition& id, LeaderEpoch epoch) const;
  absl::Status ApplyEntry(RoundNumber round, const JournalEntry& entry);
  // What can be done for a partition that has stopped: what moves its ends inward.
  void ApplyToStopped(const JournalEntry& entry, Target* target);
  // False: there was no space, and the file does not hold the batch already.
  absl::StatusOr<bool> WriteBatch(const JournalEntry& entry);
  absl::Status WriteBytes(const JournalEntry& entry);
  bool IsThere(const JournalEntry& entry);
  void NoteNoSpace(const absl::Status& cause) { no_space_.Update(cause); }
  absl::StatusOr<File*> OpenSegment(const TopicPartition& id, Offset base);
  absl::Status Cut(const TopicPartition& id, const PartitionState& state);

  const RecoveryOptions& options_;
  FileSystem& fs_;
  RecoveryReport* const report_;
  const int64_t now_ms_;
  absl::flat_hash_map<TopicPartition, Target> targets_;
  absl::flat_hash_map<TopicPartition, std::string> damaged_;
  std::string open_path_;  // the segment that was written last stays open for the next batch
  std::unique_ptr<File> open_file_;
  absl::Status no_space_;
  bool round_is_whole_ = true;  // everything of the round under way is in its files
};

absl::Status Redo::LoadStates(const RecoveryPoint::States& states) {
  for (const auto& [id, bytes] : states) {
    if (Deleted(id)) continue;
    ByteReader in(bytes);
    PartitionState& state = targets_[id].state;
    if (!state.DecodeFrom(&in) || !in.rest().empty()) {
      return absl::DataLossError(
          absl::StrCat(RecoveryPointPath(options_.data_directory), ": the state of partition ",
                       id.topic.ToString(), "/", id.partition.value(),
                       " makes no sense; restore the data directory from a backup"));
    }
    WEIR_RETURN_IF_ERROR(CheckEpoch(id, state.epochs.latest()));
  }
  return absl::OkStatus();
}

absl::Status Redo::CheckEpoch(const TopicPartition& id, LeaderEpoch epoch) const {
  if (epoch <= options_.leader_epoch) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      "partition ", id.topic.ToString(), "/", id.partition.value(), " has records of leader epoch ",
      epoch.value(), ", but this start has epoch ", options_.leader_epoch.value(),
      ": the counter of starts was set back. Restore weir.meta, or the data directory, from a "
      "backup."));
}

absl::StatusOr<File*> Redo::OpenSegment(const TopicPartition& id, Offset base) {
  const std::string directory = PartitionDirectory(options_.data_directory, id);
  const std::string path = JoinPath(directory, SegmentName(base));
  if (path == open_path_) return open_file_.get();
  open_path_.clear();
  absl::StatusOr<std::unique_ptr<File>> file = fs_.Open(path, OpenMode::kCreate);
  if (absl::IsNotFound(file.status())) {
    WEIR_RETURN_IF_ERROR(fs_.CreateDirectory(LogsDirectory(options_.data_directory)));
    WEIR_RETURN_IF_ERROR(fs_.CreateDirectory(ParentPath(directory)));
    WEIR_RETURN_IF_ERROR(fs_.CreateDirectory(directory));
    file = fs_.Open(path, OpenMode::kCreate);
  }
  WEIR_RETURN_IF_ERROR(file.status());
  open_file_ = *std::move(file);
  open_path_ = path;
  return open_file_.get();
}

absl::Status Redo::WriteBytes(const JournalEntry& entry) {
  WEIR_ASSIGN_OR_RETURN(File* const file,
                        OpenSegment(entry.head.partition, entry.head.segment_base));
  if (SeededBug("trust-file-instead-of-redo")) {
    WEIR_ASSIGN_OR_RETURN(const int64_t size, file->Size());
    if (size >= entry.head.position.value() + int64_t{entry.head.size}) return absl::OkStatus();
  }
  // Whatever the file holds: what reads back from memory after a crash need not be on the disk.
  WEIR_RETURN_IF_ERROR(file->Write(entry.head.position, entry.payload));
  ++report_->batches_redone;
  report_->bytes_redone += entry.head.size;
  return absl::OkStatus();
}

bool Redo::IsThere(const JournalEntry& entry) {
  const auto file =
      fs_.Open(JoinPath(PartitionDirectory(options_.data_directory, entry.head.partition),
                        SegmentName(entry.head.segment_base)),
               OpenMode::kRead);
  if (!file.ok()) return false;
  std::string bytes(entry.payload.size(), '\0');
  const absl::StatusOr<size_t> read = (*file)->ReadAt(entry.head.position, absl::MakeSpan(bytes));
  return read.ok() && *read == bytes.size() && bytes == entry.payload;
}

absl::StatusOr<bool> Redo::WriteBatch(const JournalEntry& entry) {
  const absl::Status written = WriteBytes(entry);
  if (written.ok()) return true;
  if (!absl::IsResourceExhausted(written)) return written;
  NoteNoSpace(written);
  return IsThere(entry);
}

void Redo::ApplyToStopped(const JournalEntry& entry, Target* target) {
  PartitionState& state = target->state;
  if (entry.head.kind == EntryKind::kAppend) {
    round_is_whole_ = false;
    return;
  }
  if (entry.payload.size() != 8) return;
  const Offset to{LoadLittle<int64_t>(entry.payload.data())};
  if (entry.head.kind == EntryKind::kLogStart && to >= state.log_end) {
    // Nothing is left, and the segment may be gone.
    state.NoteLogStart(state.log_end, state.log_end, FilePosition{0});
  } else if (entry.head.kind == EntryKind::kLogStart && to > state.log_start) {
    state.NoteLogStart(to, state.segment_base, state.position);
  } else if (entry.head.kind == EntryKind::kTruncate && to >= state.log_start &&
             to < state.log_end) {
    state.NoteTruncate(to, entry.head.segment_base, entry.head.position);
  }
}

absl::Status Redo::ApplyEntry(RoundNumber round, const JournalEntry& entry) {
  const EntryHead& head = entry.head;
  if (Deleted(head.partition)) return absl::OkStatus();
  Target& target = targets_[head.partition];
  if (round <= target.state.as_of)
    return absl::OkStatus();  // a checkpoint saved this partition later
  target.redone = true;
  if (target.stopped) {
    ApplyToStopped(entry, &target);
    return absl::OkStatus();
  }
  PartitionState& state = target.state;
  const auto senseless = [&] {
    return absl::DataLossError(absl::StrCat(
        "the journal's round ", round.value(), " has an entry for partition ",
        head.partition.topic.ToString(), "/", head.partition.partition.value(),
        " that makes no sense; the start stops here, journal and recovery point stay as they are"));
  };
  switch (head.kind) {
    case EntryKind::kAppend: {
      if (entry.payload.size() < kBatchHeaderBytes) return senseless();
      const RecordBatchHeader header = DecodeBatchHeader(entry.payload.data());
      // Behind the batch before, or at the start of a new segment.
      const bool goes_on =
          head.segment_base == state.segment_base && head.position == state.position;
      const bool begins = head.segment_base == state.log_end && head.position.value() == 0;
      if (!ValidateBatchHeader(header, limits::kRequestBytes).ok() || !(goes_on || begins) ||
          header.base_offset != state.log_end || header.leader_epoch < state.epochs.latest() ||
          header.size_bytes() != int64_t{head.size}) {
        return senseless();
      }
      WEIR_RETURN_IF_ERROR(CheckEpoch(head.partition, header.leader_epoch));
      WEIR_ASSIGN_OR_RETURN(const bool in_its_file, WriteBatch(entry));
      if (!in_its_file) {
        target.stopped = true;
        round_is_whole_ = false;
        return absl::OkStatus();
      }
      state.NoteAppend(header, head.segment_base, head.position, now_ms_);
      return state.MakesSense() ? absl::OkStatus() : senseless();
    }
    case EntryKind::kTruncate:
    case EntryKind::kLogStart: {
      if (entry.payload.size() != 8) return senseless();
      const Offset to{LoadLittle<int64_t>(entry.payload.data())};
      if (to > state.log_end || to < state.log_start) return senseless();
      if (head.kind == EntryKind::kTruncate) {
        state.NoteTruncate(to, head.segment_base, head.position);
      } else {
        state.NoteLogStart(to, head.segment_base, head.position);
      }
      return state.MakesSense() ? absl::OkStatus() : senseless();
    }
  }
  return absl::DataLossError(
      absl::StrCat("the journal's round ", round.value(), " has an entry of unknown kind ",
                   static_cast<int>(head.kind), "; it was written by a newer version of Weir"));
}

absl::Status Redo::ApplyRound(const JournalRound& round) {
  round_is_whole_ = true;
  for (const JournalEntry& entry : round.entries)
    WEIR_RETURN_IF_ERROR(ApplyEntry(round.number, entry));
  ++(round_is_whole_ ? report_->rounds_redone : report_->rounds_not_redone);
  return absl::OkStatus();
}

// Cuts the segment that is appended to at the partition's end, unless there was no space: what lies
// behind may be what was acknowledged. Anything short of the end is damage, which is kept and
// reported.
absl::Status Redo::Cut(const TopicPartition& id, const PartitionState& state) {
  const std::string directory = PartitionDirectory(options_.data_directory, id);
  const std::string path = JoinPath(directory, SegmentName(state.segment_base));
  const absl::StatusOr<FileInfo> info = fs_.Stat(path);
  if (!info.ok() && !absl::IsNotFound(info.status())) return info.status();
  const int64_t size = info.ok() ? info->size : 0;
  int64_t end = state.position.value();
  if (SeededBug("cut-one-batch-too-far") && end > 0 && targets_[id].redone) end -= 1;
  if (size > end) {
    if (!no_space_.ok()) return absl::OkStatus();
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file, fs_.Open(path, OpenMode::kReadWrite));
    return file->Truncate(FilePosition{end});
  }
  if (size == end) return absl::OkStatus();
  std::string what = info.ok() ? absl::StrCat(path, " has ", size, " bytes, ", end, " were flushed")
                               : absl::StrCat(path, " is missing");
  if (info.ok()) {
    const absl::Status kept = fs_.Link(path, DamagedName(path));
    if (absl::IsResourceExhausted(kept)) {
      NoteNoSpace(kept);
    } else if (!kept.ok() && !absl::IsAlreadyExists(kept)) {
      return kept;
    }
  }
  report_->damaged.push_back({id, what});
  damaged_[id] = std::move(what);
  return absl::OkStatus();
}

absl::Status Redo::CutAll() {
  open_file_.reset();
  open_path_.clear();
  for (const auto& [id, target] : targets_) WEIR_RETURN_IF_ERROR(Cut(id, target.state));
  return absl::OkStatus();
}

absl::StatusOr<RecoveryPoint::States> Redo::TakeStates(RoundNumber as_of) {
  RecoveryPoint::States states;
  for (auto& [id, target] : targets_) {
    target.state.as_of = as_of;
    target.state.EncodeTo(&states[id]);
  }
  return states;
}

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
  WEIR_ASSIGN_OR_RETURN(recovered.states, redo.TakeStates(recovered.position.through));
  report->partitions = static_cast<int64_t>(recovered.states.size());
  return recovered;
}

}  // namespace weir
