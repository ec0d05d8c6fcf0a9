// GroupCounters: what the groups of one shard have done since the broker started, for who watches
// it. Of the world, not of the log: a reload leaves it as it is, and a start begins at zero. One
// strand.
#ifndef WEIR_BROKER_GROUP_GROUP_COUNTERS_H_
#define WEIR_BROKER_GROUP_GROUP_COUNTERS_H_

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"

namespace weir {

// What is durable counts, and nothing else.
struct GroupCounts {
  int64_t rebalances = 0;      // assignments that gave partitions to members or asked for some
  int64_t fenced_members = 0;  // members that were away, or held what they were asked for, too long
  int64_t commits = 0;         // requests of which at least one offset was taken
  int64_t committed_offsets = 0;

  GroupCounts& operator+=(const GroupCounts& more);
  bool operator==(const GroupCounts&) const = default;
};

class GroupCounters {
 public:
  void Add(const std::string& group, const GroupCounts& more);
  // The group is removed. What it did stays in the total.
  void Forget(const std::string& group) { by_group_.erase(group); }

  GroupCounts Of(const std::string& group) const;
  // Of all groups, also those that are gone.
  const GroupCounts& total() const { return total_; }

 private:
  absl::flat_hash_map<std::string, GroupCounts> by_group_;
  GroupCounts total_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_COUNTERS_H_
