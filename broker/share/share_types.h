// The words of share groups: what names a unit of their state, a worker's session, a lock and a
// key. Immutable values, any thread.
#ifndef WEIR_BROKER_SHARE_SHARE_TYPES_H_
#define WEIR_BROKER_SHARE_SHARE_TYPES_H_

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"

namespace weir {

// A share-partition: what one share group has to do with one partition. The unit of state: each
// lives in one internal partition by the hash of all three, so that a hot queue spreads over
// shards.
struct SharePartitionId {
  std::string group;
  TopicPartition partition;

  auto operator<=>(const SharePartitionId&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const SharePartitionId& id) {
    return H::combine(std::move(h), id.group, id.partition);
  }
};

// Which of `partitions` internal partitions has the share-partition. Never changes.
PartitionIndex ShardOfSharePartition(const SharePartitionId& id, int32_t partitions);

// A worker's session, for as long as it lives: it may break and be resumed. Whoever runs the
// streams numbers them from 1; no number comes twice while a broker runs.
using ShareSessionId = StrongNumber<struct ShareSessionTag, uint64_t>;

// Names one acquisition. Newer ones compare greater, also over restarts of the broker. Not a
// secret: it guards against mistakes, authorisation against people.
struct LockToken {
  LeaderEpoch epoch;    // of the broker's start
  int64_t counter = 0;  // from 1, of the internal partition since that start; 0: no lock

  auto operator<=>(const LockToken&) const = default;
};

// 128 bits of a record's key: equal keys have equal hashes for ever (they are on disk). Keys that
// collide are only handed out one after the other.
struct KeyHash {
  uint64_t high = 0;
  uint64_t low = 0;

  auto operator<=>(const KeyHash&) const = default;
  template <typename H>
  friend H AbslHashValue(H h, const KeyHash& hash) {
    return H::combine(std::move(h), hash.low);
  }
};
KeyHash KeyHashOf(absl::string_view key);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_TYPES_H_
