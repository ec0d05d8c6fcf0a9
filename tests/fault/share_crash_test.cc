// Power loss at every file operation of the life of share groups, over the real log and the real
// RocksDB on one disk: jobs are handed out, finished, fail, wait and die, dead letters are written
// and driven again, while the keeper flushes, makes snapshots and trims the logs. What a start then
// has is what the records of the log say, never less than anybody was told of; of what belongs
// together in two logs (a death and its letter, a mark and what was driven) there is all or
// nothing; and every job is done in the end. Also when the state directory is lost with the power.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/fault/machine_crash.h"
#include "tests/fault/share_workload.h"
#include "tests/support/environment.h"

namespace weir {
namespace {

constexpr int kSteps = 700;
constexpr int kQuickSeeds = 2;
constexpr size_t kQuickStride = 4;  // of the crash points, unless the seed is chosen
constexpr char kState[] = "/data/state";

// A life from its begin to its end.
struct Life {
  std::vector<MachineImage> images;
  ShareDiskWorld::JobLogs jobs;
  MachineLedger::Records records;
};

size_t Stride() { return std::getenv("WEIR_SEED") != nullptr ? 1 : kQuickStride; }

uint64_t Seed(int number) {
  return FromEnvironment("WEIR_SEED", 5000 + static_cast<uint64_t>(number));
}

Life Live(uint64_t seed) {
  Life life;
  ShareDiskWorld world(std::make_unique<SimFileSystem>(seed));
  EXPECT_TRUE(world.Open().ok());
  {
    MachineImages images(&world, seed);
    ShareWorkload workload(&world, seed);
    for (int step = 0; step < kSteps; ++step) workload.Step();
    world.Pump();
    life.images = images.Take();
  }
  EXPECT_TRUE(world.failure().ok()) << world.failure();
  EXPECT_GT(world.log(0)->log_start(), Offset{0}) << "the log was trimmed";
  life.jobs = world.jobs();
  life.records = world.ledger().records();
  return life;
}

// All that can happen to a job did.
void ExpectEveryKind(const MachineLedger::Records& records) {
  std::set<int> kinds;
  std::set<FinishCause> causes;
  std::set<ParkedCause> parked;
  for (const auto& partition : records) {
    for (const InternalRecord& record : partition) {
      kinds.insert(record.kind);
      if (record.kind == static_cast<int>(ShareRecordKind::kFinished))
        causes.insert(DecodeJobsFinished(record.payload)->cause);
      if (record.kind != static_cast<int>(ShareRecordKind::kParked)) continue;
      const JobsParked what = *DecodeJobsParked(record.payload);
      for (const ParkedJob& job : what.jobs) parked.insert(job.cause);
    }
  }
  EXPECT_THAT(kinds, ::testing::ElementsAre(64, 65, 66, 67, 68));
  EXPECT_THAT(causes, ::testing::IsSupersetOf({FinishCause::kAccepted, FinishCause::kCancelled,
                                               FinishCause::kDied, FinishCause::kMarked}));
  EXPECT_THAT(parked, ::testing::IsSupersetOf({ParkedCause::kRetry, ParkedCause::kDelayed,
                                               ParkedCause::kBlocked, ParkedCause::kDying}));
}

// As many letters as jobs died, as many driven as marked, in the log up to now.
void ExpectWhatBelongsTogether(ShareDiskWorld& world) {
  for (size_t i = 0; i < ShareDiskWorld::kPartitions; ++i) {
    int64_t died = 0;
    int64_t marked = 0;
    const auto end = static_cast<size_t>(world.log(i)->high_watermark().value());
    for (size_t at = 0; at < end; ++at) {
      const InternalRecord& record = world.ledger().records()[i][at];
      if (record.kind != static_cast<int>(ShareRecordKind::kFinished)) continue;
      const JobsFinished finished = *DecodeJobsFinished(record.payload);
      if (finished.cause == FinishCause::kDied)
        died += static_cast<int64_t>(finished.parked.size());
      if (finished.cause != FinishCause::kMarked) continue;
      for (const OffsetRange& range : finished.ranges) marked += range.size();
    }
    EXPECT_EQ(world.RecordsOf(ShareDiskWorld::Letters(i)), died);
    EXPECT_EQ(world.RecordsOf(ShareDiskWorld::Redriven(i)), marked);
  }
}

using Damage = std::function<void(SimFileSystem&)>;

// The start that follows the crash, and what comes after it.
void Verify(const MachineImage& image, const Life& life, const Damage& damage, bool goes_on) {
  SCOPED_TRACE(image.what);
  std::unique_ptr<SimFileSystem> disk = image.disk->Clone();
  damage(*disk);
  ShareDiskWorld world(std::move(disk), 1, life.jobs, life.records);
  const absl::Status opened = world.Open();
  ASSERT_TRUE(opened.ok()) << opened << "\n" << world.disk().RecentOperations();
  ExpectWhatTheLogSays(world, image.ledger);
  ExpectWhatBelongsTogether(world);
  if (!goes_on) return;
  {
    ShareWorkload workload(&world, image.ledger.decided[0] > 0 ? 1 : 2, /*life=*/1);
    for (int step = 0; step < 40; ++step) workload.Step();
    EXPECT_TRUE(workload.Calm()) << "some jobs are never done";
  }
  ExpectWhatBelongsTogether(world);
  const MachineLedger::Counts ledger = world.ledger().counts();
  const ShareDiskWorld::JobLogs jobs = world.jobs();
  const MachineLedger::Records records = world.ledger().records();
  ASSERT_TRUE(world.Stop().ok());
  ShareDiskWorld later(world.disk().CrashImage(1, CrashMode::kDropUnsynced), 2, jobs, records);
  const absl::Status started = later.Open();
  ASSERT_TRUE(started.ok()) << started;
  ExpectWhatTheLogSays(later, ledger);
  ExpectWhatBelongsTogether(later);
}

class ShareCrashTest : public ::testing::TestWithParam<int> {};

TEST_P(ShareCrashTest, EveryCrashPointLeavesWhatTheLogSaysAndAllThatAnybodyWasTold) {
  const Life life = Live(Seed(GetParam()));
  ExpectEveryKind(life.records);
  for (size_t i = 0; i < life.images.size() && !HasFailure(); i += Stride())
    Verify(
        life.images[i], life, [](SimFileSystem&) {}, /*goes_on=*/i % 8 == 0);
  std::cout << "crash points of share groups: " << life.images.size() << ", "
            << life.records[0].size() << " and " << life.records[1].size() << " records\n";
  EXPECT_GT(life.images.size(), 300u);
}

TEST_P(ShareCrashTest, AStateDirectoryThatIsLostIsMadeAgain) {
  const Life life = Live(Seed(GetParam()));
  for (size_t i = 0; i < life.images.size() && !HasFailure(); i += 4 * Stride() + 3) {
    Verify(
        life.images[i], life,
        [](SimFileSystem& disk) { ASSERT_TRUE(RemoveTree(disk, kState).ok()); },
        /*goes_on=*/false);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ShareCrashTest, ::testing::Range(0, kQuickSeeds));

}  // namespace
}  // namespace weir
