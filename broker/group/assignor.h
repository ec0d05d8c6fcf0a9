// Assignor: which member of a consumer group gets which partition. Pure functions: the same
// input gives the same answer on every machine and at every time. They do not know who owns a
// partition at this moment, nor how a member comes from what it has to what it shall have: that
// is the group's.
#ifndef WEIR_BROKER_GROUP_ASSIGNOR_H_
#define WEIR_BROKER_GROUP_ASSIGNOR_H_

#include <cstdint>
#include <memory>
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

// What a member subscribes to. Members that share one set cost less than members with equal ones.
using TopicSet = std::shared_ptr<const absl::btree_set<TopicId>>;

struct AssignorInput {
  struct Member {
    std::string id;
    std::string instance_id;  // empty: not a static member
    TopicSet subscribed;      // not null; may name topics that are not in `topics`: no partitions
    // Of the assignment before. May name partitions that are gone, that this member no longer
    // subscribes to, or that another member names too (then the lower id has it).
    PartitionSet owned;
  };
  std::vector<Member> members;  // ids are unique; in any order, which does not matter
  // Partitions of each topic that exists; at most limits::kPartitionsPerBroker together.
  absl::btree_map<TopicId, int32_t> topics;
};

// For every member (also one without partitions), what it shall have. Every partition that any
// member subscribes to is in exactly one member's set, and only in one that subscribes to its
// topic.
using Assignment = absl::btree_map<std::string, PartitionSet>;

enum class Assignor : uint8_t {
  // Members keep what they own as far as that is even; the rest is spread. Even means: no member
  // has two partitions more than another that could take one of them. Topics do not count, only
  // partitions. What is even and complete stays as it is. Where all members subscribe to the same,
  // nothing moves that could have stayed: a member that leaves moves only its partitions, one that
  // joins only those that it gets. Static members are like all others: one that comes back under
  // a new id is given the partitions of the old one as `owned`.
  kSticky = 1,
  // Topic by topic, in ranges: the members get consecutive partitions, the first ones one more
  // where it does not come out even. The order is static members by instance id, then the others by
  // id, so that the same member has the same numbers of topics with equal subscribers and partition
  // counts (co-partitioned topics join locally), and a static member that comes back under a new id
  // has what it had. What members own does not matter.
  kRange = 2,
};

// "sticky" and "range".
absl::string_view AssignorName(Assignor assignor);
std::optional<Assignor> ParseAssignor(absl::string_view name);

Assignment Assign(Assignor assignor, const AssignorInput& input);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_ASSIGNOR_H_
