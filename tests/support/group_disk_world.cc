#include "tests/support/group_disk_world.h"

#include <algorithm>
#include <utility>

#include "storage/base/check.h"
#include "tests/support/group_text.h"

namespace weir {

// The machine, and beside it what it decides and tells.
class GroupDiskWorld::Tracked : public StateMachine, public MachineTimers {
 public:
  Tracked(GroupDiskWorld* world, size_t partition)
      : world_(*world), partition_(partition), machine_(world->Options(partition)) {
    machine_.UseTimers(this);
  }
  void UseTimers(MachineTimers* timers) { timers_ = timers; }
  GroupMachine& machine() { return machine_; }

  Handler Track(Handler handler) {
    return [this, handler = std::move(handler)](const MachineTime& now) mutable {
      Decision decision = handler(now);
      if (!decision.answer) return decision;
      // It has seen all that was replayed, and tells of what it decides.
      const int64_t seen = replayed_ + static_cast<int64_t>(decision.records.size());
      decision.answer = [this, seen,
                         answer = std::move(decision.answer)](const absl::Status& durable) mutable {
        std::atomic<int64_t>& told = world_.told_[partition_];
        if (durable.ok()) told = std::max(told.load(), seen);
        answer(durable);
      };
      return decision;
    };
  }

  absl::Status Load(const StateStore& store) override {
    const absl::StatusOr<Offset> applied = AppliedOffset(store, Id(partition_));
    WEIR_RETURN_IF_ERROR(applied.status());
    replayed_ = applied->value();
    return machine_.Load(store);
  }
  absl::Status Replay(const InternalRecord& record, std::vector<StateChange>* changes) override {
    ++replayed_;
    if (loaded_) {
      world_.records_[partition_].push_back(record);
      world_.decided_[partition_] = replayed_;
    }
    return machine_.Replay(record, changes);
  }
  void OnLoaded(const MachineTime& now) override {
    loaded_ = true;
    // What was decided once and cut off by a crash never was.
    world_.records_[partition_].resize(static_cast<size_t>(replayed_));
    world_.told_[partition_] = world_.decided_[partition_] = replayed_;
    machine_.OnLoaded(now);
  }
  void SetTimer(absl::string_view key, absl::Duration at, Handler handler) override {
    timers_->SetTimer(key, at, Track(std::move(handler)));
  }
  void CancelTimer(absl::string_view key) override { timers_->CancelTimer(key); }

 private:
  GroupDiskWorld& world_;
  const size_t partition_;
  GroupMachine machine_;
  MachineTimers* timers_ = nullptr;
  int64_t replayed_ = 0;
  bool loaded_ = false;
};

GroupDiskWorld::GroupDiskWorld(std::unique_ptr<SimFileSystem> disk, int starts, FakeTopics topics,
                               Records records)
    : ShardWorld(std::move(disk), starts),
      topics_(std::move(topics)),
      records_(std::move(records)) {}

GroupMachineOptions GroupDiskWorld::Options(size_t partition) {
  return {.shard = PartitionIndex{static_cast<int32_t>(partition)},
          .topics = &topics_,
          .listener = this};
}

std::unique_ptr<StateMachine> GroupDiskWorld::NewMachine(size_t partition) {
  auto machine = std::make_unique<Tracked>(this, partition);
  machines_[partition] = machine.get();
  return machine;
}

void GroupDiskWorld::OnShard(size_t partition, Shard* shard) {
  machines_[partition]->UseTimers(shard);
}

void GroupDiskWorld::Ask(size_t partition, Question question) {
  Tracked& tracked = *machines_[partition];
  shard(partition).Submit(
      tracked.Track([&tracked, question = std::move(question)](const MachineTime& now) {
        return question(tracked.machine(), now);
      }),
      [](const absl::Status&) {});
}

GroupDiskWorld::Ledger GroupDiskWorld::ledger() const {
  Ledger ledger;
  for (size_t i = 0; i < kPartitions; ++i) {
    ledger.told[i] = told_[i];
    ledger.decided[i] = decided_[i];
  }
  return ledger;
}

std::string GroupDiskWorld::Loaded(size_t partition) const {
  return TableText(machines_[partition]->machine().groups());
}

std::string GroupDiskWorld::Stored(size_t partition) {
  GroupTable table(PartitionIndex{static_cast<int32_t>(partition)});
  const absl::Status loaded = table.Load(keeper().store());
  return loaded.ok() ? TableText(table) : loaded.ToString();
}

std::string GroupDiskWorld::Replayed(size_t partition, int64_t count) const {
  GroupTable table(PartitionIndex{static_cast<int32_t>(partition)});
  for (int64_t i = 0; i < count; ++i) {
    std::vector<StateChange> changes;
    WEIR_CHECK(table.Replay(records_[partition][static_cast<size_t>(i)], &changes).ok());
  }
  return TableText(table);
}

}  // namespace weir
