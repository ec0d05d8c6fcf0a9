// GroupCollector: consumer groups as series: how many, who is in them, what they did, and how far
// they lie behind in each topic. The sample comes already bounded; what it leaves out is said by
// gauges of their own. Immutable, any thread.
#ifndef WEIR_BROKER_METRICS_GROUP_COLLECTOR_H_
#define WEIR_BROKER_METRICS_GROUP_COLLECTOR_H_

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

// What groups did since the broker started.
struct GroupActivity {
  int64_t rebalances = 0;
  int64_t fenced_members = 0;
  int64_t commits = 0;
  int64_t committed_offsets = 0;
};

struct GroupSample {
  struct Topic {
    std::string name;
    int64_t lag = 0;          // records that are not committed, over all partitions
    int64_t largest_lag = 0;  // of one partition
    // Age of the oldest record that is not committed; 0 when there is none, absent when not known.
    std::optional<double> lag_seconds;
  };
  std::string group;
  std::string state;
  int64_t members = 0;
  GroupActivity activity;
  std::vector<Topic> topics;  // those whose every partition was looked at
};

struct GroupsSample {
  // Of all groups. Absent when not all could be asked: sums would seem to fall.
  struct Totals {
    std::map<std::string, int64_t> by_state;
    int64_t members = 0;
    GroupActivity activity;
  };
  std::optional<Totals> totals;
  std::vector<GroupSample> groups;
  int64_t omitted_groups = 0;     // not in `groups`: there are too many
  int64_t omitted_lags = 0;       // groups of which topics are missing: too many, or not in time
  int64_t omitted_ages = 0;       // topics of groups without lag_seconds
  int64_t unanswered_shards = 0;  // whose groups are missing: they did not answer in time
};

class GroupCollector : public prometheus::Collectable {
 public:
  explicit GroupCollector(std::function<GroupsSample()> sample) : sample_(std::move(sample)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::function<GroupsSample()> sample_;
};

}  // namespace weir

#endif  // WEIR_BROKER_METRICS_GROUP_COLLECTOR_H_
