// ShareCollector: share groups as series: what the jobs of each are at in each topic, what became
// of the others, and who hands out none. The sample comes already bounded; what it leaves out is
// said by gauges of their own. Immutable, any thread.
#ifndef WEIR_BROKER_METRICS_SHARE_COLLECTOR_H_
#define WEIR_BROKER_METRICS_SHARE_COLLECTOR_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

struct ShareSample {
  // In jobs, over all partitions.
  struct Topic {
    std::string name;
    int64_t available = 0;
    int64_t in_flight = 0;
    int64_t delayed = 0;
    int64_t blocked = 0;
    int64_t dying = 0;
    int64_t unfinished = 0;  // all of these, and what nobody has looked at yet
    // Age of the oldest unfinished one; 0 when there is none, absent when not known.
    std::optional<double> oldest_seconds;
    // Since the group began, or was set back.
    int64_t accepted = 0;
    int64_t cancelled = 0;
    int64_t expired = 0;
    std::map<std::string, int64_t> died;  // by reason
    // Since the broker started.
    int64_t locks_expired = 0;
    int64_t uncounted_releases = 0;
  };
  std::string group;
  bool paused = false;             // by command or by its breaker
  bool paused_by_breaker = false;  // by the latter
  std::vector<Topic> topics;       // those whose every partition was looked at
};

struct SharesSample {
  std::map<std::string, int64_t> by_state;  // all groups
  std::vector<ShareSample> groups;
  int64_t omitted_groups = 0;     // not in `groups`: there are too many
  int64_t omitted_topics = 0;     // of those in `groups`: too many, or not in time
  int64_t omitted_ages = 0;       // topics without oldest_seconds
  int64_t unanswered_shards = 0;  // that did not tell all in time
};

class ShareCollector : public prometheus::Collectable {
 public:
  explicit ShareCollector(std::function<SharesSample()> sample) : sample_(std::move(sample)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::function<SharesSample()> sample_;
};

}  // namespace weir

#endif  // WEIR_BROKER_METRICS_SHARE_COLLECTOR_H_
