#include "broker/share/share_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/share/share_records.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/meta/share_keys.h"

namespace weir {
namespace {

absl::Status BadKey(absl::string_view key) {
  return absl::DataLossError(absl::StrCat("the state store of share groups has the key '",
                                          absl::CEscape(key), "', which means nothing"));
}

absl::StatusOr<int64_t> NumberOf(absl::string_view key, absl::string_view value) {
  if (value.size() != sizeof(int64_t)) return BadKey(key);
  return LoadBig<int64_t>(value.data());
}

}  // namespace

ShareEntry* ShareTable::Find(const SharePartitionId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

ShareEntry* ShareTable::Find(int64_t number) const {
  const auto found = entries_.find(number);
  return found == entries_.end() ? nullptr : found->second.get();
}

absl::StatusOr<ShareEntry*> ShareTable::Require(int64_t number) const {
  if (ShareEntry* const entry = Find(number)) return entry;
  return absl::DataLossError(
      absl::StrCat("a stored record is of share-partition ", number, ", which does not exist"));
}

absl::Status ShareTable::Add(SharePartition partition) {
  const int64_t number = partition.number();
  const SharePlace place = partition.place();
  const Offset start = partition.start();
  SharePartitionId id = partition.id();
  if (entries_.contains(number) || by_id_.contains(id)) {
    return absl::DataLossError(
        absl::StrCat("share-partition ", number, " of group ", id.group, " is there twice"));
  }
  std::unique_ptr<ShareEntry>& entry = entries_[number];
  entry =
      std::make_unique<ShareEntry>(ShareEntry{std::move(partition), DeliveryWindow(place, start)});
  by_id_[std::move(id)] = entry.get();
  next_number_ = std::max(next_number_, number + 1);
  return absl::OkStatus();
}

absl::Status ShareTable::Load(const StateStore& store) {
  entries_.clear();
  by_id_.clear();
  next_number_ = 1;
  const ShareKeyRange range = ShareKeysOf(shard_);
  absl::Status status;
  const auto visit = [&](absl::string_view key, absl::string_view value) -> absl::Status {
    const std::optional<ShareKeyParts> parts = ParseShareKey(key);
    if (!parts.has_value()) return BadKey(key);
    if (parts->number == 0) {
      WEIR_ASSIGN_OR_RETURN(next_number_, NumberOf(key, value));
      return absl::OkStatus();
    }
    if (!parts->first.has_value()) {
      WEIR_ASSIGN_OR_RETURN(SharePartition partition,
                            SharePartition::Decode({shard_, parts->number}, value));
      return Add(std::move(partition));
    }
    WEIR_ASSIGN_OR_RETURN(ShareEntry* const entry, Require(parts->number));
    WEIR_ASSIGN_OR_RETURN(const int64_t last, NumberOf(key, value));
    return entry->partition.LoadSettled(*parts->first, Offset{last});
  };
  WEIR_RETURN_IF_ERROR(store.Scan(StateFamily::kShares, range.start, range.end,
                                  [&](absl::string_view key, absl::string_view value) {
                                    status = visit(key, value);
                                    return status.ok();
                                  }));
  WEIR_RETURN_IF_ERROR(status);
  for (const auto& [number, entry] : entries_) WEIR_RETURN_IF_ERROR(LoadKeys(store, entry.get()));
  return absl::OkStatus();
}

absl::Status ShareTable::LoadKeys(const StateStore& store, ShareEntry* entry) const {
  if (entry->partition.parked() == 0) return absl::OkStatus();
  const ShareKeyRange lines = ParkedLinesOf(entry->partition.place());
  return store.Scan(StateFamily::kParked, lines.start, lines.end,
                    [entry](absl::string_view key, absl::string_view) {
                      entry->window.held_keys.Add(*KeyHashFromBytes(HashOfLineKey(key)));
                      return true;
                    });
}

absl::Status ShareTable::Replay(const InternalRecord& record, std::vector<StateChange>* changes) {
  if (record.version != kShareRecordVersion) {
    return absl::DataLossError(
        absl::StrCat("a record of kind ", record.kind, " has the version ", record.version,
                     ", which this broker does not know: it was written by a newer one"));
  }
  switch (static_cast<ShareRecordKind>(record.kind)) {
    case ShareRecordKind::kOpened:
      return ReplayOpened(record.payload, changes);
    case ShareRecordKind::kRemoved:
      return ReplayRemoved(record.payload, changes);
    case ShareRecordKind::kFinished:
      return ReplayFinished(record.payload, changes);
    case ShareRecordKind::kParked:
      return ReplayParked(record.payload, changes);
    case ShareRecordKind::kStartMoved:
      return ReplayStartMoved(record.payload, changes);
  }
  return absl::DataLossError(
      absl::StrCat("a record of share groups has the kind ", record.kind,
                   ", which this broker does not know: it was written by a newer one"));
}

absl::Status ShareTable::ReplayOpened(absl::string_view payload,
                                      std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(SharePartitionOpened opened, DecodeSharePartitionOpened(payload));
  SharePartition partition({shard_, opened.number}, std::move(opened.id), opened.incarnation,
                           opened.start);
  partition.Opened(changes);
  return Add(std::move(partition));
}

absl::Status ShareTable::ReplayRemoved(absl::string_view payload,
                                       std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(const int64_t number, DecodeSharePartitionRemoved(payload));
  WEIR_ASSIGN_OR_RETURN(ShareEntry* const entry, Require(number));
  entry->partition.Removed(changes);
  by_id_.erase(entry->partition.id());
  entries_.erase(number);
  return absl::OkStatus();
}

void ShareTable::OnUnparked(const ParkedJob& job, DeliveryWindow* window) {
  window->parked.OnUnparked(job.offset);
  if (IsInLine(job)) window->held_keys.Remove(*job.key);
}

absl::Status ShareTable::ReplayFinished(absl::string_view payload,
                                        std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(const JobsFinished finished, DecodeJobsFinished(payload));
  WEIR_ASSIGN_OR_RETURN(ShareEntry* const entry, Require(finished.number));
  WEIR_RETURN_IF_ERROR(entry->partition.Finished(finished, changes));
  for (const ParkedJob& job : finished.parked) OnUnparked(job, &entry->window);
  return absl::OkStatus();
}

absl::Status ShareTable::ReplayParked(absl::string_view payload,
                                      std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(const JobsParked parked, DecodeJobsParked(payload));
  WEIR_ASSIGN_OR_RETURN(ShareEntry* const entry, Require(parked.number));
  WEIR_RETURN_IF_ERROR(entry->partition.Parked(parked, changes));
  for (const ParkedJob& job : parked.before) OnUnparked(job, &entry->window);
  for (const ParkedJob& job : parked.jobs) {
    entry->window.parked.OnParked(job);
    if (!IsInLine(job)) continue;
    entry->window.held_keys.Add(*job.key);
    entry->window.line_begins.OnStored(*job.key, {TurnInLine(job), job.offset});
  }
  return absl::OkStatus();
}

absl::Status ShareTable::ReplayStartMoved(absl::string_view payload,
                                          std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(const ShareStartMoved moved, DecodeShareStartMoved(payload));
  WEIR_ASSIGN_OR_RETURN(ShareEntry* const entry, Require(moved.number));
  return entry->partition.StartMoved(moved, changes);
}

}  // namespace weir
