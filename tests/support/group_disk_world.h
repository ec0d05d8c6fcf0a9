// GroupDiskWorld: a ShardWorld of machines of consumer groups, with the ledger of what they decide
// and tell. One thread, but for RocksDB's own.
#ifndef WEIR_TESTS_SUPPORT_GROUP_DISK_WORLD_H_
#define WEIR_TESTS_SUPPORT_GROUP_DISK_WORLD_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/group/group_machine.h"
#include "tests/support/group_world.h"
#include "tests/support/shard_world.h"
#include "tests/support/tracked_machine.h"

namespace weir {

class GroupDiskWorld : public ShardWorld, private GroupListener {
 public:
  // `topics`, and the `records` that the disk may hold, are those of an earlier start.
  explicit GroupDiskWorld(std::unique_ptr<SimFileSystem> disk, int starts = 0,
                          FakeTopics topics = {}, MachineLedger::Records records = {});
  ~GroupDiskWorld() override { StopParts(); }

  using Question = std::function<Decision(GroupMachine&, const MachineTime&)>;
  void Ask(size_t partition, Question question);
  FakeTopics& topics() { return topics_; }
  std::function<void(const Notice&)> on_notice = [](const Notice&) {};

  const MachineLedger& ledger() const { return ledger_; }

  // What the machine, or the store, holds; and what the first `count` records make.
  std::string Loaded(size_t partition) const;
  std::string Stored(size_t partition);
  std::string Replayed(size_t partition, int64_t count) const;

 private:
  std::unique_ptr<StateMachine> NewMachine(size_t partition) override;
  void OnShard(size_t partition, Shard* shard) override;
  void OnNotice(const Notice& notice) override { on_notice(notice); }
  void OnSessionsDropped() override {}

  FakeTopics topics_;
  MachineLedger ledger_;
  std::array<GroupMachine*, kPartitions> machines_{};
  std::array<TrackedMachine*, kPartitions> tracked_{};
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_GROUP_DISK_WORLD_H_
