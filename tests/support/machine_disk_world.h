// MachineDiskWorld: a ShardWorld of machines of one kind, with the ledger of what they decide and
// tell. One thread, but for RocksDB's own.
#ifndef WEIR_TESTS_SUPPORT_MACHINE_DISK_WORLD_H_
#define WEIR_TESTS_SUPPORT_MACHINE_DISK_WORLD_H_

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/shard_world.h"
#include "tests/support/tracked_machine.h"

namespace weir {

template <typename Machine>
class MachineDiskWorld : public ShardWorld {
 public:
  // `records`: those that the disk may hold, of an earlier start.
  MachineDiskWorld(std::unique_ptr<SimFileSystem> disk, int starts, std::vector<TopicId> others,
                   MachineLedger::Records records)
      : ShardWorld(std::move(disk), starts, std::move(others)), ledger_(std::move(records)) {}

  using Question = std::function<Decision(Machine&, const MachineTime&)>;
  void Ask(size_t partition, Question question) {
    Machine& machine = *machines_[partition];
    shard(partition).Submit(
        tracked_[partition]->Track([&machine, question = std::move(question)](
                                       const MachineTime& now) { return question(machine, now); }),
        [](const absl::Status&) {});
  }

  const MachineLedger& ledger() const { return ledger_; }

 protected:
  static PartitionIndex IndexOf(size_t partition) {
    return PartitionIndex{static_cast<int32_t>(partition)};
  }

  virtual std::unique_ptr<Machine> MakeMachine(size_t partition) = 0;
  // The machine's timers and what it reads from, before it is loaded.
  virtual void Connect(Machine* machine, MachineTimers* timers, const Shard* shard) = 0;
  const Machine& machine(size_t partition) const { return *machines_[partition]; }

 private:
  std::unique_ptr<StateMachine> NewMachine(size_t partition) final {
    std::unique_ptr<Machine> machine = MakeMachine(partition);
    machines_[partition] = machine.get();
    auto tracked = std::make_unique<TrackedMachine>(&ledger_, partition, std::move(machine));
    tracked_[partition] = tracked.get();
    return tracked;
  }
  void OnShard(size_t partition, Shard* shard) final {
    tracked_[partition]->UseTimers(shard);
    Connect(machines_[partition], tracked_[partition], shard);
  }

  MachineLedger ledger_;
  std::array<Machine*, kPartitions> machines_{};
  std::array<TrackedMachine*, kPartitions> tracked_{};
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_MACHINE_DISK_WORLD_H_
