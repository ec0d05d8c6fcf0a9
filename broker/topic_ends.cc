#include "broker/topic_ends.h"

#include <cstdint>
#include <utility>

namespace weir {

const TopicEnds::Ends* TopicEnds::Find(TopicId topic) {
  const auto [at, is_new] = ends_.try_emplace(topic);
  if (is_new) {
    if (const std::optional<TopicView::Topic> found = topics_->Find(topic)) {
      Ends ends{.id = topic, .name = found->name, .partitions = {}};
      for (int32_t i = 0; i < found->partitions; ++i) {
        ends.partitions.push_back(
            topics_->BoundsOf({topic, PartitionIndex{i}}).value_or(TopicView::Bounds{}));
      }
      at->second = std::move(ends);
    }
  }
  return at->second.has_value() ? &*at->second : nullptr;
}

}  // namespace weir
