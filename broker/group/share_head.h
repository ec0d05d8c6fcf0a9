// ShareHead: a share group as its machine publishes it: only what is durable. Its share-partitions
// live in other internal partitions, and learn of it this way.
#ifndef WEIR_BROKER_GROUP_SHARE_HEAD_H_
#define WEIR_BROKER_GROUP_SHARE_HEAD_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "broker/group/group.h"
#include "broker/group/topic_view.h"
#include "storage/base/types.h"

namespace weir {

// Where a share group begins in partitions that were there when it, starting at the latest, first
// subscribed to their topic. In all others it begins at the first record.
using ShareStarts = absl::btree_map<TopicPartition, Offset>;
ShareStarts StartsOf(const Group& group);

// The topics that exist of what a share group subscribes to. Those that belong to it are not among
// them.
std::vector<TopicView::Topic> ReadBy(const ShareTopics& share, const TopicView& topics);

struct ShareHead {
  GroupHead head;
  ShareStarts starts;
};
using ShareHeadPtr = std::shared_ptr<const ShareHead>;

// Told on the strand of the group's machine, before whoever asked for the change is answered; must
// not wait.
class ShareHeadListener {
 public:
  virtual ~ShareHeadListener() = default;

  // A new one, or one in place of what it was.
  virtual void OnShareHead(ShareHeadPtr head) = 0;
  virtual void OnShareHeadGone(const std::string& group) = 0;
  // The machine of this internal partition was loaded (again): these are all that it has.
  virtual void OnShareHeadsLoaded(PartitionIndex shard, std::vector<ShareHeadPtr> heads) = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_SHARE_HEAD_H_
