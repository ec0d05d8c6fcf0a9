#include "tests/support/group_disk_world.h"

#include <utility>
#include <vector>

#include "storage/base/check.h"
#include "tests/support/group_text.h"

namespace weir {

GroupDiskWorld::GroupDiskWorld(std::unique_ptr<SimFileSystem> disk, int starts, FakeTopics topics,
                               MachineLedger::Records records)
    : MachineDiskWorld(std::move(disk), starts, {}, std::move(records)),
      topics_(std::move(topics)) {}

std::unique_ptr<GroupMachine> GroupDiskWorld::MakeMachine(size_t partition) {
  return std::make_unique<GroupMachine>(
      GroupMachineOptions{.shard = IndexOf(partition), .topics = &topics_, .listener = this});
}

std::string GroupDiskWorld::Loaded(size_t partition) const {
  return TableText(machine(partition).groups());
}

std::string GroupDiskWorld::Stored(size_t partition) {
  GroupTable table(IndexOf(partition));
  const absl::Status loaded = table.Load(keeper().store());
  return loaded.ok() ? TableText(table) : loaded.ToString();
}

std::string GroupDiskWorld::Replayed(size_t partition, int64_t count) const {
  GroupTable table(IndexOf(partition));
  for (int64_t i = 0; i < count; ++i) {
    std::vector<StateChange> changes;
    const InternalRecord& record = ledger().records()[partition][static_cast<size_t>(i)];
    WEIR_CHECK(table.Replay(record, &changes).ok());
  }
  return TableText(table);
}

}  // namespace weir
