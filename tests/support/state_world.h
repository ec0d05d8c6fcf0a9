// StateWorld: a ShardWorld of word machines. Record n of a partition sets the word n % 5 to a value
// made of n, so what a partition must hold after any number of records is known. One thread, but
// for RocksDB's own.
#ifndef WEIR_TESTS_SUPPORT_STATE_WORLD_H_
#define WEIR_TESTS_SUPPORT_STATE_WORLD_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tests/support/shard_world.h"
#include "tests/support/word_machine.h"

namespace weir {

class StateWorld : public ShardWorld {
 public:
  // What the outside knows of each partition, in records.
  struct Ledger {
    std::array<int64_t, kPartitions> sent{};
    std::array<int64_t, kPartitions> acknowledged{};
  };
  using Words = std::map<std::string, std::string>;

  using ShardWorld::ShardWorld;
  ~StateWorld() override { StopParts(); }

  // Has the partition append its next records.
  void Send(size_t partition, int records);

  static Words WordsAfter(int64_t records);
  const Words& words(size_t partition) const { return machines_[partition]->words; }
  Ledger ledger() const;

 private:
  std::unique_ptr<StateMachine> NewMachine(size_t partition) override;
  void OnLoaded(size_t partition) override;

  std::array<WordMachine*, kPartitions> machines_{};
  // Read by the disk's observer, also on RocksDB's threads.
  std::array<std::atomic<int64_t>, kPartitions> sent_{};
  std::array<std::atomic<int64_t>, kPartitions> acknowledged_{};
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_STATE_WORLD_H_
