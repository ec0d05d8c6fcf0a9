// GroupDiskWorld: a MachineDiskWorld of consumer groups.
#ifndef WEIR_TESTS_SUPPORT_GROUP_DISK_WORLD_H_
#define WEIR_TESTS_SUPPORT_GROUP_DISK_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/group/group_machine.h"
#include "tests/support/group_world.h"
#include "tests/support/machine_disk_world.h"

namespace weir {

class GroupDiskWorld : public MachineDiskWorld<GroupMachine>, private GroupListener {
 public:
  // `topics`, and the `records` that the disk may hold, are those of an earlier start.
  explicit GroupDiskWorld(std::unique_ptr<SimFileSystem> disk, int starts = 0,
                          FakeTopics topics = {}, MachineLedger::Records records = {});
  ~GroupDiskWorld() override { StopParts(); }

  FakeTopics& topics() { return topics_; }
  std::function<void(const Notice&)> on_notice = [](const Notice&) {};

  // What the machine, or the store, holds; and what the first `count` records make.
  std::string Loaded(size_t partition) const;
  std::string Stored(size_t partition);
  std::string Replayed(size_t partition, int64_t count) const;

 private:
  std::unique_ptr<GroupMachine> MakeMachine(size_t partition) override;
  void Connect(GroupMachine* machine, MachineTimers* timers, const Shard*) override {
    machine->UseTimers(timers);
  }
  void OnNotice(const Notice& notice) override { on_notice(notice); }
  void OnSessionsDropped() override {}

  FakeTopics topics_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_GROUP_DISK_WORLD_H_
