// Assignor: which member of a consumer group gets which partition. Pure functions: the same input
// gives the same answer on every machine and at every time. They do not know who owns a partition
// at this moment, nor how a member comes from what it has to what it shall have: that is the
// group's.
#ifndef WEIR_BROKER_GROUP_ASSIGNOR_H_
#define WEIR_BROKER_GROUP_ASSIGNOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/strings/string_view.h"
#include "storage/base/types.h"

namespace weir {

// Partitions of one member, by topic.
using PartitionSet = absl::btree_set<TopicPartition>;

struct AssignorInput {
  struct Member {
    std::string id;
    std::string instance_id;              // empty: not a static member
    absl::btree_set<TopicId> subscribed;  // may name topics that are not in `topics`: no partitions
    PartitionSet owned;  // of the assignment before; may name partitions that are gone
  };
  std::vector<Member> members;               // ids are unique; in any order, which does not matter
  absl::btree_map<TopicId, int32_t> topics;  // partitions of each topic that exists
};

// For every member (also one without partitions), what it shall have. Every partition that any
// member subscribes to is in exactly one member's set, and only in one that subscribes to its
// topic.
using Assignment = absl::btree_map<std::string, PartitionSet>;

enum class Assignor : uint8_t {
  // Members keep what they have as far as that is even; the rest is spread. Even means: no member
  // has two
  // partitions more than another that could take one of them.
  kSticky = 1,
  // Topic by topic, in ranges: members in order (of instance id where given, else of id) get
  // consecutive
  // partitions, so that the same member has the same numbers of topics with equal subscribers and
  // partition counts (co-partitioned topics join locally).
  kRange = 2,
};

// "sticky" and "range".
absl::string_view AssignorName(Assignor assignor);
std::optional<Assignor> ParseAssignor(absl::string_view name);

Assignment Assign(Assignor assignor, const AssignorInput& input);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_ASSIGNOR_H_
