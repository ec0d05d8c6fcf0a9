#include "broker/log_events.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "storage/log/partition_log.h"

namespace weir {

LogEvents::LogEvents(Waiters* waiters, Metrics* metrics,
                     std::function<void(const absl::Status&)> on_fenced)
    : waiters_(waiters), metrics_(metrics), on_fenced_(std::move(on_fenced)) {}

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
  spdlog::error("partition {}/{} is damaged and read-only: {}", id.topic.ToString(),
                id.partition.value(), std::string(what));
}

void LogEvents::OnCheckpoint(const CheckpointStats& stats) {
  metrics_->CountCheckpoint(stats.segments_flushed, stats.duration);
}

}  // namespace weir
