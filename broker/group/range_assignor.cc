#include "broker/group/range_assignor.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

namespace weir {
namespace {

using Member = AssignorInput::Member;

// Static members first: the others come and go, and would shift them to and fro.
bool Before(const Member* a, const Member* b) {
  return std::forward_as_tuple(a->instance_id.empty(), a->instance_id, a->id) <
         std::forward_as_tuple(b->instance_id.empty(), b->instance_id, b->id);
}

void SpreadTopic(TopicId topic, int32_t partitions, const std::vector<PartitionSet*>& subscribers) {
  const int32_t count = static_cast<int32_t>(subscribers.size());
  int32_t next = 0;
  for (int32_t i = 0; i < count; ++i) {
    const int32_t end = next + partitions / count + (i < partitions % count ? 1 : 0);
    for (; next < end; ++next) subscribers[i]->insert({topic, PartitionIndex{next}});
  }
}

}  // namespace

Assignment AssignRange(const AssignorInput& input) {
  Assignment assignment;
  std::vector<const Member*> members;
  for (const Member& member : input.members) {
    assignment.try_emplace(member.id);
    members.push_back(&member);
  }
  std::sort(members.begin(), members.end(), Before);

  absl::btree_map<TopicId, std::vector<PartitionSet*>> subscribers;
  for (const Member* member : members) {
    PartitionSet* assigned = &assignment.find(member->id)->second;
    for (const TopicId& topic : *member->subscribed) subscribers[topic].push_back(assigned);
  }
  for (const auto& [topic, sets] : subscribers) {
    if (const auto it = input.topics.find(topic); it != input.topics.end()) {
      SpreadTopic(topic, it->second, sets);
    }
  }
  return assignment;
}

}  // namespace weir
