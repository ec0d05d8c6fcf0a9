#include "broker/group/load_balance.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace weir {

LoadBalance::LoadBalance(const SubscriptionGraph* graph)
    : graph_(graph), held_(graph->members().size()), kept_(graph->partitions().size(), false) {}

void LoadBalance::Keep(MemberNumber member, const SubscriptionGraph::Place& place) {
  const std::vector<ClassNumber>& classes = graph_->ClassesOf(member);
  if (kept_[place.partition] ||
      !std::binary_search(classes.begin(), classes.end(), place.topic_class)) {
    return;
  }
  kept_[place.partition] = true;
  held_[member].insert({place.topic_class, true, place.partition});
}

// Classes with few subscribers come first: their partitions have the least choice, and the others
// can go round them.
void LoadBalance::Spread() {
  const ClassNumber classes = static_cast<ClassNumber>(graph_->classes().size());
  for (ClassNumber number = 0; number < classes; ++number) SpreadClass(number);
}

void LoadBalance::SpreadClass(ClassNumber number) {
  const SubscriptionGraph::TopicClass& topics = graph_->classes()[number];
  using Entry = std::pair<int32_t, MemberNumber>;
  std::vector<Entry> entries;
  for (const MemberNumber member : topics.subscribers) {
    entries.emplace_back(LoadOf(member), member);
  }
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> least_loaded(std::greater<>{},
                                                                              std::move(entries));
  for (PartitionNumber p = topics.first_partition; p < topics.partition_end; ++p) {
    if (kept_[p]) continue;
    const auto [load, member] = least_loaded.top();
    least_loaded.pop();
    held_[member].insert({number, false, p});
    least_loaded.emplace(load + 1, member);
  }
}

// Loads are even when no class has a gap of more than one. Each move takes a partition from a load
// of L to one of at most L - 2, so that the sum of the squares of all loads falls by two or more:
// there is an end, and it is even.
//
// The widest gap goes first, so that partitions go at once to where they can stay.
void LoadBalance::Level() {
  rankings_.resize(graph_->classes().size());
  for (size_t i = 0; i < held_.size(); ++i) Enter(static_cast<MemberNumber>(i));
  for (size_t i = 0; i < rankings_.size(); ++i) MeasureGap(static_cast<ClassNumber>(i));
  while (!too_wide_.empty()) NarrowGap(too_wide_.begin()->second);
  rankings_.clear();
}

void LoadBalance::Enter(MemberNumber member) {
  for (const ClassNumber number : graph_->ClassesOf(member)) {
    rankings_[number].subscribers.emplace(LoadOf(member), member);
    if (FirstHeld(member, number)) rankings_[number].holders.emplace(LoadOf(member), member);
  }
}

void LoadBalance::Withdraw(MemberNumber member) {
  for (const ClassNumber number : graph_->ClassesOf(member)) {
    rankings_[number].subscribers.erase({LoadOf(member), member});
    rankings_[number].holders.erase({LoadOf(member), member});
  }
}

void LoadBalance::MeasureGap(ClassNumber number) {
  ClassRanking& ranking = rankings_[number];
  too_wide_.erase({-ranking.gap, number});
  ranking.gap = ranking.holders.rbegin()->first - ranking.subscribers.begin()->first;
  if (ranking.gap > 1) too_wide_.emplace(-ranking.gap, number);
}

void LoadBalance::NarrowGap(ClassNumber number) {
  const MemberNumber from = rankings_[number].holders.rbegin()->second;
  const MemberNumber to = rankings_[number].subscribers.begin()->second;
  const Held moved = *FirstHeld(from, number);
  Withdraw(from);
  Withdraw(to);
  held_[from].erase(moved);
  held_[to].insert({number, false, moved.partition});
  Enter(from);
  Enter(to);
  for (const ClassNumber touched : graph_->ClassesOf(from)) MeasureGap(touched);
  for (const ClassNumber touched : graph_->ClassesOf(to)) MeasureGap(touched);
}

const LoadBalance::Held* LoadBalance::FirstHeld(MemberNumber member, ClassNumber number) const {
  const auto it = held_[member].lower_bound({number, false, 0});
  return it != held_[member].end() && it->topic_class == number ? &*it : nullptr;
}

std::vector<TopicPartition> LoadBalance::HeldBy(MemberNumber member) const {
  std::vector<TopicPartition> partitions;
  for (const Held& held : held_[member]) {
    partitions.push_back(graph_->partitions()[held.partition]);
  }
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

}  // namespace weir
