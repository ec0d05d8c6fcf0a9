#include "broker/group/committed_offsets.h"

#include <algorithm>

namespace weir {

CommittedOffset CommittedOffsets::Full(const TopicPartition& partition, const Slot& slot) const {
  return {.offset = slot.offset,
          .leader_epoch = slot.leader_epoch,
          .metadata = slot.has_metadata ? metadata_.at(partition) : std::string(),
          .commit_ms = slot.commit_ms};
}

std::optional<CommittedOffset> CommittedOffsets::Find(const TopicPartition& partition) const {
  const auto topic = topics_.find(partition.topic);
  if (topic == topics_.end()) return std::nullopt;
  const auto slot = topic->second.slots.find(partition.partition);
  if (slot == topic->second.slots.end()) return std::nullopt;
  return Full(partition, slot->second);
}

void CommittedOffsets::DropMetadata(const TopicPartition& partition) {
  const auto found = metadata_.find(partition);
  metadata_bytes_ -= found->second.size();
  metadata_.erase(found);
}

void CommittedOffsets::Set(const TopicPartition& partition, const CommittedOffset& committed) {
  const auto [at, is_new] = topics_[partition.topic].slots.try_emplace(partition.partition);
  if (is_new) {
    ++size_;
  } else if (at->second.has_metadata) {
    DropMetadata(partition);
  }
  at->second = {.offset = committed.offset,
                .commit_ms = committed.commit_ms,
                .leader_epoch = committed.leader_epoch,
                .has_metadata = !committed.metadata.empty()};
  if (!committed.metadata.empty()) {
    metadata_bytes_ += committed.metadata.size();
    metadata_[partition] = committed.metadata;
  }
  last_commit_ms_ = std::max(last_commit_ms_, committed.commit_ms);
}

void CommittedOffsets::Forget(TopicId topic) {
  const auto found = topics_.find(topic);
  if (found == topics_.end()) return;
  for (const auto& [partition, slot] : found->second.slots) {
    if (slot.has_metadata) DropMetadata({topic, partition});
  }
  size_ -= found->second.slots.size();
  topics_.erase(found);
}

std::optional<int32_t> CommittedOffsets::StartedWith(TopicId topic) const {
  const auto found = topics_.find(topic);
  return found == topics_.end() ? std::nullopt : found->second.started_with;
}

void CommittedOffsets::NoteStart(TopicId topic, int32_t partitions) {
  topics_[topic].started_with = partitions;
}

void CommittedOffsets::Visit(
    const TopicPartition& from,
    absl::FunctionRef<bool(const TopicPartition&, const CommittedOffset&)> visit) const {
  for (auto topic = topics_.lower_bound(from.topic); topic != topics_.end(); ++topic) {
    const auto& slots = topic->second.slots;
    auto slot = topic->first == from.topic ? slots.lower_bound(from.partition) : slots.begin();
    for (; slot != slots.end(); ++slot) {
      const TopicPartition partition{topic->first, slot->first};
      if (!visit(partition, Full(partition, slot->second))) return;
    }
  }
}

void CommittedOffsets::VisitOffsets(const TopicPartition& from,
                                    absl::FunctionRef<bool(PartitionIndex, Offset)> visit) const {
  const auto topic = topics_.find(from.topic);
  if (topic == topics_.end()) return;
  const auto& slots = topic->second.slots;
  for (auto slot = slots.lower_bound(from.partition); slot != slots.end(); ++slot) {
    if (!visit(slot->first, slot->second.offset)) return;
  }
}

std::optional<TopicId> CommittedOffsets::TopicBehind(const std::optional<TopicId>& after) const {
  auto topic = after.has_value() ? topics_.upper_bound(*after) : topics_.begin();
  while (topic != topics_.end() && topic->second.slots.empty()) ++topic;
  if (topic == topics_.end()) return std::nullopt;
  return topic->first;
}

std::vector<TopicId> CommittedOffsets::Topics() const {
  std::vector<TopicId> topics;
  topics.reserve(topics_.size());
  for (const auto& [topic, offsets] : topics_) topics.push_back(topic);
  return topics;
}

}  // namespace weir
