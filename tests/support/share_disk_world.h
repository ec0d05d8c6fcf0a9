// ShareDiskWorld: a MachineDiskWorld of share groups, with the topics to which dead letters go and
// from there are redriven. The jobs themselves are records that the test makes; no crash takes
// them.
#ifndef WEIR_TESTS_SUPPORT_SHARE_DISK_WORLD_H_
#define WEIR_TESTS_SUPPORT_SHARE_DISK_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "broker/share/share_machine.h"
#include "storage/log/append.h"
#include "tests/support/machine_disk_world.h"
#include "tests/support/share_world.h"
#include "tests/support/sim_random.h"

namespace weir {

class ShareDiskWorld : public MachineDiskWorld<ShareMachine>, private ShareListener {
 public:
  using JobLogs = std::map<TopicPartition, FakeJobLog>;

  // `jobs`, and the `records` that the disk may hold, are those of an earlier start.
  explicit ShareDiskWorld(std::unique_ptr<SimFileSystem> disk, int starts = 0, JobLogs jobs = {},
                          MachineLedger::Records records = {});
  ~ShareDiskWorld() override { StopParts(); }

  FakeShareSettings& settings() { return settings_; }
  JobLogs& jobs() { return jobs_; }

  // Where the dead letters of one machine's jobs go, and where they are driven to.
  static TopicPartition Letters(size_t partition);
  static TopicPartition Redriven(size_t partition);
  // So many records for one of the two.
  BatchAppend BatchFor(const TopicPartition& id, size_t records);
  // How many records one of the two has.
  int64_t RecordsOf(const TopicPartition& id);

  // What the machine, or the store, holds; and what the first `count` records make.
  std::string Loaded(size_t partition) const;
  std::string Stored(size_t partition);
  std::string Replayed(size_t partition, int64_t count) const;
  // Every job of the machine's share-partitions is accepted, dead, cancelled or gone.
  bool AllDone(size_t partition) const;

 private:
  std::unique_ptr<ShareMachine> MakeMachine(size_t partition) override;
  void Connect(ShareMachine* machine, MachineTimers* timers, const Shard* shard) override {
    machine->UseShard(timers, shard);
  }
  void OnAvailable(const SharePartitionId&) override {}
  void OnDying(const SharePartitionId&) override {}
  void OnOutcomes(const SharePartitionId&, const ShareOutcomes&) override {}
  void OnLocksForgotten() override {}

  const LeaderEpoch epoch_;
  FakeShareSettings settings_;
  JobLogs jobs_;
  SimRandom random_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SHARE_DISK_WORLD_H_
