#include "broker/gauges.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "broker/group_sampler.h"
#include "broker/metrics/group_collector.h"
#include "broker/metrics/partition_collector.h"
#include "broker/metrics/share_collector.h"
#include "broker/partition/record_time.h"
#include "broker/share_sampler.h"

namespace weir {
namespace {

constexpr size_t kTopicsAtOnce = 1000;  // while all of them are gone through

PartitionSample SamplePartition(const Topic& topic, PartitionIndex index, LogManager* logs) {
  const TopicPartition id{.topic = topic.id, .partition = index};
  PartitionSample sample{.topic = topic.name, .partition = index};
  if (const std::shared_ptr<PartitionLog> log = logs->FindOpenLog(id)) {
    const LogDescription description = log->Describe();
    sample.log_start = description.log_start;
    sample.high_watermark = description.high_watermark;
    sample.size_bytes = description.size_bytes;
  } else if (const absl::StatusOr<LogBounds> bounds = logs->Bounds(id); bounds.ok()) {
    sample.log_start = bounds->log_start;
    sample.high_watermark = bounds->high_watermark;
    if (bounds->high_watermark == Offset{0}) sample.size_bytes = 0;
  }
  return sample;
}

// From the catalogue and from memory: no log is opened for it.
std::vector<PartitionSample> SamplePartitions(const TopicCatalog& catalog, LogManager* logs) {
  std::vector<PartitionSample> samples;
  std::string after;
  for (;;) {
    const std::vector<TopicPtr> topics = catalog.List("", after, kTopicsAtOnce);
    if (topics.empty()) return samples;
    for (const TopicPtr& topic : topics) {
      for (PartitionIndex p{0}; topic->Has(p); p = PartitionIndex{p.value() + 1})
        samples.push_back(SamplePartition(*topic, p, logs));
    }
    after = topics.back()->name;
  }
}

// Both look at the groups anew for every page; one page is made at a time.
void AddGroups(const GaugeSources& from, Metrics* metrics) {
  const auto record_time = [from](const TopicPartition& id,
                                  Offset offset) -> std::optional<int64_t> {
    const TopicPtr topic = from.catalog->Find(id.topic);
    if (topic == nullptr) return std::nullopt;
    return RecordTimeMs(from.partitions, topic, id.partition, offset);
  };
  const auto groups =
      std::make_shared<GroupSampler>(GroupSampler::Options{.shards = from.groups->shards(),
                                                           .topics = &from.groups->topics(),
                                                           .clock = from.clock,
                                                           .record_time = record_time});
  metrics->AddCollector(std::make_unique<GroupCollector>([groups] { return groups->Sample(); }));
  const auto shares = std::make_shared<ShareSampler>(
      ShareSampler::Options{.shards = from.groups->shares(),
                            .directory = from.groups->share_directory(),
                            .topics = &from.groups->topics(),
                            .clock = from.clock,
                            .record_time = record_time});
  metrics->AddCollector(std::make_unique<ShareCollector>([shares] { return shares->Sample(); }));
}

}  // namespace

void AddGauges(const GaugeSources& from, Metrics* metrics) {
  const auto gauge = [metrics](const char* name, const char* help, std::function<double()> value) {
    metrics->AddGauge(name, help, std::move(value));
  };
  const double start = absl::ToDoubleSeconds(from.clock->Now() - absl::UnixEpoch());
  gauge("weir_start_time_seconds", "When the broker started, since the epoch",
        [start] { return start; });
  gauge("weir_waiters", "Fetches and streams that wait for records",
        [from] { return double(from.waiters->size()); });
  gauge("weir_streams", "Produce and fetch streams that are open",
        [from] { return double(from.calls->long_calls()); });
  gauge("weir_memory_limit_bytes", "Budget for requests",
        [from] { return double(from.memory->limit()); });
  gauge("weir_memory_produce_used_bytes", "Of the produce share",
        [from] { return double(from.memory->produce().used()); });
  gauge("weir_memory_calls_used_bytes", "Of the share of requests that are no produces",
        [from] { return double(from.memory->calls().used()); });
  gauge("weir_memory_fetch_used_bytes", "Of the fetch share",
        [from] { return double(from.memory->fetch().used()); });
  gauge("weir_memory_produce_waiting", "Streams that are not read for lack of memory",
        [from] { return double(from.memory->produce().waiting()); });
  gauge("weir_memory_fetch_waiting", "Streams that are not fed for lack of memory",
        [from] { return double(from.memory->fetch().waiting()); });
  gauge("weir_disk_free_bytes", "Free space where the data is",
        [from] { return double(from.watermark->space().free_bytes); });
  gauge("weir_disk_total_bytes", "All space where the data is",
        [from] { return double(from.watermark->space().total_bytes); });
  gauge("weir_disk_low", "1 while produces are refused for lack of space",
        [from] { return from.watermark->status().ok() ? 0.0 : 1.0; });
  gauge("weir_read_only", "1 while nothing is written for lack of space at the start",
        [from] { return from.read_only ? 1.0 : 0.0; });
  gauge("weir_damaged_partitions", "Partitions that are damaged and read-only, as far as is known",
        [from] { return double(from.logs->damaged_partitions()); });
  gauge("weir_journal_bytes", "Size of the commit journal",
        [from] { return double(from.logs->journal_bytes()); });
  gauge("weir_topics", "Topics", [from] { return double(from.catalog->totals().topics); });
  gauge("weir_partitions", "Partitions of all topics",
        [from] { return double(from.catalog->totals().partitions); });
  gauge("weir_retention_paused", "1 while retention waits for the wall clock to be set right",
        [from] { return from.retention_paused() ? 1.0 : 0.0; });
  gauge("weir_ready", "1 while the broker serves", [from] { return from.ready() ? 1.0 : 0.0; });
  metrics->AddCollector(std::make_unique<PartitionCollector>(
      [from] { return SamplePartitions(*from.catalog, from.logs); }));
  if (from.groups != nullptr) AddGroups(from, metrics);
}

}  // namespace weir
