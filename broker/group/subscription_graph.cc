#include "broker/group/subscription_graph.h"

#include <algorithm>
#include <utility>

namespace weir {

SubscriptionGraph::SubscriptionGraph(const AssignorInput& input) {
  for (const AssignorInput::Member& member : input.members) members_.push_back(&member);
  std::sort(members_.begin(), members_.end(),
            [](const auto* a, const auto* b) { return a->id < b->id; });

  std::vector<Draft> drafts = DraftClasses(input);
  std::stable_sort(drafts.begin(), drafts.end(), [](const Draft& a, const Draft& b) {
    return a.subscribers.size() < b.subscribers.size();
  });
  for (Draft& draft : drafts) Number(std::move(draft));
}

std::vector<SubscriptionGraph::Draft> SubscriptionGraph::DraftClasses(const AssignorInput& input) {
  absl::flat_hash_map<TopicSet, int32_t> numbers_of_shared;
  absl::flat_hash_map<absl::btree_set<TopicId>, int32_t> numbers;
  std::vector<std::vector<MemberNumber>> members_of;  // by subscription
  absl::flat_hash_map<TopicId, std::vector<int32_t>> subscriptions_of;
  for (size_t i = 0; i < members_.size(); ++i) {
    const TopicSet& subscribed = members_[i]->subscribed;
    const auto [shared, is_new_shared] = numbers_of_shared.try_emplace(subscribed);
    if (is_new_shared) {
      const auto [it, is_new] = numbers.try_emplace(*subscribed, members_of.size());
      shared->second = it->second;
      if (is_new) {
        members_of.emplace_back();
        for (const TopicId& topic : *subscribed) subscriptions_of[topic].push_back(it->second);
      }
    }
    members_of[shared->second].push_back(static_cast<MemberNumber>(i));
    subscription_of_.push_back(shared->second);
  }
  classes_of_.resize(members_of.size());

  std::vector<Draft> drafts;
  absl::flat_hash_map<std::vector<int32_t>, size_t> draft_of;
  for (const auto& [topic, partitions] : input.topics) {
    const auto subscriptions = subscriptions_of.find(topic);
    if (partitions <= 0 || subscriptions == subscriptions_of.end()) continue;
    const auto [it, is_new] = draft_of.try_emplace(subscriptions->second, drafts.size());
    if (is_new) {
      Draft& draft = drafts.emplace_back();
      draft.subscriptions = it->first;
      for (const int32_t subscription : it->first) {
        const std::vector<MemberNumber>& members = members_of[subscription];
        draft.subscribers.insert(draft.subscribers.end(), members.begin(), members.end());
      }
      std::sort(draft.subscribers.begin(), draft.subscribers.end());
    }
    drafts[it->second].topics.push_back({topic, partitions});
  }
  return drafts;
}

void SubscriptionGraph::Number(Draft draft) {
  const ClassNumber number = static_cast<ClassNumber>(classes_.size());
  for (const int32_t subscription : draft.subscriptions) {
    classes_of_[subscription].push_back(number);
  }
  const PartitionNumber first = static_cast<PartitionNumber>(partitions_.size());
  for (const Topic& topic : draft.topics) {
    topics_[topic.id] = {topic.partitions, static_cast<PartitionNumber>(partitions_.size()),
                         number};
    for (PartitionIndex index{0}; index.value() < topic.partitions; ++index) {
      partitions_.push_back({topic.id, index});
    }
  }
  classes_.push_back(
      {std::move(draft.subscribers), first, static_cast<PartitionNumber>(partitions_.size())});
}

std::optional<SubscriptionGraph::Place> SubscriptionGraph::Find(
    const TopicPartition& partition) const {
  const auto it = topics_.find(partition.topic);
  const int32_t index = partition.partition.value();
  if (it == topics_.end() || index < 0 || index >= it->second.partitions) return std::nullopt;
  return Place{it->second.first_partition + index, it->second.topic_class};
}

}  // namespace weir
