// TopicLags: how far groups lie behind in their topics, from what they have committed and where the
// logs end. For one look at all groups. One thread.
#ifndef WEIR_BROKER_TOPIC_LAGS_H_
#define WEIR_BROKER_TOPIC_LAGS_H_

#include <cstdint>
#include <optional>

#include "broker/group/topic_view.h"
#include "broker/metrics/group_collector.h"
#include "broker/record_times.h"
#include "broker/topic_ends.h"
#include "storage/base/types.h"

namespace weir {

class TopicLags {
 public:
  // `topics` and `times` outlive this.
  struct Options {
    const TopicView* topics = nullptr;
    RecordTimes* times = nullptr;
    int64_t now_ms = 0;
  };
  explicit TopicLags(const Options& options) : options_(options), ends_(options.topics) {}

  // A group in a topic, of which Add and Finish speak then. How many partitions that is; nothing
  // when there is no such topic.
  std::optional<size_t> Begin(TopicId topic);
  // What the group has committed, partitions ascending.
  void Add(PartitionIndex partition, Offset committed);
  // The sum. Where nothing is committed every record counts.
  GroupSample::Topic Finish();

 private:
  // The next partition, from the committed offset on.
  void AddNext(Offset committed);
  void AddUpTo(size_t partition);

  const Options options_;
  TopicEnds ends_;
  const TopicEnds::Ends* topic_ = nullptr;  // of Begin
  size_t next_ = 0;                         // partition
  GroupSample::Topic sum_;
  int64_t oldest_ms_ = 0;  // of the records of which the time is known
  bool ages_known_ = true;
};

}  // namespace weir

#endif  // WEIR_BROKER_TOPIC_LAGS_H_
