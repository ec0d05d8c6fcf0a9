// The keeper of the state: what it flushes, which snapshots it keeps, how far it trims the logs,
// and what a start makes of a store or a snapshot that is damaged or gone. Over the real log and
// the real RocksDB on the simulated disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/runtime/state_keeper.h"
#include "storage/base/bytes.h"
#include "storage/base/error.h"
#include "tests/support/state_world.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class StateKeeperTest : public ::testing::Test {
 protected:
  StateKeeperTest() { Start(std::make_unique<SimFileSystem>()); }

  void Start(std::unique_ptr<SimFileSystem> disk) {
    world_ = nullptr;
    world_ = std::make_unique<StateWorld>(std::move(disk), starts_++);
    opened_ = world_->Open();
  }
  // The power goes; `damage` may change what it left.
  void Crash(const std::function<void(SimFileSystem&)>& damage = [](SimFileSystem&) {}) {
    std::unique_ptr<SimFileSystem> disk = world_->disk().CrashImage(1, CrashMode::kDropUnsynced);
    damage(*disk);
    Start(std::move(disk));
  }
  // `records` in every partition, flushed; a snapshot when `snapshot`.
  void Round(int records, bool snapshot) {
    for (size_t i = 0; i < StateWorld::kPartitions; ++i) world_->Send(i, records);
    world_->Pump();
    if (snapshot) world_->logs().clock().Advance(StateWorld::kSnapshotPause);
    ASSERT_TRUE(world_->Flush().ok());
    world_->Pump();
  }
  void ExpectEverything() {
    ASSERT_TRUE(opened_.ok()) << opened_;
    for (size_t i = 0; i < StateWorld::kPartitions; ++i) {
      const int64_t end = world_->log(i)->high_watermark().value();
      EXPECT_EQ(end, ends_[i]);
      EXPECT_EQ(world_->words(i), StateWorld::WordsAfter(end));
    }
  }
  void NoteEnds() {
    for (size_t i = 0; i < StateWorld::kPartitions; ++i)
      ends_[i] = world_->log(i)->high_watermark().value();
  }
  std::vector<int64_t> Snapshots() { return *world_->files().Snapshots(); }
  std::string Notes() { return absl::StrJoin(world_->notes(), "\n"); }
  static void Remove(SimFileSystem& disk, const std::string& path) {
    const bool is_directory = disk.Stat(path)->is_directory;
    ASSERT_TRUE((is_directory ? RemoveTree(disk, path) : disk.Remove(path)).ok());
  }
  // Flips a bit in every table of `path`, or only in those that no snapshot shares: tables are
  // links.
  enum class Tables { kAll, kItsOwn };
  static void Damage(SimFileSystem& disk, const std::string& path, Tables tables) {
    int damaged = 0;
    const auto names = disk.List(path);
    ASSERT_TRUE(names.ok()) << names.status();
    for (const std::string& name : *names) {
      const bool shared = disk.Stat(JoinPath(kNewer, name)).ok();
      if (!absl::EndsWith(name, ".sst") || (shared && tables == Tables::kItsOwn)) continue;
      if (disk.Stat(JoinPath(path, name))->size == 0) continue;  // a compaction was under way
      disk.FlipBit(JoinPath(path, name), 100);
      ++damaged;
    }
    EXPECT_GT(damaged, 0) << path;
  }
  // Three snapshots were due: two are kept, and the logs begin behind offset 0.
  void MakeTrimmedLogs() {
    for (int i = 0; i < 3; ++i) Round(40, /*snapshot=*/true);
    Round(7, /*snapshot=*/false);
    NoteEnds();
    ASSERT_THAT(Snapshots(), ElementsAre(2, 3));
    ASSERT_GT(world_->log(0)->log_start(), Offset{0});
  }

  static constexpr char kState[] = "/data/state";
  static constexpr char kOlder[] = "/data/state-snapshot/0000000002";
  static constexpr char kNewer[] = "/data/state-snapshot/0000000003";

  int starts_ = 0;
  std::unique_ptr<StateWorld> world_;
  absl::Status opened_;
  std::array<int64_t, StateWorld::kPartitions> ends_{};
};

TEST_F(StateKeeperTest, ANewDirectoryBeginsEmptyWithoutNotes) {
  ASSERT_TRUE(opened_.ok()) << opened_;
  EXPECT_THAT(world_->notes(), IsEmpty());
  EXPECT_THAT(Snapshots(), IsEmpty());
  Round(3, /*snapshot=*/false);
  EXPECT_THAT(Snapshots(), IsEmpty()) << "none is due";
}

TEST_F(StateKeeperTest, ByItselfItFlushesAfterThePause) {
  world_->Send(0, 5);
  world_->Pump();
  world_->Advance(StateWorld::kFlushPause);
  NoteEnds();
  Crash();
  ExpectEverything();
  EXPECT_EQ(*AppliedOffset(world_->keeper().store(), StateWorld::Id(0)), Offset{5});
}

TEST_F(StateKeeperTest, OnALowDiskItFlushesNothingAndGoesOnWhenThereIsRoom) {
  world_->SetDiskLow(true);
  world_->Send(0, 5);
  world_->Pump();
  const int64_t operations = world_->disk().operations();
  world_->Advance(2 * StateWorld::kFlushPause);
  EXPECT_THAT(ReasonOf(world_->Flush()), ::testing::Optional(Reason::kDiskLow));
  EXPECT_EQ(world_->disk().operations(), operations);
  EXPECT_TRUE(world_->failure().ok()) << world_->failure();
  world_->SetDiskLow(false);
  world_->Advance(StateWorld::kFlushPause);
  NoteEnds();
  Crash();
  ExpectEverything();
  EXPECT_EQ(*AppliedOffset(world_->keeper().store(), StateWorld::Id(0)), Offset{5});
}

TEST_F(StateKeeperTest, WhatWasNotFlushedComesBackFromTheLog) {
  Round(5, /*snapshot=*/false);
  world_->Send(0, 2);
  world_->Pump();
  NoteEnds();
  Crash();
  ExpectEverything();
  EXPECT_EQ(ends_[0], 7);
}

TEST_F(StateKeeperTest, AfterAnOrderlyStopTheStoreHoldsEverything) {
  world_->Send(0, 5);
  world_->Pump();
  NoteEnds();
  ASSERT_TRUE(world_->Stop().ok());
  Start(world_->disk().CrashImage(1, CrashMode::kDropUnsynced));
  ExpectEverything();
  EXPECT_EQ(*AppliedOffset(world_->keeper().store(), StateWorld::Id(0)), Offset{5});
}

TEST_F(StateKeeperTest, ASnapshotIsMadeWhenSomethingIsNewAndThePauseIsOver) {
  Round(1, /*snapshot=*/true);
  EXPECT_THAT(Snapshots(), ElementsAre(1));
  Round(1, /*snapshot=*/false);
  EXPECT_THAT(Snapshots(), ElementsAre(1)) << "the pause is not over";
  Round(0, /*snapshot=*/true);
  EXPECT_THAT(Snapshots(), ElementsAre(1, 2));
  Round(0, /*snapshot=*/true);
  EXPECT_THAT(Snapshots(), ElementsAre(1, 2)) << "nothing is new";
}

TEST_F(StateKeeperTest, TwoSnapshotsAreKeptAndTheLogReachesBackToTheOlder) {
  Round(40, /*snapshot=*/true);
  EXPECT_EQ(world_->log(0)->log_start(), Offset{0}) << "there is no older one";
  Round(40, /*snapshot=*/true);
  EXPECT_EQ(world_->log(0)->log_start(), Offset{40});
  Round(40, /*snapshot=*/true);
  EXPECT_EQ(world_->log(0)->log_start(), Offset{80});
  EXPECT_THAT(Snapshots(), ElementsAre(2, 3));
}

TEST_F(StateKeeperTest, AfterARestartTheOlderSnapshotIsLookedInto) {
  MakeTrimmedLogs();
  Crash();
  ExpectEverything();
  Round(1, /*snapshot=*/true);
  EXPECT_THAT(Snapshots(), ElementsAre(3, 4));
  EXPECT_EQ(world_->log(0)->log_start(), Offset{120});
}

TEST_F(StateKeeperTest, ADamagedOlderSnapshotTrimsNothing) {
  MakeTrimmedLogs();
  Crash([](SimFileSystem& disk) { Remove(disk, std::string(kNewer) + "/manifest-mark"); });
  ExpectEverything();
  Round(1, /*snapshot=*/true);
  EXPECT_THAT(Snapshots(), ElementsAre(3, 4));
  EXPECT_EQ(world_->log(0)->log_start(), Offset{80});
  Round(1, /*snapshot=*/true);
  EXPECT_THAT(Snapshots(), ElementsAre(4, 5));
  EXPECT_EQ(world_->log(0)->log_start(), Offset{128});
}

TEST_F(StateKeeperTest, AHalfMadeSnapshotIsRemovedAtTheNextStart) {
  Round(1, /*snapshot=*/true);
  Crash([](SimFileSystem& disk) {
    ASSERT_TRUE(disk.CreateDirectory("/data/state-snapshot/0000000002.tmp").ok());
    disk.WriteRaw("/data/state-snapshot/0000000002.tmp/CURRENT", "x");
  });
  ASSERT_TRUE(opened_.ok()) << opened_;
  EXPECT_THAT(*world_->disk().List("/data/state-snapshot"), ElementsAre("0000000001"));
}

TEST_F(StateKeeperTest, AMissingStoreIsMadeAgainFromTheNewestSnapshotAndTheLog) {
  MakeTrimmedLogs();
  Crash([](SimFileSystem& disk) { Remove(disk, kState); });
  ExpectEverything();
  EXPECT_THAT(Notes(), AllOf(HasSubstr("state cannot be used: missing"), HasSubstr(kNewer)));
  EXPECT_THAT(Snapshots(), ElementsAre(2, 3)) << "they are as they were";
  Crash([](SimFileSystem& disk) { Remove(disk, kState); });
  ExpectEverything();
}

TEST_F(StateKeeperTest, ADamagedStoreIsPutAsideAndMadeAgain) {
  MakeTrimmedLogs();
  Crash([](SimFileSystem& disk) { Damage(disk, kState, Tables::kItsOwn); });
  ExpectEverything();
  EXPECT_THAT(Notes(), AllOf(HasSubstr(".sst"), HasSubstr("/data/state-damaged-1")));
  EXPECT_TRUE(world_->disk().Stat("/data/state-damaged-1/CURRENT").ok());
  Crash([](SimFileSystem& disk) { Remove(disk, std::string(kState) + "/CURRENT"); });
  ExpectEverything();
  EXPECT_TRUE(world_->disk().Stat("/data/state-damaged-2").ok());
}

TEST_F(StateKeeperTest, ADamagedNewerSnapshotIsPassedOver) {
  MakeTrimmedLogs();
  Crash([](SimFileSystem& disk) {
    Remove(disk, kState);
    Remove(disk, std::string(kNewer) + "/CURRENT");
  });
  ExpectEverything();
  EXPECT_THAT(Notes(), AllOf(HasSubstr(absl::StrCat(kNewer, " cannot be used")),
                             HasSubstr(absl::StrCat("made again from ", kOlder))));
}

TEST_F(StateKeeperTest, WithNothingLeftItIsMadeAgainFromTheLogAlone) {
  Round(40, /*snapshot=*/true);
  NoteEnds();
  Crash([](SimFileSystem& disk) {
    Remove(disk, kState);
    Remove(disk, "/data/state-snapshot");
  });
  ExpectEverything();
}

TEST_F(StateKeeperTest, WithNothingLeftAndATrimmedLogTheStartIsRefused) {
  MakeTrimmedLogs();
  Crash([](SimFileSystem& disk) {
    Remove(disk, std::string(kState) + "/CURRENT");
    Remove(disk, std::string(kNewer) + "/CURRENT");
    Remove(disk, kOlder);
  });
  ASSERT_TRUE(absl::IsDataLoss(opened_)) << opened_;
  EXPECT_THAT(std::string(opened_.message()),
              AllOf(HasSubstr("/data/state/CURRENT"), HasSubstr(absl::StrCat(kNewer, "/CURRENT")),
                    HasSubstr("begins at offset 80"), HasSubstr("Restore /data/state")));
  EXPECT_TRUE(world_->disk().Stat(kState).ok()) << "nothing was touched";
  const std::string first(opened_.message());
  Start(world_->disk().Clone());
  EXPECT_EQ(std::string(opened_.message()), first) << "it says the same again";
}

// Store and snapshots share most of their tables: what is damaged there is damaged for all.
TEST_F(StateKeeperTest, DamageInEveryTableIsRefused) {
  MakeTrimmedLogs();
  Crash([](SimFileSystem& disk) {
    std::set<std::string> damaged;  // of one name is one table
    for (const std::string path : {kState, kNewer, kOlder}) {
      const auto names = disk.List(path);
      ASSERT_TRUE(names.ok()) << names.status();
      for (const std::string& name : *names) {
        const std::string table = JoinPath(path, name);
        if (absl::EndsWith(name, ".sst") && disk.Stat(table)->size > 0 &&
            damaged.insert(name).second)
          disk.FlipBit(table, 100);
      }
    }
  });
  ASSERT_TRUE(absl::IsDataLoss(opened_)) << opened_;
  EXPECT_THAT(std::string(opened_.message()), HasSubstr(".sst"));
}

TEST_F(StateKeeperTest, AStoreAheadOfItsLogIsRefused) {
  Round(5, /*snapshot=*/true);
  std::string key;
  ASSERT_TRUE(world_->keeper()
                  .store()
                  .Scan(StateFamily::kApplied, "", "",
                        [&](absl::string_view first, absl::string_view) {
                          key = std::string(first);
                          return false;
                        })
                  .ok());
  std::string ahead(sizeof(int64_t), '\0');
  StoreBig(ahead.data(), int64_t{9});
  const StateChange change{StateFamily::kApplied, key, ahead};
  ASSERT_TRUE(world_->keeper().store().Write(absl::MakeConstSpan(&change, 1)).ok());
  ASSERT_TRUE(world_->keeper().store().Flush().ok());
  Crash();
  ASSERT_TRUE(absl::IsDataLoss(opened_)) << opened_;
  EXPECT_THAT(std::string(opened_.message()),
              AllOf(HasSubstr("up to 9"), HasSubstr("ends at 5"), HasSubstr("one backup")));
  EXPECT_TRUE(world_->disk().Stat(kState).ok());
}

TEST_F(StateKeeperTest, AStoreThatCannotBeReadIsNotTakenForDamaged) {
  Round(5, /*snapshot=*/true);
  std::unique_ptr<SimFileSystem> disk = world_->disk().CrashImage(1, CrashMode::kDropUnsynced);
  disk->FailNext(OperationKind::kRead, kState, Fault::kIo, Repeat::kForever);
  Start(std::move(disk));
  EXPECT_FALSE(opened_.ok());
  EXPECT_FALSE(absl::IsDataLoss(opened_)) << opened_;
  EXPECT_TRUE(world_->disk().Stat(kState).ok());
}

TEST_F(StateKeeperTest, AFailureIsReportedOnceAndEndsTheRounds) {
  Round(1, /*snapshot=*/false);
  world_->disk().FailNext(OperationKind::kCreate, kState, Fault::kIo, Repeat::kOnce);
  world_->Send(0, 1);
  world_->Pump();
  EXPECT_FALSE(world_->Flush().ok());
  EXPECT_FALSE(world_->failure().ok());
  EXPECT_FALSE(world_->Flush().ok());
  NoteEnds();
  Crash();
  ExpectEverything();
}

TEST_F(StateKeeperTest, AStoppedKeeperRefusesAndDoesNoMore) {
  bool stopped = false;
  world_->keeper().Stop([&] { stopped = true; });
  world_->Pump();
  EXPECT_TRUE(stopped);
  EXPECT_FALSE(world_->Flush().ok());
  EXPECT_TRUE(world_->failure().ok());
}

}  // namespace
}  // namespace weir
