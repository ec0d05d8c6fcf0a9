#include "broker/group/reconciliation.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

bool Exists(const TopicPartition& partition, const AssignorInput& input) {
  const auto topic = input.topics.find(partition.topic);
  return topic != input.topics.end() && partition.partition.value() < topic->second;
}

// What happens to a partition that the member has.
enum class Fate { kStays, kIsAskedFor, kIsGone };
Fate FateOf(const TopicPartition& partition, const Hold& hold, const PartitionSet& target,
            const AssignorInput& input) {
  if (!Exists(partition, input)) return Fate::kIsGone;
  if (hold.IsRevoked() || target.contains(partition)) return Fate::kStays;
  return Fate::kIsAskedFor;
}

// The member after the step; nothing when it stays as it is.
std::optional<Member> Stepped(const Member& member, const PartitionSet& target, MemberEpoch epoch,
                              const Group& group, const AssignorInput& input) {
  std::optional<Member> after;
  const auto changed = [&]() -> Member& {
    if (!after.has_value()) {
      after = member;
      after->epoch = epoch;
    }
    return *after;
  };
  for (const auto& [partition, hold] : member.held) {
    switch (FateOf(partition, hold, target, input)) {
      case Fate::kStays:
        break;
      case Fate::kIsAskedFor:
        changed().held[partition].revoked = epoch;
        if (SeededBug("give-away-unconfirmed")) changed().held.erase(partition);
        break;
      case Fate::kIsGone:
        changed().held.erase(partition);
        break;
    }
  }
  for (const TopicPartition& partition : target) {
    if (group.OwnerOf(partition) == nullptr)
      changed().held[partition] = {.assigned = epoch, .revoked = MemberEpoch{0}};
  }
  return after;
}

}  // namespace

std::vector<TopicView::Topic> Resolve(const Subscription& subscription, const TopicView& topics) {
  if (!subscription.prefix.empty()) return topics.WithPrefix(subscription.prefix);
  std::vector<TopicView::Topic> found;
  for (const std::string& name : subscription.topics) {
    if (auto topic = topics.Find(name)) found.push_back(*std::move(topic));
  }
  return found;
}

namespace {

// What each subscription of the group means. Most members of a group subscribe to the same.
using Resolved = absl::btree_map<Subscription, TopicSet>;
Resolved ResolveAll(const Group& group, const TopicView& topics,
                    absl::btree_map<TopicId, int32_t>* partitions) {
  Resolved resolved;
  for (const auto& [id, member] : group.members()) {
    TopicSet& subscribed = resolved[member->subscription];
    if (subscribed != nullptr) continue;
    absl::btree_set<TopicId> ids;
    for (const TopicView::Topic& topic : Resolve(member->subscription, topics)) {
      ids.insert(topic.id);
      (*partitions)[topic.id] = topic.partitions;
    }
    subscribed = std::make_shared<const absl::btree_set<TopicId>>(std::move(ids));
  }
  return resolved;
}

// Topics that members have and nobody subscribes to any more.
void AddHeld(const Group& group, const TopicView& topics,
             absl::btree_map<TopicId, int32_t>* partitions) {
  for (const auto& [id, member] : group.members()) {
    for (const auto& [partition, hold] : member->held) {
      if (partitions->contains(partition.topic)) continue;
      if (const auto topic = topics.Find(partition.topic))
        (*partitions)[topic->id] = topic->partitions;
    }
  }
}

}  // namespace

absl::btree_map<TopicId, int32_t> TopicsOf(const Group& group, const TopicView& topics) {
  absl::btree_map<TopicId, int32_t> partitions;
  ResolveAll(group, topics, &partitions);
  AddHeld(group, topics, &partitions);
  return partitions;
}

AssignorInput InputOf(const Group& group, const TopicView& topics) {
  AssignorInput input;
  const Resolved resolved = ResolveAll(group, topics, &input.topics);
  AddHeld(group, topics, &input.topics);
  for (const auto& [id, member] : group.members()) {
    input.members.push_back({.id = id,
                             .instance_id = member->instance_id,
                             .subscribed = resolved.at(member->subscription),
                             .owned = {}});
    PartitionSet& owned = input.members.back().owned;
    for (const auto& [partition, hold] : member->held) {
      if (!hold.IsRevoked()) owned.insert(owned.end(), partition);
    }
  }
  return input;
}

Step NextStep(const Group& group, const AssignorInput& input) {
  Step step{.epoch = group.head().epoch + 1, .changed = {}};
  const Assignment targets = Assign(group.head().config.assignor, input);
  for (const auto& [id, member] : group.members()) {
    auto after = Stepped(*member, targets.at(id), step.epoch, group, input);
    if (after.has_value()) step.changed.push_back(*std::move(after));
  }
  return step;
}

}  // namespace weir
