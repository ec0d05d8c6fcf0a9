// ShareHeads: every share group of the broker as its machine has last published it. Any thread; no
// call waits.
#ifndef WEIR_BROKER_GROUP_SHARE_HEADS_H_
#define WEIR_BROKER_GROUP_SHARE_HEADS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "broker/group/share_head.h"

namespace weir {

class ShareHeads : public ShareHeadListener {
 public:
  // `shards`: the number of internal partitions. `on_change`: called with the group's id after each
  // change, without a lock held, on the strand of the group's machine.
  ShareHeads(int32_t shards, std::function<void(const std::string& group)> on_change)
      : shards_(shards), on_change_(std::move(on_change)) {}

  // Null when there is none.
  ShareHeadPtr Find(absl::string_view group) const ABSL_LOCKS_EXCLUDED(mu_);
  // By id.
  std::vector<ShareHeadPtr> All() const ABSL_LOCKS_EXCLUDED(mu_);
  // The group that the topic belongs to; empty when it belongs to none.
  std::string OwnerOf(TopicId topic) const ABSL_LOCKS_EXCLUDED(mu_);

  void OnShareHead(ShareHeadPtr head) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnShareHeadGone(const std::string& group) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnShareHeadsLoaded(PartitionIndex shard, std::vector<ShareHeadPtr> heads) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const int32_t shards_;
  const std::function<void(const std::string& group)> on_change_;
  mutable absl::Mutex mu_;
  absl::btree_map<std::string, ShareHeadPtr> heads_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_SHARE_HEADS_H_
