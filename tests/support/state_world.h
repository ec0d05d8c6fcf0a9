// StateWorld: a StateKeeper with two shards over the real log and the real RocksDB, on one
// simulated disk. Record n of a partition sets the word n % 5 to a value made of n, so what a
// partition must hold after any number of records is known. One thread, but for RocksDB's own.
#ifndef WEIR_TESTS_SUPPORT_STATE_WORLD_H_
#define WEIR_TESTS_SUPPORT_STATE_WORLD_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/runtime/shard.h"
#include "broker/runtime/state_keeper.h"
#include "tests/support/inline_executor.h"
#include "tests/support/log_world.h"
#include "tests/support/rocksdb_on_sim.h"
#include "tests/support/word_machine.h"

namespace weir {

class StateWorld {
 public:
  static constexpr size_t kPartitions = 2;
  static constexpr absl::Duration kFlushPause = absl::Seconds(10);
  static constexpr absl::Duration kSnapshotPause = absl::Seconds(30);
  static constexpr char kData[] = "/data";

  // What the outside knows of each partition, in records.
  struct Ledger {
    std::array<int64_t, kPartitions> sent{};
    std::array<int64_t, kPartitions> acknowledged{};
  };
  using Words = std::map<std::string, std::string>;

  // `starts`: how often this disk was started before.
  explicit StateWorld(std::unique_ptr<SimFileSystem> disk, int starts = 0);
  // Like kill -9, unless it was stopped.
  ~StateWorld();

  // The log's recovery, the keeper's, the shards' loading. Once.
  absl::Status Open();
  // The orderly end.
  absl::Status Stop();

  // Has the partition append its next records.
  void Send(size_t partition, int records);
  // Lets everything run that can.
  void Pump();
  void Advance(absl::Duration by);
  // What the keeper does by itself from time to time, and says.
  absl::Status Flush();

  static Words WordsAfter(int64_t records);
  static TopicPartition Id(size_t partition);

  void SetDiskLow(bool low) { disk_is_low_ = low; }

  SimFileSystem& disk() { return logs_->disk(); }
  LogWorld& logs() { return *logs_; }
  StateKeeper& keeper() { return *keeper_; }
  const Words& words(size_t partition) const { return machines_[partition]->words; }
  std::shared_ptr<PartitionLog> log(size_t partition) { return partitions_[partition]; }
  const StateNotes& notes() const { return notes_; }
  // Of the keeper; OK while it works.
  const absl::Status& failure() const { return failure_; }
  Ledger ledger() const;
  StateFiles files() const { return StateFiles(&logs_->disk(), kData, rocks_->env()); }

 private:
  void StopParts();

  const std::unique_ptr<LogWorld> logs_;
  InlineExecutor executor_;
  std::unique_ptr<TimerQueue> timers_;
  std::unique_ptr<RocksDbOnSim> rocks_;
  std::vector<std::shared_ptr<PartitionLog>> partitions_;
  StateNotes notes_;
  absl::Status failure_;
  bool disk_is_low_ = false;
  std::unique_ptr<StateKeeper> keeper_;
  std::vector<std::unique_ptr<WordMachine>> machines_;
  std::vector<std::unique_ptr<Shard>> shards_;
  // Read by the disk's observer, also on RocksDB's threads.
  std::array<std::atomic<int64_t>, kPartitions> sent_{};
  std::array<std::atomic<int64_t>, kPartitions> acknowledged_{};
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_STATE_WORLD_H_
