#include "broker/group/group.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir {

std::vector<GroupConfigEntry> DescribeConfig(const GroupHead& head) {
  std::vector<GroupConfigEntry> entries = DescribeGroupConfig(head.type, head.config);
  for (GroupConfigEntry& entry : entries) {
    if (entry.name == kDeadLetterTopicSetting) entry.value = head.share.dead_letter.name;
  }
  return entries;
}

const Member* Group::Find(absl::string_view member) const {
  const auto found = members_.find(member);
  return found == members_.end() ? nullptr : found->second.get();
}

const Member* Group::FindInstance(absl::string_view instance_id) const {
  const auto found = instances_.find(instance_id);
  return found == instances_.end() ? nullptr : found->second;
}

const Member* Group::OwnerOf(const TopicPartition& partition) const {
  const auto found = owners_.find(partition);
  return found == owners_.end() ? nullptr : found->second;
}

ReadFrom Group::StartIn(const TopicPartition& partition) const {
  if (offsets_.Find(partition).has_value()) return ReadFrom::kCommitted;
  if (head_.start == GroupStart::kEarliest) return ReadFrom::kLogStart;
  const std::optional<int32_t> started_with = offsets_.StartedWith(partition.topic);
  const bool came_later = started_with.has_value() && partition.partition.value() >= *started_with;
  return came_later ? ReadFrom::kLogStart : ReadFrom::kNowhere;
}

absl::Status Group::Put(Member member) {
  const Member* const before = Find(member.id);
  if (const Member* const other = FindInstance(member.instance_id); other != before && other) {
    return absl::DataLossError(absl::StrCat("members ", other->id, " and ", member.id, " of group ",
                                            head_.id, " have one instance id"));
  }
  for (const auto& [partition, hold] : member.held) {
    const Member* const owner = OwnerOf(partition);
    if (owner == nullptr || owner == before) continue;
    return absl::DataLossError(absl::StrCat(
        "members ", owner->id, " and ", member.id, " of group ", head_.id, " both have partition ",
        partition.topic.ToString(), "/", partition.partition.value()));
  }
  std::unique_ptr<Member>& place = members_[member.id];
  if (place == nullptr) {
    place = std::make_unique<Member>();
  } else {
    Unlist(*place);
  }
  *place = std::move(member);
  List(*place);
  return absl::OkStatus();
}

bool Group::Remove(absl::string_view member) {
  const auto found = members_.find(member);
  if (found == members_.end()) return false;
  Unlist(*found->second);
  members_.erase(found);
  return true;
}

void Group::List(const Member& member) {
  if (member.IsStatic()) instances_[member.instance_id] = &member;
  for (const auto& [partition, hold] : member.held) {
    owners_[partition] = &member;
    revoked_ += hold.IsRevoked() ? 1 : 0;
  }
}

void Group::Unlist(const Member& member) {
  if (member.IsStatic()) instances_.erase(member.instance_id);
  for (const auto& [partition, hold] : member.held) {
    owners_.erase(partition);
    revoked_ -= hold.IsRevoked() ? 1 : 0;
  }
}

}  // namespace weir
