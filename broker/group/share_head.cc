#include "broker/group/share_head.h"

#include <algorithm>
#include <utility>

#include "broker/group/reconciliation.h"

namespace weir {

ShareStarts StartsOf(const Group& group) {
  ShareStarts starts;
  group.offsets().Visit({}, [&](const TopicPartition& partition, const CommittedOffset& offset) {
    starts[partition] = offset.offset;
    return true;
  });
  return starts;
}

std::vector<TopicView::Topic> ReadBy(const ShareTopics& share, const TopicView& topics) {
  std::vector<TopicView::Topic> read;
  for (TopicView::Topic& topic : Resolve(share.subscription, topics)) {
    const bool own = topic.id == share.dead_letter.id ||
                     std::any_of(share.redrive.begin(), share.redrive.end(),
                                 [&](const auto& entry) { return entry.second.id == topic.id; });
    if (!own) read.push_back(std::move(topic));
  }
  return read;
}

}  // namespace weir
