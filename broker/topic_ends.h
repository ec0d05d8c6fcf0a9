// TopicEnds: where the logs of topics begin and end. For one look at all groups: a topic is looked
// up once, however many groups read it. One thread.
#ifndef WEIR_BROKER_TOPIC_ENDS_H_
#define WEIR_BROKER_TOPIC_ENDS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/node_hash_map.h"
#include "broker/group/topic_view.h"
#include "storage/base/types.h"

namespace weir {

class TopicEnds {
 public:
  struct Ends {
    TopicId id;
    std::string name;
    std::vector<TopicView::Bounds> partitions;  // 0 and 0 where the log is not available
  };

  // `topics` outlives this.
  explicit TopicEnds(const TopicView* topics) : topics_(topics) {}

  // Null when there is no such topic. Good for as long as this lives.
  const Ends* Find(TopicId topic);

 private:
  const TopicView* const topics_;
  absl::node_hash_map<TopicId, std::optional<Ends>> ends_;
};

}  // namespace weir

#endif  // WEIR_BROKER_TOPIC_ENDS_H_
