// GroupDiskWorld: a ShardWorld of machines of consumer groups. It keeps every record that was ever
// decided, and how many of them anybody was told of, by an answer or a notice: a crash may cut the
// rest off, but not these. One thread, but for RocksDB's own.
#ifndef WEIR_TESTS_SUPPORT_GROUP_DISK_WORLD_H_
#define WEIR_TESTS_SUPPORT_GROUP_DISK_WORLD_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/group/group_machine.h"
#include "tests/support/group_world.h"
#include "tests/support/shard_world.h"

namespace weir {

class GroupDiskWorld : public ShardWorld, private GroupListener {
 public:
  using Records = std::array<std::vector<InternalRecord>, kPartitions>;
  // In records of each partition.
  struct Ledger {
    std::array<int64_t, kPartitions> told{};
    std::array<int64_t, kPartitions> decided{};
  };

  // `topics`, and the `records` that the disk may hold, are those of an earlier start.
  explicit GroupDiskWorld(std::unique_ptr<SimFileSystem> disk, int starts = 0,
                          FakeTopics topics = {}, Records records = {});
  ~GroupDiskWorld() override { StopParts(); }

  using Question = std::function<Decision(GroupMachine&, const MachineTime&)>;
  void Ask(size_t partition, Question question);
  FakeTopics& topics() { return topics_; }
  std::function<void(const Notice&)> on_notice = [](const Notice&) {};

  const Records& records() const { return records_; }
  Ledger ledger() const;  // any thread

  // What the machine, or the store, holds; and what the first `count` records make.
  std::string Loaded(size_t partition) const;
  std::string Stored(size_t partition);
  std::string Replayed(size_t partition, int64_t count) const;

 private:
  class Tracked;

  std::unique_ptr<StateMachine> NewMachine(size_t partition) override;
  void OnShard(size_t partition, Shard* shard) override;
  void OnNotice(const Notice& notice) override { on_notice(notice); }
  void OnSessionsDropped() override {}
  GroupMachineOptions Options(size_t partition);

  FakeTopics topics_;
  Records records_;
  std::array<Tracked*, kPartitions> machines_{};
  // Read by the disk's observer, also on RocksDB's threads.
  std::array<std::atomic<int64_t>, kPartitions> told_{};
  std::array<std::atomic<int64_t>, kPartitions> decided_{};
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_GROUP_DISK_WORLD_H_
