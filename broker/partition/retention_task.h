// RetentionTask: goes over all partitions and has their logs drop what their topic no longer keeps.
// What that is, the log decides. What share groups still hold there goes only when they let it:
// with a later pass.
//
// Ages are told by the wall clock. When it has outrun the monotonic clock by more than a day since
// the start, somebody set it, and believing it could delete everything: then nothing is dropped,
// and that is reported, until the clocks agree again. Run by one thread at a time; paused() and
// Stop() by any.
#ifndef WEIR_BROKER_PARTITION_RETENTION_TASK_H_
#define WEIR_BROKER_PARTITION_RETENTION_TASK_H_

#include <atomic>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/partition/log_start_gate.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/clock.h"
#include "storage/log/log_manager.h"

namespace weir {

class RetentionTask {
 public:
  // All outlive the task.
  RetentionTask(TopicCatalog* catalog, LogManager* logs, LogStartGate* gate, Clock* clock);

  // One pass. Waits for the disk.
  void Run();

  // The pass under way ends with the partition it is at.
  void Stop() { stopping_.store(true, std::memory_order_relaxed); }

  bool paused() const { return paused_.load(std::memory_order_relaxed); }

 private:
  bool ClockHasOutrun();
  void RunTopic(const Topic& topic);
  absl::Status RunPartition(const TopicPartition& id, const LogConfig& config);

  TopicCatalog* const catalog_;
  LogManager* const logs_;
  LogStartGate* const gate_;
  Clock* const clock_;
  const absl::Time wall_start_;
  const absl::Duration monotonic_start_;
  std::atomic<bool> paused_{false};
  std::atomic<bool> stopping_{false};
};

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_RETENTION_TASK_H_
