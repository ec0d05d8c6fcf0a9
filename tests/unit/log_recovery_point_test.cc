// The file that says what is flushed: a frame for everything, frames for changes, and what damage
// to them means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/base/limits.h"
#include "storage/log/recovery_point.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kPath[] = "/recovery-point";

TopicPartition Id(int32_t partition) { return {TopicId{{7}}, PartitionIndex{partition}}; }

class RecoveryPointTest : public ::testing::Test {
 protected:
  using Changes = std::vector<std::pair<TopicPartition, std::string>>;

  static RecoveryPoint::Position At(uint64_t round, bool clean = false) {
    return {.journal = {1, 2, 3},
            .through = RoundNumber{round},
            .oldest_live = JournalSequence{round / 10 + 1},
            .clean = clean};
  }
  static void ExpectAt(const RecoveryPoint& point, const RecoveryPoint::Position& position) {
    EXPECT_EQ(point.position().journal, position.journal);
    EXPECT_EQ(point.position().through, position.through);
    EXPECT_EQ(point.position().oldest_live, position.oldest_live);
    EXPECT_EQ(point.position().clean, position.clean);
  }
  void Replace(uint64_t round, RecoveryPoint::States states) {
    const absl::Status replaced = point_.Replace(At(round), std::move(states));
    ASSERT_TRUE(replaced.ok()) << replaced;
  }
  void Save(uint64_t round, Changes changes) {
    bool sync_failed = true;
    const absl::Status saved = point_.Save(At(round), std::move(changes), &sync_failed);
    ASSERT_TRUE(saved.ok()) << saved;
    EXPECT_FALSE(sync_failed);
  }
  size_t FileSize() { return disk_.ReadRaw(kPath).size(); }
  absl::StatusOr<RecoveryPoint> Load() { return RecoveryPoint::Load(disk_, kPath); }
  absl::StatusOr<RecoveryPoint> LoadBytes(absl::string_view bytes) {
    SimFileSystem disk;
    disk.WriteRaw(kPath, bytes);
    return RecoveryPoint::Load(disk, kPath);
  }
  // Three frames; `ends[i]`: where frame i ends.
  std::string ThreeFrames(std::vector<size_t>* ends) {
    Replace(10, {{Id(0), "zero"}, {Id(1), "one"}});
    ends->push_back(FileSize());
    Save(20, {{Id(1), "uno"}});
    ends->push_back(FileSize());
    Save(30, {{Id(2), "two"}});
    ends->push_back(FileSize());
    return disk_.ReadRaw(kPath);
  }

  SimFileSystem disk_;
  RecoveryPoint point_{disk_, kPath};
};

TEST_F(RecoveryPointTest, MissingFileIsSaidToBeMissing) {
  EXPECT_TRUE(absl::IsNotFound(Load().status()));
}

TEST_F(RecoveryPointTest, ComesBackFromItsFile) {
  Replace(10, {{Id(0), "zero"}, {Id(1), std::string(1000, 'x')}});
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ExpectAt(*loaded, At(10));
  EXPECT_EQ(loaded->states(),
            (RecoveryPoint::States{{Id(0), "zero"}, {Id(1), std::string(1000, 'x')}}));
}

TEST_F(RecoveryPointTest, DirectoryWithoutDataHasAnEmptyOne) {
  Replace(1, {});
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ExpectAt(*loaded, At(1));
  EXPECT_TRUE(loaded->states().empty());
}

TEST_F(RecoveryPointTest, CleanMarkIsKept) {
  Replace(10, {});
  bool sync_failed;
  ASSERT_TRUE(point_.Save(At(20, /*clean=*/true), {}, &sync_failed).ok());
  ExpectAt(*Load(), At(20, /*clean=*/true));
}

TEST_F(RecoveryPointTest, ChangesAreAddedBehindWhatIsThere) {
  Replace(10, {{Id(0), "zero"}, {Id(1), "one"}});
  const std::string whole = disk_.ReadRaw(kPath);
  Save(20, {{Id(1), "uno"}, {Id(2), "two"}});
  EXPECT_EQ(disk_.ReadRaw(kPath).substr(0, whole.size()), whole)
      << "a checkpoint costs its changes";
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ExpectAt(*loaded, At(20));
  EXPECT_EQ(loaded->states(),
            (RecoveryPoint::States{{Id(0), "zero"}, {Id(1), "uno"}, {Id(2), "two"}}));
  EXPECT_EQ(loaded->states(), point_.states()) << "and that is what the writer holds";
}

TEST_F(RecoveryPointTest, EmptyStateRemovesThePartition) {
  Replace(10, {{Id(0), "zero"}, {Id(1), "one"}});
  Save(20, {{Id(0), ""}, {Id(5), ""}});
  EXPECT_EQ(Load()->states(), (RecoveryPoint::States{{Id(1), "one"}}));
}

TEST_F(RecoveryPointTest, LaterChangeOfOnePartitionInTheSameFrameCounts) {
  Replace(10, {});
  Save(20, {{Id(0), "older"}, {Id(0), "newer"}});
  EXPECT_EQ(Load()->states(), (RecoveryPoint::States{{Id(0), "newer"}}));
  EXPECT_EQ(point_.states(), Load()->states());
}

TEST_F(RecoveryPointTest, FileIsReplacedByOneFrameWhenTheChangesOutgrowTheWhole) {
  Replace(1, {});
  RecoveryPoint::States expected;
  size_t largest = 0;
  int shrunk = 0;
  size_t before = 0;
  for (int32_t i = 0; i < 60; ++i) {
    const std::string state(100 * 1024, static_cast<char>('a' + i % 26));
    Save(static_cast<uint64_t>(10 + i), {{Id(i % 4), state}});
    expected[Id(i % 4)] = state;
    shrunk += FileSize() < before;
    before = FileSize();
    largest = std::max(largest, before);
  }
  EXPECT_GT(shrunk, 2);
  EXPECT_LE(largest, static_cast<size_t>(limits::kMiB));
  const auto loaded = Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ExpectAt(*loaded, At(69));
  EXPECT_EQ(loaded->states(), expected);
}

TEST_F(RecoveryPointTest, OneThatWasLoadedIsReplacedByItsFirstSave) {
  Replace(10, {{Id(0), "zero"}, {Id(1), "one"}});
  Save(20, {{Id(1), "uno"}});
  auto loaded = *Load();
  bool sync_failed;
  ASSERT_TRUE(loaded.Save(At(30), {{Id(0), ""}}, &sync_failed).ok());
  const auto again = Load();
  ASSERT_TRUE(again.ok()) << again.status();
  ExpectAt(*again, At(30));
  EXPECT_EQ(again->states(), (RecoveryPoint::States{{Id(1), "uno"}}));
}

TEST_F(RecoveryPointTest, TornLastFrameLeavesTheOneBefore) {
  std::vector<size_t> ends;
  const std::string file = ThreeFrames(&ends);
  for (size_t size = ends[1]; size < ends[2]; ++size) {
    const auto loaded = LoadBytes(absl::string_view(file).substr(0, size));
    ASSERT_TRUE(loaded.ok()) << size << ": " << loaded.status();
    ExpectAt(*loaded, At(20));
    EXPECT_EQ(loaded->states(), (RecoveryPoint::States{{Id(0), "zero"}, {Id(1), "uno"}}));
  }
  for (size_t bit = ends[1] * 8; bit < ends[2] * 8; ++bit) {
    std::string torn = file;
    torn[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const auto loaded = LoadBytes(torn);
    ASSERT_TRUE(loaded.ok()) << "bit " << bit << ": " << loaded.status();
    ExpectAt(*loaded, At(20));
  }
}

TEST_F(RecoveryPointTest, DamagedFirstFrameIsRefused) {
  std::vector<size_t> ends;
  const std::string file = ThreeFrames(&ends).substr(0, ends[0]);
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string damaged = file;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const auto loaded = LoadBytes(damaged);
    EXPECT_TRUE(absl::IsDataLoss(loaded.status())) << "bit " << bit;
  }
  for (size_t size = 0; size < file.size(); ++size)
    EXPECT_TRUE(absl::IsDataLoss(LoadBytes(file.substr(0, size)).status())) << size;
  EXPECT_THAT(std::string(LoadBytes("").status().message()),
              AllOf(HasSubstr(kPath), HasSubstr("left as it is")));
}

TEST_F(RecoveryPointTest, DamagedFrameBeforeAValidOneIsRefused) {
  std::vector<size_t> ends;
  const std::string file = ThreeFrames(&ends);
  for (size_t bit = 0; bit < ends[1] * 8; ++bit) {
    std::string damaged = file;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_TRUE(absl::IsDataLoss(LoadBytes(damaged).status())) << "bit " << bit;
  }
}

TEST_F(RecoveryPointTest, MissingFrameIsRefused) {
  std::vector<size_t> ends;
  const std::string file = ThreeFrames(&ends);
  const std::string without = file.substr(0, ends[0]) + file.substr(ends[1]);
  EXPECT_TRUE(absl::IsDataLoss(LoadBytes(without).status()));
  EXPECT_TRUE(absl::IsDataLoss(LoadBytes(file.substr(ends[0])).status())) << "the first one";
}

TEST_F(RecoveryPointTest, DamageOverManyFramesBeforeAValidOneIsRefused) {
  Replace(1, {{Id(0), "zero"}});
  std::vector<size_t> ends = {FileSize()};
  for (uint64_t round = 2; round < 30; ++round) {
    Save(round, {{Id(0), absl::StrCat(round)}});
    ends.push_back(FileSize());
  }
  std::string file = disk_.ReadRaw(kPath);
  const size_t from = ends[3] + 5;  // a disk loses whole sectors, frames are smaller
  file.replace(from, ends[20] - from, ends[20] - from, '\0');
  EXPECT_TRUE(absl::IsDataLoss(LoadBytes(file).status()));
}

TEST_F(RecoveryPointTest, FailedWriteChangesNothingAndTheNextSaveGoesOn) {
  Replace(10, {{Id(0), "zero"}});
  disk_.FailNext(OperationKind::kWrite, kPath, Fault::kShortWrite, Repeat::kOnce);
  bool sync_failed = true;
  EXPECT_FALSE(point_.Save(At(20), {{Id(0), std::string(5000, 'x')}}, &sync_failed).ok());
  EXPECT_FALSE(sync_failed);
  ExpectAt(point_, At(10));
  ExpectAt(*Load(), At(10));
  Save(30, {{Id(0), "three"}});
  ExpectAt(*Load(), At(30));
  EXPECT_EQ(Load()->states(), (RecoveryPoint::States{{Id(0), "three"}}));
}

TEST_F(RecoveryPointTest, FailedFlushIsToldApart) {
  Replace(10, {{Id(0), "zero"}});
  disk_.FailNext(OperationKind::kSync, kPath, Fault::kIo, Repeat::kOnce);
  bool sync_failed = false;
  EXPECT_FALSE(point_.Save(At(20), {{Id(0), "two"}}, &sync_failed).ok());
  EXPECT_TRUE(sync_failed);
  ExpectAt(point_, At(10));
}

TEST_F(RecoveryPointTest, PowerLossWhileItIsReplacedLeavesTheOldOneOrTheNewOne) {
  std::vector<size_t> ends;
  ThreeFrames(&ends);
  SimFileSystem& disk = disk_;
  std::map<uint64_t, int> seen;
  disk.SetObserver([&](const Operation&) {
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const auto image = disk.CrashImage(seed, CrashMode::kRandom);
      const auto loaded = RecoveryPoint::Load(*image, kPath);
      ASSERT_TRUE(loaded.ok()) << loaded.status();
      ++seen[loaded->position().through.value()];
    }
  });
  Replace(40, {{Id(0), "new"}});
  Save(50, {{Id(0), "newer"}});
  disk.SetObserver(nullptr);
  EXPECT_GT(seen[30], 0);
  EXPECT_GT(seen[40], 0);
  EXPECT_EQ(Load()->position().through, RoundNumber{50});
}

TEST_F(RecoveryPointTest, LyingCountsAreRefusedThoughTheCrcIsRight) {
  Replace(10, {{Id(0), "zero"}});
  const std::string file = disk_.ReadRaw(kPath);
  constexpr size_t kCountAt = 16 + 8 + 1 + 16 + 8 + 8;
  constexpr size_t kSizeAt = kCountAt + 4 + 16 + 4;
  for (const size_t at : {kCountAt, kSizeAt}) {
    for (const uint32_t lie : {0u, 2u, 5u, 0x7fffffffu, ~0u}) {
      std::string lying = file;
      StoreLittle(lying.data() + at, lie);
      StoreLittle(lying.data() + 4, Crc32c(absl::string_view(lying).substr(8)));
      EXPECT_TRUE(absl::IsDataLoss(LoadBytes(lying).status())) << at << ": " << lie;
    }
  }
}

}  // namespace
}  // namespace weir
