// LogEvents: passes on what the log tells: moved high watermarks to who waits for them, rounds and
// checkpoints to the metrics, a fence to the server, damage to the broker's own log. Threads as
// LogListener says.
#ifndef WEIR_BROKER_LOG_EVENTS_H_
#define WEIR_BROKER_LOG_EVENTS_H_

#include <functional>

#include "broker/metrics/metrics.h"
#include "broker/runtime/waiters.h"
#include "broker/topics/topic_catalog.h"
#include "storage/log/log_listener.h"

namespace weir {

class LogEvents : public LogListener {
 public:
  // `waiters` and `metrics` outlive this. `find_topic`: null for one that is not known; any thread,
  // and with locks of the log held.
  LogEvents(Waiters* waiters, Metrics* metrics, std::function<TopicPtr(TopicId)> find_topic,
            std::function<void(const absl::Status&)> on_fenced);

  void OnHighWatermark(const PartitionLog& log) override;
  void OnRound(const RoundStats& stats) override;
  void OnCheckpoint(const CheckpointStats& stats) override;
  void OnFenced(const absl::Status& reason) override { on_fenced_(reason); }
  // Also for what recovery has found.
  void OnDamaged(const TopicPartition& id, absl::string_view what) override;

 private:
  Waiters* const waiters_;
  Metrics* const metrics_;
  const std::function<TopicPtr(TopicId)> find_topic_;
  const std::function<void(const absl::Status&)> on_fenced_;
};

}  // namespace weir

#endif  // WEIR_BROKER_LOG_EVENTS_H_
