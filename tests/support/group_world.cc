#include "tests/support/group_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "tests/support/group_text.h"

namespace weir {

TopicId FakeTopics::Set(const std::string& name, int32_t partitions) {
  Topic& topic = by_name_[name];
  if (topic.partitions == 0) {
    ++made_;
    topic.id.bytes[0] = made_;
    topic.name = name;
    names_[topic.id] = name;
  }
  topic.partitions = partitions;
  return topic.id;
}

std::string FakeTopics::NameOf(TopicId id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? id.ToString() : found->second;
}

std::optional<TopicView::Topic> FakeTopics::Find(absl::string_view name) const {
  const auto found = by_name_.find(std::string(name));
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

std::optional<TopicView::Topic> FakeTopics::Find(TopicId id) const {
  const auto name = names_.find(id);
  if (name == names_.end()) return std::nullopt;
  const auto found = by_name_.find(name->second);
  if (found == by_name_.end() || found->second.id != id) return std::nullopt;
  return found->second;
}

std::vector<TopicView::Topic> FakeTopics::WithPrefix(absl::string_view prefix) const {
  std::vector<Topic> found;
  for (const auto& [name, topic] : by_name_) {
    if (absl::StartsWith(name, prefix)) found.push_back(topic);
  }
  return found;
}

absl::StatusOr<TopicView::Bounds> FakeTopics::BoundsOf(const TopicPartition& partition) const {
  if (!unavailable_.ok()) return unavailable_;
  const std::optional<Topic> topic = Find(partition.topic);
  if (!topic.has_value()) return MakeError(Reason::kUnknownTopic, "no such topic");
  if (partition.partition.value() < 0 || partition.partition.value() >= topic->partitions)
    return MakeError(Reason::kUnknownPartition, "no such partition");
  const auto bounds = bounds_.find(partition);
  return bounds == bounds_.end() ? Bounds{} : bounds->second;
}

GroupWorld::GroupWorld() { Start(); }

StateMachine* GroupWorld::MakeMachine() {
  machine_ = std::make_unique<GroupMachine>(GroupMachineOptions{
      .shard = PartitionIndex{5}, .topics = &topics_, .listener = this, .share_heads = this});
  machine_->UseTimers(this);
  return machine_.get();
}

void GroupWorld::OnShareHeadsLoaded(PartitionIndex, std::vector<ShareHeadPtr> heads) {
  published_.clear();
  for (ShareHeadPtr& head : heads) published_[head->head.id] = std::move(head);
}

std::string GroupWorld::Dump() const { return TableText(machine_->groups()); }

}  // namespace weir
