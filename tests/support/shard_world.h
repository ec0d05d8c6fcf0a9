// ShardWorld: a StateKeeper with two shards over the real log and the real RocksDB, on one
// simulated disk; what their machines are the derived class says. One thread, but for RocksDB's
// own.
#ifndef WEIR_TESTS_SUPPORT_SHARD_WORLD_H_
#define WEIR_TESTS_SUPPORT_SHARD_WORLD_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/runtime/shard.h"
#include "broker/runtime/state_keeper.h"
#include "tests/support/inline_executor.h"
#include "tests/support/log_world.h"
#include "tests/support/rocksdb_on_sim.h"

namespace weir {

class ShardWorld {
 public:
  static constexpr size_t kPartitions = 2;
  static constexpr absl::Duration kFlushPause = absl::Seconds(10);
  static constexpr absl::Duration kSnapshotPause = absl::Seconds(30);
  static constexpr char kData[] = "/data";

  // `starts`: how often this disk was started before. `others`: topics beside the machines'.
  explicit ShardWorld(std::unique_ptr<SimFileSystem> disk, int starts = 0,
                      std::vector<TopicId> others = {});
  // The derived class has called StopParts().
  virtual ~ShardWorld();

  // The log's recovery, the keeper's, the shards' loading. Once.
  absl::Status Open();
  // The orderly end.
  absl::Status Stop();

  // Lets everything run that can.
  void Pump();
  void Advance(absl::Duration by);
  // What the keeper does by itself from time to time, and says.
  absl::Status Flush();

  static TopicPartition Id(size_t partition);

  void SetDiskLow(bool low) { disk_is_low_ = low; }

  SimFileSystem& disk() { return logs_->disk(); }
  LogWorld& logs() { return *logs_; }
  StateKeeper& keeper() { return *keeper_; }
  std::shared_ptr<PartitionLog> log(size_t partition) { return partitions_[partition]; }
  const StateNotes& notes() const { return notes_; }
  // Of the keeper; OK while it works.
  const absl::Status& failure() const { return failure_; }
  StateFiles files() const { return StateFiles(&logs_->disk(), kData, rocks_->env()); }

 protected:
  // The machine of one partition; before its shard is there.
  virtual std::unique_ptr<StateMachine> NewMachine(size_t partition) = 0;
  // Before the shard loads its machine.
  virtual void OnShard(size_t /*partition*/, Shard* /*shard*/) {}
  virtual void OnLoaded(size_t /*partition*/) {}

  Shard& shard(size_t partition) { return *shards_[partition]; }
  const Shard& shard(size_t partition) const { return *shards_[partition]; }
  // Like kill -9, unless everything was stopped: no machine is called any more.
  void StopParts();

 private:
  const std::unique_ptr<LogWorld> logs_;
  InlineExecutor executor_;
  std::unique_ptr<TimerQueue> timers_;
  std::unique_ptr<RocksDbOnSim> rocks_;
  std::vector<std::shared_ptr<PartitionLog>> partitions_;
  StateNotes notes_;
  absl::Status failure_;
  bool disk_is_low_ = false;
  std::unique_ptr<StateKeeper> keeper_;
  std::vector<std::unique_ptr<StateMachine>> machines_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SHARD_WORLD_H_
