// ShareSampler: what the metrics page shows of share groups, asked of the directory and of the
// shards whenever the page is.
//
// What a page costs. Every shard tells of all its share-partitions, limits::kSurveyShares a visit,
// between which it serves whoever waits; a visit takes it a tenth of a millisecond, and a read of
// the store for each that has parked jobs, which counts as limits::kSurveyStoreReadShares. The rest
// is the asking thread's: it adds up, and looks up the ends of every partition that some group
// reads, once. 20,000 share-partitions, a quarter of them with parked jobs, take 10 ms in about 80
// visits to 16 shards where the store is in memory (share_sampler_test prints it). Records are read
// for their age, one for each partition with unfinished jobs, for at most
// limits::kMetricRecordTimesMs a page.
//
// What is bounded: shown are the first limits::kMetricGroups groups by id, with
// limits::kMetricShareTopics topics of theirs; shards that have not told all within
// limits::kMetricGroupsMs are not waited for. What is missing is counted.
//
// One thread at a time.
#ifndef WEIR_BROKER_SHARE_SAMPLER_H_
#define WEIR_BROKER_SHARE_SAMPLER_H_

#include <utility>

#include "broker/group/topic_view.h"
#include "broker/metrics/share_collector.h"
#include "broker/record_times.h"
#include "broker/share/share_directory.h"
#include "broker/share/share_shards.h"
#include "storage/base/clock.h"

namespace weir {

class ShareSampler {
 public:
  // All outlive the sampler. A shard may answer when nobody waits any more.
  struct Options {
    ShareShards* shards = nullptr;
    const ShareDirectory* directory = nullptr;
    const TopicView* topics = nullptr;
    const Clock* clock = nullptr;
    RecordTimes::Read record_time;
  };
  explicit ShareSampler(Options options)
      : options_(std::move(options)), times_(options_.clock, options_.record_time) {}

  SharesSample Sample();

 private:
  const Options options_;
  RecordTimes times_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SAMPLER_H_
