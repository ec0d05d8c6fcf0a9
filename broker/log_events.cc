#include "broker/log_events.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "storage/log/partition_log.h"

namespace weir {

LogEvents::LogEvents(Waiters* waiters, Metrics* metrics,
                     std::function<TopicPtr(TopicId)> find_topic,
                     std::function<void(const absl::Status&)> on_fenced)
    : waiters_(waiters),
      metrics_(metrics),
      find_topic_(std::move(find_topic)),
      on_fenced_(std::move(on_fenced)) {}

void LogEvents::OnHighWatermark(const PartitionLog& log) {
  waiters_->OnHighWatermark(log.id(), log.high_watermark());
}

void LogEvents::OnRound(const RoundStats& stats) {
  metrics_->CountRound({.requests = stats.requests,
                        .batches = stats.batches,
                        .payload_bytes = stats.payload_bytes,
                        .journal_bytes = stats.journal_bytes,
                        .journal_write = stats.journal_write,
                        .flush = stats.flush,
                        .apply = stats.apply});
}

void LogEvents::OnDamaged(const TopicPartition& id, absl::string_view what) {
  const TopicPtr topic = find_topic_(id.topic);
  spdlog::error("partition {}/{} is damaged and read-only: {}",
                topic == nullptr ? id.topic.ToString() : topic->name, id.partition.value(),
                std::string(what));
}

void LogEvents::OnCheckpoint(const CheckpointStats& stats) {
  metrics_->CountCheckpoint(stats.segments_flushed, stats.duration);
}

}  // namespace weir
