// What crash tests of machines share: the disk of a ShardWorld at every moment of its life, and
// what a start from it must show.
#ifndef WEIR_TESTS_FAULT_MACHINE_CRASH_H_
#define WEIR_TESTS_FAULT_MACHINE_CRASH_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "broker/runtime/state_keeper.h"
#include "tests/support/tracked_machine.h"

namespace weir {

// The disk as a power cut leaves it, and what was known by then.
struct MachineImage {
  std::unique_ptr<SimFileSystem> disk;
  MachineLedger::Counts ledger;
  std::string what;
};

// Makes an image before every operation that changes the disk, for as long as it lives: the ways to
// crash in turn. RocksDB's threads write too.
class MachineImages {
 public:
  // `world` (a ShardWorld with ledger()) outlives this.
  template <typename World>
  MachineImages(World* world, uint64_t seed)
      : MachineImages(&world->disk(), &world->ledger(), seed) {}
  ~MachineImages();

  std::vector<MachineImage> Take() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  MachineImages(SimFileSystem* disk, const MachineLedger* ledger, uint64_t seed);
  void Make(const Operation& operation) ABSL_LOCKS_EXCLUDED(mu_);

  SimFileSystem& disk_;
  const MachineLedger& ledger_;
  const uint64_t seed_;
  absl::Mutex mu_;
  std::vector<MachineImage> images_ ABSL_GUARDED_BY(mu_);
};

// `world` is open. Machines, store and log say the same: what was decided, in order, up to some
// moment, and all that anybody was told of.
template <typename World>
void ExpectWhatTheLogSays(World& world, const MachineLedger::Counts& known) {
  ASSERT_TRUE(world.Flush().ok());
  for (size_t i = 0; i < World::kPartitions; ++i) {
    const int64_t end = world.log(i)->high_watermark().value();
    ASSERT_GE(end, known.told[i]) << "somebody was told of what is gone";
    ASSERT_LE(end, known.decided[i]);
    const std::string expected = world.Replayed(i, end);
    EXPECT_EQ(world.Loaded(i), expected);
    EXPECT_EQ(world.Stored(i), expected);
    EXPECT_EQ(*AppliedOffset(world.keeper().store(), World::Id(i)), Offset{end});
  }
}

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MACHINE_CRASH_H_
