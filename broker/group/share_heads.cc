#include "broker/group/share_heads.h"

#include "absl/container/btree_set.h"
#include "storage/record/key_partitioner.h"

namespace weir {

ShareHeadPtr ShareHeads::Find(absl::string_view group) const {
  absl::MutexLock lock(&mu_);
  const auto found = heads_.find(group);
  return found == heads_.end() ? nullptr : found->second;
}

std::vector<ShareHeadPtr> ShareHeads::All() const {
  std::vector<ShareHeadPtr> all;
  absl::MutexLock lock(&mu_);
  all.reserve(heads_.size());
  for (const auto& [group, head] : heads_) all.push_back(head);
  return all;
}

std::string ShareHeads::OwnerOf(TopicId topic) const {
  absl::MutexLock lock(&mu_);
  for (const auto& [group, published] : heads_) {
    const ShareTopics& share = published->head.share;
    if (share.dead_letter.id == topic) return group;
    for (const auto& [source, redrive] : share.redrive) {
      if (redrive.id == topic) return group;
    }
  }
  return "";
}

void ShareHeads::OnShareHead(ShareHeadPtr head) {
  const std::string group = head->head.id;
  {
    absl::MutexLock lock(&mu_);
    heads_[group] = std::move(head);
  }
  on_change_(group);
}

void ShareHeads::OnShareHeadGone(const std::string& group) {
  {
    absl::MutexLock lock(&mu_);
    heads_.erase(group);
  }
  on_change_(group);
}

void ShareHeads::OnShareHeadsLoaded(PartitionIndex shard, std::vector<ShareHeadPtr> heads) {
  absl::btree_set<std::string> changed;
  {
    absl::MutexLock lock(&mu_);
    for (auto at = heads_.begin(); at != heads_.end();) {
      const bool of_shard = PartitionForKey(at->first, shards_) == shard;
      if (of_shard) changed.insert(at->first);
      at = of_shard ? heads_.erase(at) : std::next(at);
    }
    for (ShareHeadPtr& head : heads) {
      changed.insert(head->head.id);
      heads_[head->head.id] = std::move(head);
    }
  }
  for (const std::string& group : changed) on_change_(group);
}

}  // namespace weir
