// TopicView: what the machine of consumer groups sees of the topics and their logs. In memory: no
// call waits. Any thread.
#ifndef WEIR_BROKER_GROUP_TOPIC_VIEW_H_
#define WEIR_BROKER_GROUP_TOPIC_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/base/types.h"

namespace weir {

class TopicView {
 public:
  struct Topic {
    TopicId id;
    std::string name;
    int32_t partitions = 0;
  };
  struct Bounds {
    Offset start;  // log start offset
    Offset end;    // high watermark
  };

  virtual ~TopicView() = default;

  // Topics that exist. A topic that was once seen and is not found any more counts as deleted for
  // good, and its committed offsets go: the view is complete before a machine uses it.
  virtual std::optional<Topic> Find(absl::string_view name) const = 0;
  virtual std::optional<Topic> Find(TopicId id) const = 0;
  // Those whose name begins with `prefix`, without the broker's own; in any order.
  virtual std::vector<Topic> WithPrefix(absl::string_view prefix) const = 0;
  // Of a partition that exists. Otherwise, and when its log is not available, an error that a
  // caller may see.
  virtual absl::StatusOr<Bounds> BoundsOf(const TopicPartition& partition) const = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_TOPIC_VIEW_H_
