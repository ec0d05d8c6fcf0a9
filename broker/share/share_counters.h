// ShareCounters: what happened to jobs of the share-partitions of one shard since the broker
// started, as far as no record tells it, for who watches. Of the world, not of the log: a reload
// leaves it as it is, and a start begins at zero. One strand.
#ifndef WEIR_BROKER_SHARE_SHARE_COUNTERS_H_
#define WEIR_BROKER_SHARE_SHARE_COUNTERS_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "broker/share/share_types.h"

namespace weir {

// What is durable counts, and nothing else. In jobs.
struct ShareTally {
  int64_t locks_expired = 0;       // the worker let the time pass
  int64_t uncounted_releases = 0;  // by their workers, or since these left in order

  bool operator==(const ShareTally&) const = default;
};

class ShareCounters {
 public:
  void Add(const SharePartitionId& id, const ShareTally& more) {
    ShareTally& tally = by_id_[id];
    tally.locks_expired += more.locks_expired;
    tally.uncounted_releases += more.uncounted_releases;
  }
  // The share-partition is removed.
  void Forget(const SharePartitionId& id) { by_id_.erase(id); }

  ShareTally Of(const SharePartitionId& id) const {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? ShareTally{} : found->second;
  }

 private:
  absl::flat_hash_map<SharePartitionId, ShareTally> by_id_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_COUNTERS_H_
