// Member: one member of a consumer group as records say it: who it is, what it subscribes to, and
// which partitions it has. Whether it is connected is not here (sessions.h). A value.
#ifndef WEIR_BROKER_GROUP_MEMBER_H_
#define WEIR_BROKER_GROUP_MEMBER_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "storage/base/types.h"

namespace weir {

// Rises with every change of an assignment in the group. 0: none.
using MemberEpoch = StrongNumber<struct MemberEpochTag, int64_t>;

// The topics that a member reads: either by name or by prefix.
struct Subscription {
  std::vector<std::string> topics;  // ascending, each once
  std::string prefix;               // not empty: every topic whose name begins with it

  auto operator<=>(const Subscription&) const = default;
};

// A partition that a member has. It is the member's alone until it confirms that it has given it
// up, or is no member any more.
struct Hold {
  MemberEpoch assigned;  // the epoch with which the member got it
  MemberEpoch revoked;   // the epoch with which it was asked to give it up; 0: it was not

  bool IsRevoked() const { return revoked > MemberEpoch{0}; }
  bool operator==(const Hold&) const = default;
};

struct Member {
  std::string id;
  std::string instance_id;  // not empty: a static member
  Subscription subscription;
  std::string client_id;  // what the client says of itself, for people
  std::string host;
  int64_t since_ms = 0;
  MemberEpoch epoch;  // of its newest assignment
  absl::btree_map<TopicPartition, Hold> held;

  bool IsStatic() const { return !instance_id.empty(); }
  // It was asked to give something up and has not confirmed.
  bool IsRevoking() const {
    return std::any_of(held.begin(), held.end(),
                       [](const auto& entry) { return entry.second.IsRevoked(); });
  }
  bool operator==(const Member&) const = default;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_MEMBER_H_
