// LoadBalance: an assignment in the making. Who holds which partition, and how partitions go from
// the most to the least loaded until that is even (see Assignor::kSticky). Not thread-safe. Refers
// to the graph, which must outlive it.
#ifndef WEIR_BROKER_GROUP_LOAD_BALANCE_H_
#define WEIR_BROKER_GROUP_LOAD_BALANCE_H_

#include <compare>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "broker/group/subscription_graph.h"

namespace weir {

class LoadBalance {
 public:
  // Nobody holds anything.
  explicit LoadBalance(const SubscriptionGraph* graph);

  // The member goes on holding a partition that it held before. Changes nothing when it cannot take
  // it or another one has it.
  void Keep(MemberNumber member, const SubscriptionGraph::Place& place);
  // Gives what nobody holds to the least loaded of those who can take it.
  void Spread();
  // Moves partitions until the loads are even; none when they are. Everything is held by somebody:
  // call Spread() before.
  void Level();

  // Ascending.
  std::vector<TopicPartition> HeldBy(MemberNumber member) const;

 private:
  // A member's partitions lie class by class, in each class those first that it did not keep.
  struct Held {
    ClassNumber topic_class;
    bool kept;
    PartitionNumber partition;
    auto operator<=>(const Held&) const = default;
  };
  // Members by load, of equal load by number.
  using Ranking = absl::btree_set<std::pair<int32_t, MemberNumber>>;
  struct ClassRanking {
    Ranking subscribers;
    Ranking holders;  // of at least one of the partitions
    int32_t gap = 0;  // between the most loaded holder and the least loaded subscriber
  };

  void SpreadClass(ClassNumber number);
  // What to take first from a member's partitions of the class; null when it holds none.
  const Held* FirstHeld(MemberNumber member, ClassNumber number) const;
  int32_t LoadOf(MemberNumber member) const { return static_cast<int32_t>(held_[member].size()); }

  void Enter(MemberNumber member);
  void Withdraw(MemberNumber member);
  void MeasureGap(ClassNumber number);
  void NarrowGap(ClassNumber number);

  const SubscriptionGraph* graph_;
  std::vector<absl::btree_set<Held>> held_;  // by member
  std::vector<bool> kept_;                   // by partition: whether somebody keeps it

  // While Level() is at work.
  std::vector<ClassRanking> rankings_;  // by class
  // Classes with a gap of more than one, by the gap's negative: the widest first, then the one with
  // the fewest subscribers.
  absl::btree_set<std::pair<int32_t, ClassNumber>> too_wide_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_LOAD_BALANCE_H_
