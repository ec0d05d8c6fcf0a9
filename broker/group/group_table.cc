#include "broker/group/group_table.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/seeded_bugs.h"
#include "storage/meta/group_keys.h"

namespace weir {
namespace {

absl::Status BadKey(absl::string_view key) {
  return absl::DataLossError(absl::StrCat("the state store of consumer groups has the key '",
                                          absl::CEscape(key), "', which means nothing"));
}

void AddSet(StateFamily family, std::string key, absl::string_view value,
            std::vector<StateChange>* changes) {
  changes->push_back({family, std::move(key), std::string(value)});
}

void AddRemoval(StateFamily family, std::string key, std::vector<StateChange>* changes) {
  changes->push_back({family, std::move(key), std::nullopt});
}

}  // namespace

Group* GroupTable::FindToChange(absl::string_view id) const {
  const auto found = groups_.find(id);
  return found == groups_.end() ? nullptr : found->second.get();
}

absl::StatusOr<Group*> GroupTable::Require(absl::string_view id) const {
  if (Group* const group = FindToChange(id)) return group;
  return absl::DataLossError(
      absl::StrCat("a stored record is of group ", id, ", which does not exist"));
}

void GroupTable::Put(GroupHead head) {
  if (Group* const group = FindToChange(head.id)) return group->Replace(std::move(head));
  std::string id = head.id;
  groups_[std::move(id)] = std::make_unique<Group>(std::move(head));
}

absl::Status GroupTable::Put(MemberUpdated updated) {
  WEIR_ASSIGN_OR_RETURN(Group* const group, Require(updated.group));
  const size_t before = group->members().size();
  WEIR_RETURN_IF_ERROR(group->Put(std::move(updated.member)));
  members_ += group->members().size() - before;
  return absl::OkStatus();
}

absl::Status GroupTable::Put(const TopicStarted& started) {
  WEIR_ASSIGN_OR_RETURN(Group* const group, Require(started.group));
  group->offsets().NoteStart(started.topic, started.partitions);
  return absl::OkStatus();
}

void GroupTable::Put(Group* group, const TopicPartition& partition,
                     const CommittedOffset& committed) {
  CommittedOffsets& offsets = group->offsets();
  offsets_ -= offsets.size();
  offset_metadata_bytes_ -= offsets.metadata_bytes();
  offsets.Set(partition, committed);
  offsets_ += offsets.size();
  offset_metadata_bytes_ += offsets.metadata_bytes();
}

absl::Status GroupTable::Load(const StateStore& store) {
  groups_.clear();
  members_ = offsets_ = offset_metadata_bytes_ = 0;
  WEIR_RETURN_IF_ERROR(LoadGroups(store));
  return LoadOffsets(store);
}

absl::Status GroupTable::LoadGroups(const StateStore& store) {
  const auto load = [this](absl::string_view key, absl::string_view value) -> absl::Status {
    const std::optional<GroupKeyKind> kind = KindOfGroupKey(key);
    if (!kind.has_value()) return BadKey(key);
    if (*kind == GroupKeyKind::kGroup) {
      WEIR_ASSIGN_OR_RETURN(GroupHead head, DecodeGroup(value));
      Put(std::move(head));
      return absl::OkStatus();
    }
    if (*kind == GroupKeyKind::kMember) {
      WEIR_ASSIGN_OR_RETURN(MemberUpdated member, DecodeMember(value));
      return Put(std::move(member));
    }
    WEIR_ASSIGN_OR_RETURN(const TopicStarted started, DecodeTopicStarted(value));
    return Put(started);
  };
  const GroupKeyRange range = GroupKeysOf(shard_);
  absl::Status status;
  WEIR_RETURN_IF_ERROR(store.Scan(StateFamily::kGroups, range.start, range.end,
                                  [&](absl::string_view key, absl::string_view value) {
                                    status = load(key, value);
                                    return status.ok();
                                  }));
  return status;
}

absl::Status GroupTable::LoadOffsets(const StateStore& store) {
  Group* group = nullptr;  // of the entry before: most entries have the same
  const auto load = [&](absl::string_view key, absl::string_view value) -> absl::Status {
    const std::optional<GroupOffsetKeyParts> parts = ParseGroupOffsetKey(key);
    if (!parts.has_value()) return BadKey(key);
    if (group == nullptr || group->id() != parts->group) {
      WEIR_ASSIGN_OR_RETURN(group, Require(parts->group));
    }
    WEIR_ASSIGN_OR_RETURN(const CommittedOffset committed, DecodeCommittedOffset(value));
    Put(group, parts->partition, committed);
    return absl::OkStatus();
  };
  const GroupKeyRange range = GroupKeysOf(shard_);
  absl::Status status;
  WEIR_RETURN_IF_ERROR(store.Scan(StateFamily::kOffsets, range.start, range.end,
                                  [&](absl::string_view key, absl::string_view value) {
                                    status = load(key, value);
                                    return status.ok();
                                  }));
  return status;
}

absl::Status GroupTable::Replay(const InternalRecord& record, std::vector<StateChange>* changes) {
  if (record.version == kGroupRecordVersion) {
    switch (static_cast<GroupRecordKind>(record.kind)) {
      case GroupRecordKind::kGroup:
        return ReplayGroup(record.payload, changes);
      case GroupRecordKind::kGroupRemoved:
        return ReplayGroupRemoved(record.payload, changes);
      case GroupRecordKind::kMember:
        return ReplayMember(record.payload, changes);
      case GroupRecordKind::kMemberRemoved:
        return ReplayMemberRemoved(record.payload, changes);
      case GroupRecordKind::kOffsets:
      case GroupRecordKind::kOffsetsReset:
        return ReplayOffsets(record.payload, changes);
      case GroupRecordKind::kTopicStarted:
        return ReplayTopicStarted(record.payload, changes);
      case GroupRecordKind::kTopicForgotten:
        return ReplayTopicForgotten(record.payload, changes);
    }
  }
  return absl::DataLossError(absl::StrCat(
      "a record of consumer groups has kind ", record.kind, " and version ", record.version,
      ", which this version of Weir does not know; it was written by a newer one"));
}

absl::Status GroupTable::ReplayGroup(absl::string_view payload, std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(GroupHead head, DecodeGroup(payload));
  AddSet(StateFamily::kGroups, GroupKey(shard_, head.id), payload, changes);
  Put(std::move(head));
  return absl::OkStatus();
}

absl::Status GroupTable::ReplayGroupRemoved(absl::string_view payload,
                                            std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(const GroupRemoved removed, DecodeGroupRemoved(payload));
  WEIR_ASSIGN_OR_RETURN(Group* const group, Require(removed.group));
  if (!group->members().empty()) {
    return absl::DataLossError(
        absl::StrCat("a stored record removes group ", removed.group, ", which has members"));
  }
  for (const TopicId topic : group->offsets().Topics()) Forget(group, topic, changes);
  if (!SeededBug("store-keeps-removed-group"))
    AddRemoval(StateFamily::kGroups, GroupKey(shard_, removed.group), changes);
  groups_.erase(removed.group);
  return absl::OkStatus();
}

absl::Status GroupTable::ReplayMember(absl::string_view payload,
                                      std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(MemberUpdated updated, DecodeMember(payload));
  AddSet(StateFamily::kGroups, GroupMemberKey(shard_, updated.group, updated.member.id), payload,
         changes);
  return Put(std::move(updated));
}

absl::Status GroupTable::ReplayMemberRemoved(absl::string_view payload,
                                             std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(const MemberRemoved removed, DecodeMemberRemoved(payload));
  WEIR_ASSIGN_OR_RETURN(Group* const group, Require(removed.group));
  if (!group->Remove(removed.member)) {
    return absl::DataLossError(absl::StrCat("a stored record removes member ", removed.member,
                                            " of group ", removed.group, ", which does not exist"));
  }
  --members_;
  AddRemoval(StateFamily::kGroups, GroupMemberKey(shard_, removed.group, removed.member), changes);
  return absl::OkStatus();
}

absl::Status GroupTable::ReplayOffsets(absl::string_view payload,
                                       std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(const OffsetsUpdated offsets, DecodeOffsets(payload));
  WEIR_ASSIGN_OR_RETURN(Group* const group, Require(offsets.group));
  for (const PartitionOffset& offset : offsets.partitions) {
    const TopicPartition partition{offsets.topic, offset.partition};
    AddSet(StateFamily::kOffsets, GroupOffsetKey(shard_, offsets.group, partition),
           EncodeCommittedOffset(offset.committed), changes);
    Put(group, partition, offset.committed);
  }
  return absl::OkStatus();
}

absl::Status GroupTable::ReplayTopicStarted(absl::string_view payload,
                                            std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(const TopicStarted started, DecodeTopicStarted(payload));
  AddSet(StateFamily::kGroups, GroupTopicKey(shard_, started.group, started.topic), payload,
         changes);
  return Put(started);
}

absl::Status GroupTable::ReplayTopicForgotten(absl::string_view payload,
                                              std::vector<StateChange>* changes) {
  WEIR_ASSIGN_OR_RETURN(const TopicForgotten forgotten, DecodeTopicForgotten(payload));
  WEIR_ASSIGN_OR_RETURN(Group* const group, Require(forgotten.group));
  Forget(group, forgotten.topic, changes);
  return absl::OkStatus();
}

void GroupTable::Forget(Group* group, TopicId topic, std::vector<StateChange>* changes) {
  CommittedOffsets& offsets = group->offsets();
  offsets.Visit(
      {topic, PartitionIndex{0}}, [&](const TopicPartition& partition, const CommittedOffset&) {
        if (partition.topic != topic) return false;
        AddRemoval(StateFamily::kOffsets, GroupOffsetKey(shard_, group->id(), partition), changes);
        return true;
      });
  if (offsets.StartedWith(topic).has_value()) {
    AddRemoval(StateFamily::kGroups, GroupTopicKey(shard_, group->id(), topic), changes);
  }
  offsets_ -= offsets.size();
  offset_metadata_bytes_ -= offsets.metadata_bytes();
  offsets.Forget(topic);
  offsets_ += offsets.size();
  offset_metadata_bytes_ += offsets.metadata_bytes();
}

}  // namespace weir
