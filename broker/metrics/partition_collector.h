// PartitionCollector: sizes and offsets per topic and partition, made at scrape time from what is
// true then. The number of series is bounded: partitions beyond limits::kMetricPartitions are only
// in their topic's sums. Immutable, any thread.
#ifndef WEIR_BROKER_METRICS_PARTITION_COLLECTOR_H_
#define WEIR_BROKER_METRICS_PARTITION_COLLECTOR_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/types.h"

namespace weir {

struct PartitionSample {
  std::string topic;
  PartitionIndex partition;
  Offset log_start;
  Offset high_watermark;
  std::optional<int64_t> size_bytes;  // absent: not known yet
};

class PartitionCollector : public prometheus::Collectable {
 public:
  // `sample` gives every partition, those of one topic one after another. Sizes that are not
  // known make no series, nor does a topic's with one of them.
  explicit PartitionCollector(std::function<std::vector<PartitionSample>()> sample)
      : sample_(std::move(sample)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::function<std::vector<PartitionSample>()> sample_;
};

}  // namespace weir

#endif  // WEIR_BROKER_METRICS_PARTITION_COLLECTOR_H_
