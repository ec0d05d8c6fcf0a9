// GroupSampler: what the metrics page shows of consumer groups, asked of their shards whenever the
// page is.
//
// What a page costs. Every shard counts its groups in one visit, and then tells the committed
// offsets of those that are shown, limits::kSurveyOffsets a visit, between which it serves whoever
// waits; a visit takes it a tenth of a millisecond. The rest is the asking thread's: it looks up
// the ends of every partition that some group reads, once, and adds up. A million committed offsets
// in 5,000 partitions take 20 ms, half of it in about a hundred visits to 16 shards
// (group_sampler_test prints it). Records are read for their age, one for each partition with lag,
// for at most limits::kMetricRecordTimesMs a page.
//
// What is bounded: shown are the first limits::kMetricGroups groups by id, with
// limits::kMetricGroupTopics topics and limits::kMetricGroupPartitions partitions of theirs; shards
// that do not answer within limits::kMetricGroupsMs are not waited for. What is missing is counted.
//
// One thread at a time.
#ifndef WEIR_BROKER_GROUP_SAMPLER_H_
#define WEIR_BROKER_GROUP_SAMPLER_H_

#include "broker/group/group_shards.h"
#include "broker/group/topic_view.h"
#include "broker/metrics/group_collector.h"
#include "broker/record_times.h"
#include "storage/base/clock.h"

namespace weir {

class GroupSampler {
 public:
  // All outlive the sampler. A shard may answer when nobody waits any more.
  struct Options {
    GroupShards* shards = nullptr;
    const TopicView* topics = nullptr;
    const Clock* clock = nullptr;
    RecordTimes::Read record_time;
  };
  explicit GroupSampler(Options options)
      : options_(std::move(options)), times_(options_.clock, options_.record_time) {}

  GroupsSample Sample();

 private:
  const Options options_;
  RecordTimes times_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_SAMPLER_H_
