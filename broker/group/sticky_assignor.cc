#include "broker/group/sticky_assignor.h"

#include <vector>

#include "broker/group/load_balance.h"
#include "broker/group/subscription_graph.h"

namespace weir {

Assignment AssignSticky(const AssignorInput& input) {
  const SubscriptionGraph graph(input);
  LoadBalance balance(&graph);
  const MemberNumber members = static_cast<MemberNumber>(graph.members().size());
  for (MemberNumber member = 0; member < members; ++member) {
    for (const TopicPartition& partition : graph.members()[member]->owned) {
      if (const auto place = graph.Find(partition)) balance.Keep(member, *place);
    }
  }
  balance.Spread();
  balance.Level();

  Assignment assignment;
  for (MemberNumber member = 0; member < members; ++member) {
    const std::vector<TopicPartition> held = balance.HeldBy(member);
    assignment.emplace(graph.members()[member]->id, PartitionSet(held.begin(), held.end()));
  }
  return assignment;
}

}  // namespace weir
