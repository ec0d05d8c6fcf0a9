#include "storage/log/redo.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "storage/log/file_names.h"
#include "storage/record/record_batch.h"

namespace weir {
namespace {

absl::Status Senseless(RoundNumber round, const TopicPartition& id) {
  return absl::DataLossError(absl::StrCat(
      "the journal's round ", round.value(), " has an entry for partition ", id.topic.ToString(),
      "/", id.partition.value(),
      " that makes no sense; the start stops here, journal and recovery point stay as they are"));
}

}  // namespace

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

void Redo::MoveInward(const Step& step) {
  const JournalEntry& entry = *step.entry;
  PartitionState& state = step.target->state;
  if (entry.payload.size() != sizeof(int64_t)) return;
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

absl::StatusOr<bool> Redo::RecordsAreGone(const Step& step) {
  const std::string directory =
      PartitionDirectory(options_.data_directory, step.entry->head.partition);
  const absl::StatusOr<std::vector<std::string>> names = fs_.List(directory);
  if (absl::IsNotFound(names.status())) return true;
  if (!names.ok()) return names.status();
  std::optional<Offset> holds;  // the segment of the log start
  for (const std::string& name : *names) {
    const std::optional<Offset> base = ParseSegmentName(name);
    if (base.has_value() && *base <= step.target->state.log_start) holds = std::max(holds, base);
  }
  if (!holds.has_value()) return true;
  // The redo may have made the file anew, for what lay behind.
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                        fs_.Open(JoinPath(directory, SegmentName(*holds)), OpenMode::kRead));
  std::array<char, kBatchHeaderBytes> first;
  WEIR_ASSIGN_OR_RETURN(const size_t size, file->ReadAt(FilePosition{0}, absl::MakeSpan(first)));
  return size < first.size() ||
         !ValidateBatchHeader(DecodeBatchHeader(first.data()), limits::kRequestBytes).ok();
}

absl::Status Redo::StopAt(absl::Span<const Step> steps) {
  for (const Step& step : steps) {
    if (step.entry->head.kind == EntryKind::kAppend) {
      step.target->stopped = true;
      round_is_whole_ = false;
      continue;
    }
    WEIR_ASSIGN_OR_RETURN(const bool gone, RecordsAreGone(step));
    if (gone) MoveInward(step);
  }
  return absl::OkStatus();
}

absl::Status Redo::CheckAppend(RoundNumber round, const Step& step) const {
  const auto& [head, payload] = *step.entry;
  Ends& ahead = step.target->ahead;
  if (payload.size() < kBatchHeaderBytes) return Senseless(round, head.partition);
  const RecordBatchHeader header = DecodeBatchHeader(payload.data());
  // Behind the batch before, or at the start of a new segment.
  const bool goes_on = head.segment_base == ahead.segment_base && head.position == ahead.position;
  const bool begins = head.segment_base == ahead.log_end && head.position.value() == 0;
  if (!ValidateBatchHeader(header, limits::kRequestBytes).ok() || !(goes_on || begins) ||
      header.base_offset != ahead.log_end || header.leader_epoch < ahead.epoch ||
      header.size_bytes() != int64_t{head.size}) {
    return Senseless(round, head.partition);
  }
  WEIR_RETURN_IF_ERROR(CheckEpoch(head.partition, header.leader_epoch));
  ahead.log_end = header.next_offset();
  ahead.segment_base = head.segment_base;
  ahead.position = head.position + header.size_bytes();
  ahead.epoch = header.leader_epoch;
  return absl::OkStatus();
}

absl::Status Redo::Check(RoundNumber round, const Step& step) const {
  const auto& [head, payload] = *step.entry;
  if (head.segment_base < Offset{0} || head.position < FilePosition{0} ||
      head.position.value() > UINT32_MAX) {
    return Senseless(round, head.partition);
  }
  if (head.kind == EntryKind::kAppend) return CheckAppend(round, step);
  if (head.kind != EntryKind::kTruncate && head.kind != EntryKind::kLogStart) {
    return absl::DataLossError(
        absl::StrCat("the journal's round ", round.value(), " has an entry of unknown kind ",
                     static_cast<int>(head.kind), "; it was written by a newer version of Weir"));
  }
  Ends& ahead = step.target->ahead;
  if (payload.size() != sizeof(int64_t)) return Senseless(round, head.partition);
  const Offset to{LoadLittle<int64_t>(payload.data())};
  if (to > ahead.log_end || to < ahead.log_start) return Senseless(round, head.partition);
  (head.kind == EntryKind::kTruncate ? ahead.log_end : ahead.log_start) = to;
  ahead.segment_base = head.segment_base;
  ahead.position = head.position;
  return absl::OkStatus();
}

void Redo::Note(const Step& step) {
  const auto& [head, payload] = *step.entry;
  PartitionState& state = step.target->state;
  if (head.kind == EntryKind::kAppend) {
    state.NoteAppend(DecodeBatchHeader(payload.data()), head.segment_base, head.position, now_ms_);
    return;
  }
  const Offset to{LoadLittle<int64_t>(payload.data())};
  if (head.kind == EntryKind::kTruncate) {
    state.NoteTruncate(to, head.segment_base, head.position);
  } else {
    state.NoteLogStart(to, head.segment_base, head.position);
  }
}

absl::Status Redo::ApplyEntries(RoundNumber round, absl::Span<const JournalEntry> entries) {
  absl::InlinedVector<Step, 1> steps;
  bool whole = true;
  for (const JournalEntry& entry : entries) {
    if (Deleted(entry.head.partition)) continue;
    Target& target = targets_[entry.head.partition];
    const PartitionState& state = target.state;
    if (round <= state.as_of) continue;  // a checkpoint saved this partition later
    target.redone = true;
    target.ahead = {state.log_start, state.log_end, state.segment_base, state.position,
                    state.epochs.latest()};
    whole = whole && !(target.stopped && entry.head.kind == EntryKind::kAppend);
    steps.push_back({&entry, &target});
  }
  // An atomic append is in all of its partitions before any of them goes on.
  for (const Step& step : steps) {
    if (!whole) break;
    if (step.target->stopped) continue;
    WEIR_RETURN_IF_ERROR(Check(round, step));
    if (step.entry->head.kind != EntryKind::kAppend) continue;
    WEIR_ASSIGN_OR_RETURN(whole, WriteBatch(*step.entry));
  }
  if (!whole) return StopAt(steps);
  for (const Step& step : steps) {
    if (step.target->stopped) {
      MoveInward(step);
    } else {
      Note(step);
    }
    if (!step.target->state.MakesSense()) return Senseless(round, step.entry->head.partition);
  }
  return absl::OkStatus();
}

absl::Status Redo::ApplyRound(const JournalRound& round) {
  round_is_whole_ = true;
  absl::Span<const JournalEntry> rest = round.entries;
  while (!rest.empty()) {
    size_t count = 1;
    while (count <= rest.size() && rest[count - 1].head.with_next) ++count;
    if (count > rest.size()) return Senseless(round.number, rest.back().head.partition);
    WEIR_RETURN_IF_ERROR(ApplyEntries(round.number, rest.first(count)));
    rest.remove_prefix(count);
  }
  ++(round_is_whole_ ? report_->rounds_redone : report_->rounds_not_redone);
  return absl::OkStatus();
}

// Cuts the segment that is appended to at the partition's end, unless there was no space: what lies
// behind may be what was acknowledged. Anything short of the end is damage, which is reported and
// kept aside; without space the next start keeps it, nothing is changed before.
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
  if (info.ok() && no_space_.ok()) {
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

RecoveryPoint::States Redo::TakeStates(RoundNumber as_of) {
  RecoveryPoint::States states;
  for (auto& [id, target] : targets_) {
    target.state.as_of = as_of;
    target.state.EncodeTo(&states[id]);
  }
  return states;
}

}  // namespace weir
