// Failing operations of the simulated disk (tests/support/fault_plan.h) and full disks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/base_sim_disk_fixture.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using Code = absl::StatusCode;

using SimFaultsTest = SimDiskTest;

TEST_F(SimFaultsTest, FailsOneOperationOrAllFromItOn) {
  const auto file = Open("a");
  fs_.FailOperation(fs_.operations() + 2, Fault::kIo, Repeat::kOnce);
  Do(file->Write(kStart, "1"));
  EXPECT_THAT(file->Write(kStart, "2").ToString(),
              AllOf(HasSubstr("write a"), HasSubstr("Input/output error")));
  Do(file->Write(kStart, "3"));
  fs_.FailOperation(fs_.operations() + 1, Fault::kIo, Repeat::kForever);
  EXPECT_FALSE(file->Write(kStart, "4").ok());
  EXPECT_FALSE(fs_.Remove("a").ok());
  EXPECT_EQ(*ReadFile(fs_, "a"), "3");  // reads go on
  fs_.ClearFaults();
  Do(fs_.Remove("a"));
}

TEST_F(SimFaultsTest, FailsReadsByTheirOwnNumber) {
  const auto file = Durable("a", "x");
  fs_.FailRead(fs_.reads() + 1, Fault::kIo, Repeat::kOnce);
  Do(file->Write(kStart, "y"));
  char byte;
  EXPECT_FALSE(file->ReadAt(kStart, absl::MakeSpan(&byte, 1)).ok());
  EXPECT_TRUE(file->ReadAt(kStart, absl::MakeSpan(&byte, 1)).ok());
}

TEST_F(SimFaultsTest, FailsTheNextOperationOfAKindOnAPath) {
  const auto a = Open("x.log"), b = Open("y.journal");
  fs_.FailNext(OperationKind::kSync, ".journal", Fault::kIo, Repeat::kOnce);
  Do(a->Sync());
  Do(b->Write(kStart, "x"));
  EXPECT_FALSE(b->Sync().ok());
  Do(b->Sync());
}

TEST_F(SimFaultsTest, FailedNameChangesHaveNoEffect) {
  Durable("a", "x");
  fs_.FailOperation(fs_.operations() + 1, Fault::kIo, Repeat::kForever);
  EXPECT_FALSE(fs_.Rename("a", "b").ok());
  EXPECT_FALSE(fs_.Link("a", "c").ok());
  EXPECT_FALSE(fs_.Remove("a").ok());
  EXPECT_FALSE(fs_.CreateDirectory("d").ok());
  EXPECT_FALSE(fs_.Open("e", OpenMode::kCreate).ok());
  EXPECT_FALSE(fs_.Lock("f", "me").ok());
  EXPECT_THAT(*fs_.List("/"), ElementsAre("a"));
}

TEST_F(SimFaultsTest, AShortWriteStoresAPartBeforeItsEnd) {
  std::set<size_t> stored;
  for (int seed = 0; seed < 100; ++seed) {
    SimFileSystem fs(seed);
    const auto file = *fs.Open("a", OpenMode::kCreate);
    fs.FailOperation(2, Fault::kShortWrite, Repeat::kOnce);
    const absl::string_view parts[] = {"01", "234"};
    ASSERT_FALSE(file->WriteAt(kStart, parts).ok());
    const std::string content = fs.ReadRaw("a");
    EXPECT_THAT("01234", StartsWith(content));
    stored.insert(content.size());
  }
  EXPECT_THAT(stored, UnorderedElementsAre(0u, 1u, 2u, 3u, 4u));
}

TEST_F(SimFaultsTest, AFailedSyncLosesTheBytesThoughTheyCanBeRead) {
  const auto file = Durable("a", "old");
  Do(file->Write(kStart, "new"));
  fs_.FailNext(OperationKind::kSync, "a", Fault::kIo, Repeat::kOnce);
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_EQ(*ReadFile(fs_, "a"), "new");
  Do(file->Sync());  // believing this one is the bug that programs must not have
  Do(fs_.SyncAll("/"));
  EXPECT_EQ(*ReadFile(*fs_.CrashImage(1, CrashMode::kKeepAll), "a"), "old");
}

TEST_F(SimFaultsTest, AFailedSyncOfADirectoryLosesItsNames) {
  Open("a");
  fs_.FailNext(OperationKind::kSyncDirectory, "", Fault::kIo, Repeat::kOnce);
  EXPECT_FALSE(fs_.SyncDirectory("/").ok());
  Do(fs_.SyncDirectory("/"));
  EXPECT_TRUE(fs_.Stat("a").ok());
  EXPECT_THAT(fs_.CrashImage(1, CrashMode::kKeepAll)->AllFiles(), IsEmpty());
}

TEST_F(SimFaultsTest, AFailedSyncAllLosesBytesAndNames) {
  const auto file = Durable("a", "old");
  Do(file->Write(kStart, "new"));
  Open("b");
  fs_.FailNext(OperationKind::kSyncAll, "", Fault::kNoSpace, Repeat::kOnce);
  EXPECT_EQ(fs_.SyncAll("/").code(), Code::kResourceExhausted);
  Do(fs_.SyncAll("/"));
  EXPECT_EQ(OnDisk("a"), "old");
  EXPECT_EQ(OnDisk("b"), "none");
}

TEST_F(SimFaultsTest, OutOfSpaceStillLetsFilesBeRemovedCutAndRead) {
  const auto file = Durable("a", "content");
  fs_.FailOperation(fs_.operations() + 1, Fault::kNoSpace, Repeat::kForever);
  EXPECT_EQ(file->Write(kStart, "x").code(), Code::kResourceExhausted);
  EXPECT_EQ(fs_.Open("b", OpenMode::kCreate).status().code(), Code::kResourceExhausted);
  Do(file->Truncate(FilePosition{4}));
  EXPECT_EQ(*ReadFile(fs_, "a"), "cont");
  Do(fs_.Remove("a"));
}

TEST_F(SimFaultsTest, AFullDiskStoresWhatFitsAndRefusesTheRest) {
  fs_.SetCapacity(3 * 4096);
  const auto file = Open("a");
  const absl::Status status = file->Write(FilePosition{4000}, std::string(20000, 'x'));
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_EQ(*file->Size(), 3 * 4096);
  EXPECT_EQ(fs_.Space("/")->free_bytes, 0);
  EXPECT_EQ(fs_.Space("/")->total_bytes, 3 * 4096);
  Do(file->Write(kStart, std::string(3 * 4096, 'y')));  // overwriting needs no space
  EXPECT_FALSE(Open("b")->Write(kStart, "z").ok());
  Do(file->Truncate(FilePosition{4096}));
  EXPECT_EQ(fs_.Space("/")->free_bytes, 2 * 4096);
  Do(Open("b")->Write(kStart, "z"));
  Do(fs_.Remove("a"));
  EXPECT_EQ(fs_.Space("/")->free_bytes, 2 * 4096);
}

}  // namespace
}  // namespace weir
