#include "tests/support/group_disk_world.h"

#include <utility>
#include <vector>

#include "storage/base/check.h"
#include "tests/support/group_text.h"

namespace weir {

GroupDiskWorld::GroupDiskWorld(std::unique_ptr<SimFileSystem> disk, int starts, FakeTopics topics,
                               MachineLedger::Records records)
    : ShardWorld(std::move(disk), starts),
      topics_(std::move(topics)),
      ledger_(std::move(records)) {}

std::unique_ptr<StateMachine> GroupDiskWorld::NewMachine(size_t partition) {
  auto machine = std::make_unique<GroupMachine>(
      GroupMachineOptions{.shard = PartitionIndex{static_cast<int32_t>(partition)},
                          .topics = &topics_,
                          .listener = this});
  machines_[partition] = machine.get();
  auto tracked = std::make_unique<TrackedMachine>(&ledger_, partition, std::move(machine));
  tracked_[partition] = tracked.get();
  machines_[partition]->UseTimers(tracked.get());
  return tracked;
}

void GroupDiskWorld::OnShard(size_t partition, Shard* shard) {
  tracked_[partition]->UseTimers(shard);
}

void GroupDiskWorld::Ask(size_t partition, Question question) {
  GroupMachine& machine = *machines_[partition];
  shard(partition).Submit(
      tracked_[partition]->Track([&machine, question = std::move(question)](
                                     const MachineTime& now) { return question(machine, now); }),
      [](const absl::Status&) {});
}

std::string GroupDiskWorld::Loaded(size_t partition) const {
  return TableText(machines_[partition]->groups());
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
    const InternalRecord& record = ledger_.records()[partition][static_cast<size_t>(i)];
    WEIR_CHECK(table.Replay(record, &changes).ok());
  }
  return TableText(table);
}

}  // namespace weir
