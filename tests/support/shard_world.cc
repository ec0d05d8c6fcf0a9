#include "tests/support/shard_world.h"

#include <utility>

#include "storage/base/check.h"

namespace weir {
namespace {

TopicId InternalTopic() { return LogWorld::Topic(1); }

Ledger LogLedger(std::vector<TopicId> others) {
  Ledger ledger;
  ledger.live_topics = std::move(others);
  ledger.live_topics.push_back(InternalTopic());
  return ledger;
}

LogWorldOptions LogOptions(int starts) {
  LogWorldOptions options;
  options.epoch = LeaderEpoch{1 + starts};
  return options;
}

}  // namespace

ShardWorld::ShardWorld(std::unique_ptr<SimFileSystem> disk, int starts, std::vector<TopicId> others)
    : logs_(std::make_unique<LogWorld>(std::move(disk), LogLedger(std::move(others)),
                                       LogOptions(starts))),
      timers_(std::make_unique<TimerQueue>(&logs_->clock(), TimerQueue::Drive::kManual)),
      rocks_(std::make_unique<RocksDbOnSim>(&logs_->disk())) {}

ShardWorld::~ShardWorld() { WEIR_CHECK(shards_.empty()); }

TopicPartition ShardWorld::Id(size_t partition) {
  return {InternalTopic(), PartitionIndex{static_cast<int32_t>(partition)}};
}

absl::Status ShardWorld::Open() {
  WEIR_RETURN_IF_ERROR(logs_->Open());
  for (size_t i = 0; i < kPartitions; ++i) {
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<PartitionLog> log, logs_->GetLog(Id(i)));
    partitions_.push_back(std::move(log));
  }
  WEIR_ASSIGN_OR_RETURN(
      keeper_,
      StateKeeper::Open({.files = files(),
                         .partitions = partitions_,
                         .logs = &logs_->log(),
                         .executor = &executor_,
                         .timers = timers_.get(),
                         .flush_pause = kFlushPause,
                         .snapshot_pause = kSnapshotPause,
                         .disk_is_low = [this] { return disk_is_low_; },
                         .on_failure = [this](const absl::Status& why) { failure_ = why; }},
                        &notes_));
  std::vector<Shard*> shards;
  for (size_t i = 0; i < kPartitions; ++i) {
    machines_.push_back(NewMachine(i));
    shards_.push_back(std::make_unique<Shard>(ShardOptions{.log = partitions_[i],
                                                           .logs = &logs_->log(),
                                                           .store = &keeper_->store(),
                                                           .executor = &executor_,
                                                           .timers = timers_.get(),
                                                           .clock = &logs_->clock()},
                                              machines_[i].get()));
    OnShard(i, shards_[i].get());
    WEIR_RETURN_IF_ERROR(shards_[i]->Load());
    OnLoaded(i);
    shards.push_back(shards_[i].get());
  }
  keeper_->Start(std::move(shards));
  Pump();
  return absl::OkStatus();
}

void ShardWorld::StopParts() {
  if (keeper_ != nullptr) {
    bool stopped = false;
    keeper_->Stop([&] { stopped = true; });
    Pump();
    WEIR_CHECK(stopped);
  }
  for (std::unique_ptr<Shard>& shard : shards_) {
    bool stopped = false;
    shard->Stop([&] { stopped = true; });
    Pump();
    WEIR_CHECK(stopped);
  }
  shards_.clear();
}

absl::Status ShardWorld::Stop() {
  StopParts();
  const absl::Status flushed = keeper_->FlushStore();
  keeper_ = nullptr;
  partitions_.clear();
  const absl::Status closed = logs_->Close();
  return flushed.ok() ? closed : flushed;
}

void ShardWorld::Pump() {
  do {
    if (logs_->fenced().ok()) logs_->Pump();
  } while (executor_.RunAll() > 0);
}

void ShardWorld::Advance(absl::Duration by) {
  logs_->clock().Advance(by);
  timers_->RunDue();
  Pump();
}

absl::Status ShardWorld::Flush() {
  absl::Status result = absl::UnknownError("not answered");
  keeper_->Flush([&](const absl::Status& status) { result = status; });
  Pump();
  return result;
}

}  // namespace weir
