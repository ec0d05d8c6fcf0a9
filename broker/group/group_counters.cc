#include "broker/group/group_counters.h"

namespace weir {

GroupCounts& GroupCounts::operator+=(const GroupCounts& more) {
  rebalances += more.rebalances;
  fenced_members += more.fenced_members;
  commits += more.commits;
  committed_offsets += more.committed_offsets;
  return *this;
}

void GroupCounters::Add(const std::string& group, const GroupCounts& more) {
  by_group_[group] += more;
  total_ += more;
}

GroupCounts GroupCounters::Of(const std::string& group) const {
  const auto found = by_group_.find(group);
  return found == by_group_.end() ? GroupCounts{} : found->second;
}

}  // namespace weir
