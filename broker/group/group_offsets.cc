#include "broker/group/group_offsets.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/group/group_checks.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

std::string Text(const TopicPartition& partition) {
  return absl::StrCat(partition.topic.ToString(), "/", partition.partition.value());
}

absl::Status OutOfRange(const TopicPartition& partition, Offset offset,
                        const TopicView::Bounds& bounds) {
  return MakeError(Reason::kOffsetOutOfRange,
                   absl::StrCat("offset ", offset.value(), " of ", Text(partition),
                                " lies outside the log, which goes from ", bounds.start.value(),
                                " to ", bounds.end.value()));
}

absl::Status Stale(const Member& member, const TopicPartition& partition, MemberEpoch epoch) {
  const auto held = member.held.find(partition);
  if (held == member.held.end()) {
    return MakeError(
        Reason::kStaleMemberEpoch,
        absl::StrCat("member '", member.id, "' does not own partition ", Text(partition)));
  }
  return MakeError(Reason::kStaleMemberEpoch,
                   absl::StrCat("the commit is of epoch ", epoch.value(), ", member '", member.id,
                                "' owns partition ", Text(partition), " since epoch ",
                                held->second.assigned.value()));
}

bool Owns(const Member& member, const TopicPartition& partition, MemberEpoch epoch) {
  if (SeededBug("commit-without-owning")) return true;
  const auto held = member.held.find(partition);
  return held != member.held.end() && held->second.assigned <= epoch;
}

}  // namespace

Decision GroupOffsets::Commit(const MachineTime& now, CommitRequest request,
                              Reply<std::vector<absl::Status>> reply) {
  absl::StatusOr<Committer> committer = FindCommitter(now, request);
  if (!committer.ok()) return Refuse(std::move(reply), committer.status());
  std::vector<absl::Status> outcomes;
  Changes changes;
  for (OffsetCommit& commit : request.offsets) {
    absl::Status outcome = CheckOffset(*committer, commit);
    if (outcome.ok()) {
      outcome = Note(committer->group, commit.partition,
                     {.offset = commit.offset,
                      .leader_epoch = commit.leader_epoch,
                      .metadata = std::move(commit.metadata),
                      .commit_ms = now.now_ms},
                     &changes);
    }
    outcomes.push_back(std::move(outcome));
  }
  Draft draft(context_->listener);
  if (committer->group == nullptr && !changes.empty()) {
    draft.Add(GroupRecordOf(committer->head));
    expiry_->Watch(now, committer->head);
  }
  AddRecords(GroupRecordKind::kOffsets, request.group, changes, &draft);
  if (!changes.empty()) {
    const GroupCounts counts{.commits = 1,
                             .committed_offsets = static_cast<int64_t>(changes.size())};
    draft.OnDurable([this, id = request.group, counts] { context_->counters.Add(id, counts); });
  }
  return std::move(draft).Answer(std::move(reply), std::move(outcomes));
}

absl::StatusOr<GroupOffsets::Committer> GroupOffsets::FindCommitter(
    const MachineTime& now, const CommitRequest& request) const {
  WEIR_RETURN_IF_ERROR(CheckCommit(request));
  const bool outside = request.member_id.empty();
  if (outside && request.start.has_value() && context_->groups.Find(request.group) == nullptr) {
    WEIR_ASSIGN_OR_RETURN(GroupHead head,
                          NewGroup(context_->groups, request.group, *request.start, now.now_ms));
    return Committer{.group = nullptr, .head = std::move(head)};
  }
  WEIR_ASSIGN_OR_RETURN(const Group* const group,
                        FindConsumerGroup(context_->groups, request.group));
  if (outside) {
    if (group->members().empty()) return Committer{.group = group};
    return MakeError(Reason::kGroupNotEmpty,
                     absl::StrCat("group '", group->id(), "' has ", group->members().size(),
                                  " members; only they commit"));
  }
  const Member* const member = group->Find(request.member_id);
  if (member == nullptr) {
    return MakeError(
        Reason::kUnknownMember,
        absl::StrCat("group '", group->id(), "' has no member '", request.member_id, "'"));
  }
  if (request.epoch > member->epoch) {
    return MakeError(
        Reason::kStaleMemberEpoch,
        absl::StrCat("the epoch ", request.epoch.value(), " was never given to member '",
                     member->id, "', whose newest is ", member->epoch.value()));
  }
  return Committer{.group = group, .member = member, .epoch = request.epoch};
}

absl::Status GroupOffsets::CheckOffset(const Committer& committer,
                                       const OffsetCommit& commit) const {
  const Member* const member = committer.member;
  if (member != nullptr && !Owns(*member, commit.partition, committer.epoch))
    return Stale(*member, commit.partition, committer.epoch);
  if (commit.offset < Offset{0}) {
    return MakeError(Reason::kInvalidRequest, absl::StrCat("the offset ", commit.offset.value(),
                                                           " is committed; at least 0 is allowed"));
  }
  if (commit.metadata.size() > limits::kOffsetMetadataBytes) {
    return MakeError(Reason::kOffsetMetadataTooLarge,
                     absl::StrCat("the metadata has ", commit.metadata.size(), " bytes, at most ",
                                  limits::kOffsetMetadataBytes, " are allowed"));
  }
  WEIR_ASSIGN_OR_RETURN(const TopicView::Bounds bounds,
                        context_->topics->BoundsOf(commit.partition));
  if (commit.offset > bounds.end) return OutOfRange(commit.partition, commit.offset, bounds);
  if (committer.group == nullptr) return absl::OkStatus();
  const auto committed = committer.group->offsets().Find(commit.partition);
  const bool forward = !committed.has_value() || committed->offset <= commit.offset;
  if (forward || SeededBug("commit-moves-back")) return absl::OkStatus();
  return MakeError(Reason::kOffsetMovesBack,
                   absl::StrCat("offset ", commit.offset.value(), " of ", Text(commit.partition),
                                " lies before the committed ", committed->offset.value(),
                                "; only a reset moves a group back"));
}

absl::Status GroupOffsets::Note(const Group* group, const TopicPartition& partition,
                                CommittedOffset committed, Changes* changes) const {
  const auto before = group == nullptr ? std::nullopt : group->offsets().Find(partition);
  if (!before.has_value() &&
      context_->groups.offsets() + changes->size() >= limits::kOffsetsPerShard) {
    return MakeError(Reason::kGroupLimit,
                     absl::StrCat("there are ", context_->groups.offsets(),
                                  " committed offsets in the group's internal partition, as many "
                                  "as there may be"));
  }
  const size_t metadata = context_->groups.offset_metadata_bytes() + committed.metadata.size() -
                          (before.has_value() ? before->metadata.size() : 0);
  if (!committed.metadata.empty() && metadata > limits::kOffsetMetadataBytesPerShard) {
    return MakeError(Reason::kGroupLimit,
                     absl::StrCat("metadata of committed offsets would take ", metadata,
                                  " bytes in the group's internal partition, at most ",
                                  limits::kOffsetMetadataBytesPerShard, " are allowed"));
  }
  if (changes->try_emplace(partition, std::move(committed)).second) return absl::OkStatus();
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat("partition ", Text(partition), " is named twice"));
}

void GroupOffsets::AddRecords(GroupRecordKind kind, const std::string& group,
                              const Changes& changes, Draft* draft) {
  OffsetsUpdated record{.group = group};
  for (const auto& [partition, committed] : changes) {
    if (!record.partitions.empty() && record.topic != partition.topic) {
      draft->Add(OffsetsRecordOf(kind, record));
      record.partitions.clear();
    }
    record.topic = partition.topic;
    record.partitions.push_back({partition.partition, committed});
  }
  if (!record.partitions.empty()) draft->Add(OffsetsRecordOf(kind, record));
}

Decision GroupOffsets::Fetch(const FetchOffsetsRequest& request, Reply<FetchedOffsets> reply) {
  if (absl::Status status = CheckPartitionCount(request.partitions.size()); !status.ok())
    return Refuse(std::move(reply), std::move(status));
  const absl::StatusOr<const Group*> group = FindConsumerGroup(context_->groups, request.group);
  if (!group.ok()) return Refuse(std::move(reply), group.status());
  const CommittedOffsets& offsets = (*group)->offsets();
  FetchedOffsets fetched;
  for (const TopicPartition& partition : request.partitions) {
    fetched.offsets.push_back({partition, (*group)->StartIn(partition), offsets.Find(partition)});
  }
  if (request.partitions.empty()) {
    const size_t most = limits::kOffsetsPerRequest;
    const size_t limit = request.limit == 0 ? most : std::min(request.limit, most);
    offsets.Visit(request.from,
                  [&](const TopicPartition& partition, const CommittedOffset& committed) {
                    if (fetched.offsets.size() == limit) {
                      fetched.next = partition;
                      return false;
                    }
                    fetched.offsets.push_back({partition, ReadFrom::kCommitted, committed});
                    return true;
                  });
  }
  return Draft(context_->listener).Answer(std::move(reply), std::move(fetched));
}

Decision GroupOffsets::Reset(const MachineTime& now, const ResetRequest& request,
                             Reply<std::vector<ResetOutcome>> reply) {
  if (absl::Status status = CheckPartitionCount(request.items.size()); !status.ok())
    return Refuse(std::move(reply), std::move(status));
  const absl::StatusOr<const Group*> group = FindConsumerGroup(context_->groups, request.group);
  if (!group.ok()) return Refuse(std::move(reply), group.status());
  if (!(*group)->members().empty()) {
    return Refuse(
        std::move(reply),
        MakeError(Reason::kGroupNotEmpty,
                  absl::StrCat("group '", request.group, "' has ", (*group)->members().size(),
                               " members; only a group without is reset")));
  }
  std::vector<ResetOutcome> outcomes;
  Changes changes;
  for (const ResetItem& item : request.items) {
    const auto before = (*group)->offsets().Find(item.partition);
    absl::StatusOr<Offset> after = TargetOf(**group, item);
    if (after.ok()) {
      const absl::Status noted =
          Note(*group, item.partition, {.offset = *after, .commit_ms = now.now_ms}, &changes);
      if (!noted.ok()) after = noted;
    }
    outcomes.push_back({item.partition,
                        before.has_value() ? std::optional(before->offset) : std::nullopt,
                        std::move(after)});
  }
  const bool all = std::all_of(outcomes.begin(), outcomes.end(),
                               [](const ResetOutcome& outcome) { return outcome.after.ok(); });
  Draft draft(context_->listener);
  if (all && (!request.dry_run || SeededBug("dry-run-resets")))
    AddRecords(GroupRecordKind::kOffsetsReset, request.group, changes, &draft);
  return std::move(draft).Answer(std::move(reply), std::move(outcomes));
}

absl::StatusOr<Offset> GroupOffsets::TargetOf(const Group& group, const ResetItem& item) const {
  WEIR_ASSIGN_OR_RETURN(const TopicView::Bounds bounds, context_->topics->BoundsOf(item.partition));
  if (std::holds_alternative<ResetToEarliest>(item.target)) return bounds.start;
  if (std::holds_alternative<ResetToLatest>(item.target)) return bounds.end;
  if (const Offset* const offset = std::get_if<Offset>(&item.target)) {
    if (*offset >= bounds.start && *offset <= bounds.end) return *offset;
    return OutOfRange(item.partition, *offset, bounds);
  }
  const auto committed = group.offsets().Find(item.partition);
  if (!committed.has_value()) {
    return MakeError(
        Reason::kNoCommittedOffset,
        absl::StrCat("there is no committed offset of ", Text(item.partition), " to count from"));
  }
  const int64_t by = std::get<ResetBy>(item.target).records;
  // Without overflow: the distance to either end is known.
  const Offset from = std::clamp(committed->offset, bounds.start, bounds.end);
  if (by >= bounds.end - from) return bounds.end;
  if (by <= bounds.start - from) return bounds.start;
  return from + by;
}

}  // namespace weir
