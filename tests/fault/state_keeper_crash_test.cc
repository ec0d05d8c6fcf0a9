// Power loss at every file operation while shards append, the keeper flushes, makes snapshots and
// trims the logs, over the real log and the real RocksDB. What a start then has is what the log
// says, never less than was acknowledged; also when the store, or the store and the newer snapshot,
// are lost with the power. When everything is lost that the log no longer holds, it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "broker/runtime/internal_log.h"
#include "tests/support/state_world.h"

namespace weir {
namespace {

constexpr char kState[] = "/data/state";
constexpr char kSnapshots[] = "/data/state-snapshot";

// The disk at one moment, and what was known by then.
struct Image {
  std::unique_ptr<SimFileSystem> disk;
  StateWorld::Ledger ledger;
  std::string what;
};

// Some rounds of everything; `images` gets a disk for every operation, the ways to crash in turn.
void RunAndCollect(std::vector<Image>* images) {
  auto owned = std::make_unique<SimFileSystem>();
  SimFileSystem& disk = *owned;
  StateWorld world(std::move(owned));
  ASSERT_TRUE(world.Open().ok());
  absl::Mutex mu;  // RocksDB's threads write too
  disk.SetObserver([&](const Operation& operation) {
    absl::MutexLock lock(&mu);
    const uint64_t number = images->size();
    const CrashMode mode = number % 4 == 0   ? CrashMode::kDropUnsynced
                           : number % 4 == 1 ? CrashMode::kKeepAll
                                             : CrashMode::kRandom;
    images->push_back({disk.CrashImage(number, mode), world.ledger(),
                       absl::StrCat(operation.ToString(), ", mode ", static_cast<int>(mode))});
  });
  for (int round = 0; round < 10; ++round) {
    for (size_t i = 0; i < StateWorld::kPartitions; ++i) {
      world.Send(i, 8);
      world.Pump();
      world.Send(i, 5);
    }
    world.Pump();
    if (round % 3 == 1) world.logs().Checkpoint();
    world.Advance(StateWorld::kFlushPause);  // every third brings a snapshot
    EXPECT_TRUE(world.failure().ok()) << world.failure();
  }
  disk.SetObserver(nullptr);
  EXPECT_GT(world.log(0)->log_start(), Offset{0}) << "the log was trimmed";
}

// What replaying the whole log gives.
absl::StatusOr<StateWorld::Words> Replayed(PartitionLog& log) {
  WordMachine machine;
  const absl::Status status =
      ReadInternalLog(log, Offset{0}, [&](Offset, const InternalRecord& record) {
        std::vector<StateChange> changes;
        return machine.Replay(record, &changes);
      }).status();
  if (!status.ok()) return status;
  return machine.words;
}

// What the store holds of one partition.
StateWorld::Words Stored(const StateStore& store, size_t partition) {
  WordMachine machine(absl::StrCat(partition, "/"));
  EXPECT_TRUE(machine.Load(store).ok());
  return machine.words;
}

// The start that follows: `world` is open. In memory, and after a flush in the store.
void ExpectWhatTheLogSays(StateWorld& world, const StateWorld::Ledger& ledger) {
  ASSERT_TRUE(world.Flush().ok());
  for (size_t i = 0; i < StateWorld::kPartitions; ++i) {
    const int64_t end = world.log(i)->high_watermark().value();
    EXPECT_GE(end, ledger.acknowledged[i]);
    EXPECT_LE(end, ledger.sent[i]);
    EXPECT_EQ(world.words(i), StateWorld::WordsAfter(end));
    EXPECT_EQ(Stored(world.keeper().store(), i), StateWorld::WordsAfter(end));
    EXPECT_EQ(*AppliedOffset(world.keeper().store(), StateWorld::Id(i)), Offset{end});
    if (world.log(i)->log_start() > Offset{0}) continue;
    const auto replayed = Replayed(*world.log(i));
    ASSERT_TRUE(replayed.ok()) << replayed.status();
    EXPECT_EQ(world.words(i), *replayed);
  }
}

using Damage = std::function<void(SimFileSystem&)>;

void Verify(const Image& image, const Damage& damage) {
  SCOPED_TRACE(absl::StrCat("crash before operation ", image.what));
  std::unique_ptr<SimFileSystem> disk = image.disk->Clone();
  damage(*disk);
  StateWorld world(std::move(disk), 1);
  const absl::Status opened = world.Open();
  ASSERT_TRUE(opened.ok()) << opened << "\n" << world.disk().RecentOperations();
  ExpectWhatTheLogSays(world, image.ledger);
}

// Every `stride`th image, with `damage`.
void VerifyEvery(size_t stride, const Damage& damage) {
  std::vector<Image> images;
  RunAndCollect(&images);
  for (size_t i = 0; i < images.size() && !::testing::Test::HasFailure(); i += stride)
    Verify(images[i], damage);
  EXPECT_GT(images.size() / stride, 60u);
}

// The path of the newest snapshot; empty when there is none.
std::string NewestSnapshot(SimFileSystem& disk) {
  std::string newest;
  const auto names = disk.List(kSnapshots);
  if (!names.ok()) return newest;
  for (const std::string& name : *names) {
    if (!absl::EndsWith(name, ".tmp")) newest = absl::StrCat(kSnapshots, "/", name);
  }
  return newest;
}

TEST(StateKeeperCrashTest, EveryCrashPointLeavesWhatTheLogSays) {
  VerifyEvery(1, [](SimFileSystem&) {});
}

TEST(StateKeeperCrashTest, SoItDoesWhenTheStoreIsGone) {
  VerifyEvery(3, [](SimFileSystem& disk) { ASSERT_TRUE(RemoveTree(disk, kState).ok()); });
}

TEST(StateKeeperCrashTest, SoItDoesWhenTheStoreAndTheNewerSnapshotAreDamaged) {
  VerifyEvery(3, [](SimFileSystem& disk) {
    ASSERT_TRUE(RemoveTree(disk, kState).ok());
    const std::string newest = NewestSnapshot(disk);
    if (newest.empty()) return;
    disk.WriteRaw(newest + "/CURRENT", "MANIFEST");
  });
}

TEST(StateKeeperCrashTest, WithoutStoreAndSnapshotsItRefusesUnlessTheLogHoldsEverything) {
  std::vector<Image> images;
  RunAndCollect(&images);
  int refused = 0;
  int complete = 0;
  for (size_t i = 0; i < images.size() && !HasFailure(); i += 3) {
    SCOPED_TRACE(absl::StrCat("crash before operation ", images[i].what));
    std::unique_ptr<SimFileSystem> disk = images[i].disk->Clone();
    ASSERT_TRUE(RemoveTree(*disk, kState).ok());
    ASSERT_TRUE(RemoveTree(*disk, kSnapshots).ok());
    StateWorld world(std::move(disk), 1);
    const absl::Status opened = world.Open();
    if (opened.ok()) {
      ++complete;
      ExpectWhatTheLogSays(world, images[i].ledger);
    } else {
      ++refused;
      EXPECT_TRUE(absl::IsDataLoss(opened)) << opened;
      EXPECT_THAT(std::string(opened.message()), ::testing::HasSubstr("/data/state"));
    }
  }
  EXPECT_GT(refused, 5);
  EXPECT_GT(complete, 5);
}

TEST(StateKeeperCrashTest, ACrashWhileTheStoreIsMadeAgainChangesNothing) {
  std::vector<Image> images;
  RunAndCollect(&images);
  size_t verified = 0;
  for (size_t i = images.size() / 2; i < images.size() && !HasFailure(); i += images.size() / 7) {
    std::unique_ptr<SimFileSystem> disk = images[i].disk->Clone();
    ASSERT_TRUE(RemoveTree(*disk, kState).ok());
    std::vector<Image> again;
    absl::Mutex mu;
    SimFileSystem& watched = *disk;
    watched.SetObserver([&](const Operation& operation) {
      absl::MutexLock lock(&mu);
      again.push_back({watched.CrashImage(again.size(), CrashMode::kRandom), images[i].ledger,
                       absl::StrCat(images[i].what, ", then before ", operation.ToString())});
    });
    {
      StateWorld world(std::move(disk), 1);
      ASSERT_TRUE(world.Open().ok());
      watched.SetObserver(nullptr);
    }
    for (size_t j = 0; j < again.size() && !HasFailure(); j += 3)
      Verify(again[j], [](SimFileSystem&) {});
    verified += again.size() / 3;
  }
  EXPECT_GT(verified, 50u);
}

}  // namespace
}  // namespace weir
