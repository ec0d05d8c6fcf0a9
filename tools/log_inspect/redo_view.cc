#include "tools/log_inspect/redo_view.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/log/file_names.h"
#include "storage/record/record_batch.h"

namespace weir {
namespace {

// How often a journal that changes under the reader is read again.
constexpr int kTries = 10;

absl::Status Senseless(RoundNumber round, const JournalEntry& entry, absl::string_view what) {
  return absl::DataLossError(
      absl::StrCat("the journal's round ", round.value(), " has an entry for partition ",
                   entry.head.partition.topic.ToString(), "/",
                   entry.head.partition.partition.value(), " that makes no sense: ", what));
}

}  // namespace

absl::Status RedoView::ApplyEntry(RoundNumber round, const JournalEntry& entry) {
  PartitionView& view = partitions_[entry.head.partition];
  if (round <= view.state.as_of)
    return absl::OkStatus();  // a checkpoint saved this partition later
  const EntryHead& head = entry.head;
  if (head.kind == EntryKind::kAppend) {
    if (entry.payload.size() < kBatchHeaderBytes)
      return Senseless(round, entry, "shorter than a batch's header");
    const RecordBatchHeader header = DecodeBatchHeader(entry.payload.data());
    WEIR_RETURN_IF_ERROR(ValidateBatchHeader(header, limits::kRequestBytes));
    if (header.base_offset != view.state.log_end) {
      return Senseless(round, entry,
                       absl::StrCat("its batch begins at offset ", header.base_offset.value(),
                                    ", the log ends at ", view.state.log_end.value()));
    }
    if (header.leader_epoch < view.state.epochs.latest())
      return Senseless(round, entry, "its epoch goes back");
    if (header.size_bytes() != int64_t{head.size})
      return Senseless(round, entry, "its size is not its batch's");
    view.state.NoteAppend(header, head.segment_base, head.position, /*now_ms=*/0);
    view.journal.push_back({head.segment_base, head.position, header.base_offset,
                            header.next_offset(), head.size, header.crc});
    return absl::OkStatus();
  }
  if (head.kind != EntryKind::kTruncate && head.kind != EntryKind::kLogStart) {
    return Senseless(round, entry, absl::StrCat("unknown kind ", static_cast<int>(head.kind)));
  }
  if (entry.payload.size() != sizeof(int64_t)) return Senseless(round, entry, "wrong size");
  const Offset to{LoadLittle<int64_t>(entry.payload.data())};
  if (to > view.state.log_end || to < view.state.log_start)
    return Senseless(round, entry, "outside the log");
  if (head.kind == EntryKind::kLogStart) {
    view.state.NoteLogStart(to, head.segment_base, head.position);
    return absl::OkStatus();
  }
  view.state.NoteTruncate(to, head.segment_base, head.position);
  std::erase_if(view.journal, [&](const JournaledBatch& batch) { return batch.base_offset >= to; });
  if (to < view.flushed_offset) {
    view.flushed_offset = to;
    view.flushed_base = head.segment_base;
    view.flushed_position = head.position;
  }
  return absl::OkStatus();
}

absl::Status RedoView::Apply(const JournalRound& round) {
  ++rounds_;
  last_round_ = round.number;
  for (const JournalEntry& entry : round.entries)
    WEIR_RETURN_IF_ERROR(ApplyEntry(round.number, entry));
  return absl::OkStatus();
}

absl::StatusOr<RedoView> RedoView::LoadOnce(FileSystem& fs, const std::string& data_directory) {
  RedoView view;
  const absl::StatusOr<RecoveryPoint> point =
      RecoveryPoint::Load(fs, RecoveryPointPath(data_directory));
  if (absl::IsNotFound(point.status())) {
    const absl::StatusOr<std::vector<std::string>> logs = fs.List(LogsDirectory(data_directory));
    if (!logs.ok() || logs->empty()) return view;
    return absl::DataLossError(
        absl::StrCat(RecoveryPointPath(data_directory),
                     " is missing, but there are logs: nothing says which data is complete"));
  }
  WEIR_RETURN_IF_ERROR(point.status());
  view.has_recovery_point_ = true;
  view.position_ = point->position();
  view.last_round_ = view.position_.through;
  for (const auto& [id, bytes] : point->states()) {
    PartitionView& partition = view.partitions_[id];
    ByteReader in(bytes);
    if (!partition.state.DecodeFrom(&in) || !in.rest().empty()) {
      return absl::DataLossError(absl::StrCat(RecoveryPointPath(data_directory),
                                              ": the state of partition ", id.topic.ToString(), "/",
                                              id.partition.value(), " makes no sense"));
    }
    partition.flushed_offset = partition.state.log_end;
    partition.flushed_base = partition.state.segment_base;
    partition.flushed_position = partition.state.position;
  }
  WEIR_RETURN_IF_ERROR(
      JournalReader::Read(fs, data_directory, view.position_,
                          [&view](const JournalRound& round) { return view.Apply(round); }));
  return view;
}

absl::StatusOr<RedoView> RedoView::Load(FileSystem& fs, const std::string& data_directory) {
  absl::StatusOr<RedoView> view = LoadOnce(fs, data_directory);
  for (int i = 1; i < kTries && absl::IsDataLoss(view.status()); ++i) {
    const absl::Status before = view.status();
    view = LoadOnce(fs, data_directory);
    if (view.status() == before) break;
  }
  return view;
}

}  // namespace weir
