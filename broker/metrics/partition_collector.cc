#include "broker/metrics/partition_collector.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

prometheus::MetricFamily Family(std::string name, std::string help) {
  return {.name = std::move(name),
          .help = std::move(help),
          .type = prometheus::MetricType::Gauge,
          .metric = {}};
}

void Add(prometheus::MetricFamily* family, std::vector<prometheus::ClientMetric::Label> labels,
         int64_t value) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = static_cast<double>(value);
  family->metric.push_back(std::move(metric));
}

}  // namespace

std::vector<prometheus::MetricFamily> PartitionCollector::Collect() const {
  auto topic_size = Family("weir_topic_size_bytes", "Bytes of a topic's segments");
  auto topic_records =
      Family("weir_topic_records",
             "Offsets between log start and high watermark, over a topic's partitions");
  auto size = Family("weir_partition_size_bytes", "Bytes of a partition's segments");
  auto log_start = Family("weir_partition_log_start_offset", "First offset that can be read");
  auto high_watermark = Family("weir_partition_high_watermark", "Offsets below it can be read");
  const std::vector<PartitionSample> samples = sample_();
  std::optional<int64_t> topic_bytes = 0;
  int64_t topic_offsets = 0;
  size_t topics = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const PartitionSample& sample = samples[i];
    if (i < limits::kMetricPartitions) {
      const std::vector<prometheus::ClientMetric::Label> labels = {
          {.name = "topic", .value = sample.topic},
          {.name = "partition", .value = absl::StrCat(sample.partition.value())}};
      if (sample.size_bytes) Add(&size, labels, *sample.size_bytes);
      Add(&log_start, labels, sample.log_start.value());
      Add(&high_watermark, labels, sample.high_watermark.value());
    }
    if (!sample.size_bytes) topic_bytes.reset();
    if (topic_bytes) *topic_bytes += *sample.size_bytes;
    topic_offsets += sample.high_watermark - sample.log_start;
    if (i + 1 < samples.size() && samples[i + 1].topic == sample.topic) continue;
    if (++topics <= limits::kMetricTopics) {
      if (topic_bytes) Add(&topic_size, {{.name = "topic", .value = sample.topic}}, *topic_bytes);
      Add(&topic_records, {{.name = "topic", .value = sample.topic}}, topic_offsets);
    }
    topic_bytes = topic_offsets = 0;
  }
  return {std::move(topic_size), std::move(topic_records), std::move(size), std::move(log_start),
          std::move(high_watermark)};
}

}  // namespace weir
