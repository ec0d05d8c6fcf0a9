// MachineLedger: every record that the machines of a ShardWorld ever decided, and how many of them
// anybody was told of, by an answer: a crash may cut the rest off, but not these. TrackedMachine
// keeps it for one machine, which it stands in front of. One thread, but for the counts.
#ifndef WEIR_TESTS_SUPPORT_TRACKED_MACHINE_H_
#define WEIR_TESTS_SUPPORT_TRACKED_MACHINE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "broker/runtime/state_machine.h"
#include "tests/support/shard_world.h"

namespace weir {

class MachineLedger {
 public:
  static constexpr size_t kPartitions = ShardWorld::kPartitions;
  using Records = std::array<std::vector<InternalRecord>, kPartitions>;
  // In records of each partition.
  struct Counts {
    std::array<int64_t, kPartitions> told{};
    std::array<int64_t, kPartitions> decided{};
  };

  // `records`: those that the disk may hold, of an earlier start.
  explicit MachineLedger(Records records) : records_(std::move(records)) {}

  const Records& records() const { return records_; }
  Counts counts() const;  // any thread: the disk's observer looks, also on RocksDB's threads

 private:
  friend class TrackedMachine;

  Records records_;
  std::array<std::atomic<int64_t>, kPartitions> told_{};
  std::array<std::atomic<int64_t>, kPartitions> decided_{};
};

class TrackedMachine : public StateMachine, public MachineTimers {
 public:
  // The machine's timers are the tracked one's.
  TrackedMachine(MachineLedger* ledger, size_t partition, std::unique_ptr<StateMachine> machine)
      : ledger_(*ledger), partition_(partition), machine_(std::move(machine)) {}
  // Those that count, before the machine is loaded.
  void UseTimers(MachineTimers* timers) { timers_ = timers; }

  // What the handler is to be submitted as.
  Handler Track(Handler handler);

  absl::Status Load(const StateStore& store) override;
  absl::Status Replay(const InternalRecord& record, std::vector<StateChange>* changes) override;
  void OnLoaded(const MachineTime& now) override;
  void SetTimer(absl::string_view key, absl::Duration at, Handler handler) override;
  void CancelTimer(absl::string_view key) override { timers_->CancelTimer(key); }

 private:
  MachineLedger& ledger_;
  const size_t partition_;
  const std::unique_ptr<StateMachine> machine_;
  MachineTimers* timers_ = nullptr;
  int64_t replayed_ = 0;
  bool loaded_ = false;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_TRACKED_MACHINE_H_
