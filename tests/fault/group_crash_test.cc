// Power loss at every file operation of the life of consumer groups, over the real log and the real
// RocksDB on one disk: members join, commit, time out and leave, groups are altered and expire,
// while the keeper flushes, makes snapshots and trims the logs. What a start then has is what the
// records of the log say, never less than anybody was told of; also when the state directory is
// lost with the power. Without it and its snapshots the start refuses, unless the log has all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fault/group_workload.h"
#include "tests/fault/machine_crash.h"
#include "tests/support/environment.h"

namespace weir {
namespace {

constexpr int kSteps = 300;
constexpr int kQuickSeeds = 2;
constexpr char kState[] = "/data/state";
constexpr char kSnapshots[] = "/data/state-snapshot";

// A life from its begin to its end.
struct Life {
  std::vector<MachineImage> images;
  FakeTopics topics;
  MachineLedger::Records records;
};

uint64_t Seed(int number) {
  return FromEnvironment("WEIR_SEED", 3000 + static_cast<uint64_t>(number));
}

Life Live(uint64_t seed) {
  Life life;
  GroupDiskWorld world(std::make_unique<SimFileSystem>(seed));
  EXPECT_TRUE(world.Open().ok());
  {
    MachineImages images(&world, seed);
    {
      GroupWorkload workload(&world, seed);
      for (int step = 0; step < kSteps; ++step) workload.Step();
    }
    world.Pump();
    life.images = images.Take();
  }
  EXPECT_TRUE(world.failure().ok()) << world.failure();
  EXPECT_GT(world.log(0)->log_start(), Offset{0}) << "the log was trimmed";
  life.topics = world.topics();
  life.records = world.ledger().records();
  return life;
}

// All that can happen to a group did.
void ExpectEveryKind(const MachineLedger::Records& records) {
  std::set<int> kinds;
  for (const auto& partition : records) {
    for (const InternalRecord& record : partition) kinds.insert(record.kind);
  }
  EXPECT_THAT(kinds, ::testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
}

using Damage = std::function<void(SimFileSystem&)>;

// The start that follows the crash, and what comes after it.
void Verify(const MachineImage& image, const Life& life, const Damage& damage, bool goes_on) {
  SCOPED_TRACE(image.what);
  std::unique_ptr<SimFileSystem> disk = image.disk->Clone();
  damage(*disk);
  GroupDiskWorld world(std::move(disk), 1, life.topics, life.records);
  const absl::Status opened = world.Open();
  ASSERT_TRUE(opened.ok()) << opened << "\n" << world.disk().RecentOperations();
  ExpectWhatTheLogSays(world, image.ledger);
  if (!goes_on) return;
  {
    GroupWorkload workload(&world, image.ledger.decided[0], /*life=*/1);
    for (int step = 0; step < 30; ++step) workload.Step();
  }
  world.Pump();
  const MachineLedger::Counts ledger = world.ledger().counts();
  ASSERT_TRUE(world.Stop().ok());
  GroupDiskWorld later(world.disk().CrashImage(1, CrashMode::kDropUnsynced), 2, world.topics(),
                       world.ledger().records());
  const absl::Status started = later.Open();
  ASSERT_TRUE(started.ok()) << started;
  ExpectWhatTheLogSays(later, ledger);
}

class GroupCrashTest : public ::testing::TestWithParam<int> {};

TEST_P(GroupCrashTest, EveryCrashPointLeavesWhatTheLogSaysAndAllThatAnybodyWasTold) {
  const Life life = Live(Seed(GetParam()));
  ExpectEveryKind(life.records);
  for (size_t i = 0; i < life.images.size() && !HasFailure(); ++i)
    Verify(
        life.images[i], life, [](SimFileSystem&) {}, /*goes_on=*/i % 8 == 0);
  std::cout << "crash points of groups: " << life.images.size() << ", " << life.records[0].size()
            << " and " << life.records[1].size() << " records\n";
  EXPECT_GT(life.images.size(), 300u);
}

TEST_P(GroupCrashTest, AStateDirectoryThatIsLostIsMadeAgain) {
  const Life life = Live(Seed(GetParam()));
  for (size_t i = 0; i < life.images.size() && !HasFailure(); i += 7) {
    Verify(
        life.images[i], life,
        [](SimFileSystem& disk) { ASSERT_TRUE(RemoveTree(disk, kState).ok()); },
        /*goes_on=*/false);
  }
}

TEST_P(GroupCrashTest, WithoutItsSnapshotsTooAStartRefusesUnlessTheLogHasAll) {
  const Life life = Live(Seed(GetParam()));
  int refused = 0;
  int complete = 0;
  for (size_t i = 0; i < life.images.size() && !HasFailure(); i += 7) {
    SCOPED_TRACE(life.images[i].what);
    std::unique_ptr<SimFileSystem> disk = life.images[i].disk->Clone();
    ASSERT_TRUE(RemoveTree(*disk, kState).ok());
    ASSERT_TRUE(RemoveTree(*disk, kSnapshots).ok());
    GroupDiskWorld world(std::move(disk), 1, life.topics, life.records);
    const absl::Status opened = world.Open();
    if (opened.ok()) {
      ++complete;
      ExpectWhatTheLogSays(world, life.images[i].ledger);
    } else {
      ++refused;
      EXPECT_TRUE(absl::IsDataLoss(opened)) << opened;
      EXPECT_THAT(std::string(opened.message()), ::testing::HasSubstr(kState));
    }
  }
  EXPECT_GT(refused, 5);
  EXPECT_GT(complete, 5);
}

INSTANTIATE_TEST_SUITE_P(Seeds, GroupCrashTest, ::testing::Range(0, kQuickSeeds));

}  // namespace
}  // namespace weir
