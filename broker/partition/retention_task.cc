#include "broker/partition/retention_task.h"

#include <spdlog/spdlog.h>

#include <string>
#include <vector>

#include "broker/partition/delete_records.h"
#include "broker/partition/partition_manager.h"
#include "storage/base/check.h"

namespace weir {
namespace {

constexpr absl::Duration kLargestLead = absl::Hours(24);
constexpr size_t kTopicsAtOnce = 1000;

}  // namespace

RetentionTask::RetentionTask(TopicCatalog* catalog, LogManager* logs, LogStartGate* gate,
                             Clock* clock)
    : catalog_(catalog),
      logs_(logs),
      gate_(gate),
      clock_(clock),
      wall_start_(clock->Now()),
      monotonic_start_(clock->Monotonic()) {}

void RetentionTask::Run() {
  if (ClockHasOutrun()) return;
  std::string after;
  for (;;) {
    const std::vector<TopicPtr> topics = catalog_->List("", after, kTopicsAtOnce);
    if (topics.empty()) return;
    for (const TopicPtr& topic : topics) RunTopic(*topic);
    after = topics.back()->name;
  }
}

bool RetentionTask::ClockHasOutrun() {
  const absl::Duration lead =
      (clock_->Now() - wall_start_) - (clock_->Monotonic() - monotonic_start_);
  const bool outrun = lead > kLargestLead;
  if (outrun && !paused_) {
    spdlog::error(
        "retention is paused: the wall clock has jumped ahead by {} since the start; set it right, "
        "or restart the "
        "broker if it is right now",
        absl::FormatDuration(absl::Trunc(lead, absl::Seconds(1))));
  }
  if (!outrun && paused_) spdlog::info("retention goes on: the wall clock is right again");
  paused_ = outrun;
  return outrun;
}

void RetentionTask::RunTopic(const Topic& topic) {
  for (int32_t i = 0; i < topic.partitions && !stopping_; ++i) {
    // As it is now: a pass may take long, and what a topic keeps may be altered meanwhile.
    const TopicPtr now = catalog_->Find(topic.id);
    if (now == nullptr) return;
    const LogConfig config = LogConfigOf(now->config);
    if (config.retention_age == absl::InfiniteDuration() && config.retention_bytes < 0) return;
    const TopicPartition id{.topic = topic.id, .partition = PartitionIndex{i}};
    if (const absl::Status status = RunPartition(id, config); !status.ok()) {
      spdlog::warn("retention of {}/{} failed and is tried again later: {}", topic.name, i,
                   std::string(status.message()));
    }
  }
}

absl::Status RetentionTask::RunPartition(const TopicPartition& id, const LogConfig& config) {
  WEIR_ASSIGN_OR_RETURN(const Offset start, logs_->RetentionStart(id, config));
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<PartitionLog> log, logs_->GetLog(id, config));
  if (start > log->log_start())
    MoveLogStart(gate_, logs_, log, start, [](const absl::StatusOr<Offset>&) {});
  return absl::OkStatus();
}

}  // namespace weir
