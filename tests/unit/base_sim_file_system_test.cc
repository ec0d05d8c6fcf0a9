// SimFileSystem: crash points, images and damage; failing operations are in
// base_sim_faults_test.cc. Its contract as a FileSystem is in base_file_system_test.cc, what
// crashes may leave in base_sim_file_test.cc and base_sim_tree_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_file_system.h"
#include "tests/unit/base_sim_disk_fixture.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Code = absl::StatusCode;

using SimFileSystemTest = SimDiskTest;

TEST_F(SimFileSystemTest, CountsOperationsAndReadsApart) {
  const auto file = Open("a");               // 1
  Do(file->Write(kStart, "x"));              // 2
  Do(file->Sync());                          // 3
  Do(file->Truncate(kStart));                // 4
  Do(fs_.CreateDirectory("d"));              // 5
  Do(fs_.Rename("a", "d/a"));                // 6
  Do(fs_.Link("d/a", "d/b"));                // 7
  Do(fs_.Remove("d/a"));                     // 8
  Do(fs_.SyncDirectory("d"));                // 9
  Do(fs_.SyncAll("/"));                      // 10
  EXPECT_TRUE(fs_.Lock("lock", "me").ok());  // 11
  EXPECT_EQ(fs_.operations(), 11);
  EXPECT_EQ(fs_.reads(), 0);
  Open("d/b");
  EXPECT_TRUE(file->Size().ok());
  EXPECT_TRUE(fs_.List("d").ok());
  EXPECT_TRUE(fs_.Stat("d").ok());
  EXPECT_TRUE(fs_.Space("d").ok());
  char byte;
  EXPECT_TRUE(file->ReadAt(kStart, absl::MakeSpan(&byte, 1)).ok());
  EXPECT_TRUE(file->ReadCachedAt(kStart, absl::MakeSpan(&byte, 1)).ok());
  EXPECT_EQ(fs_.operations(), 11);
  EXPECT_EQ(fs_.reads(), 7);
}

TEST_F(SimFileSystemTest, FromTheCrashOnEverythingFailsAndDoesNothing) {
  const auto file = Durable("a", "before");
  fs_.CrashAt(fs_.operations() + 2);
  Do(file->Write(kStart, "B"));
  EXPECT_FALSE(fs_.crashed());
  const absl::Status status = file->Write(kStart, "lost");
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.ToString(), HasSubstr("crashed"));
  EXPECT_TRUE(fs_.crashed());
  char byte;
  EXPECT_EQ(file->Sync().code(), Code::kUnavailable);
  EXPECT_EQ(file->ReadAt(kStart, absl::MakeSpan(&byte, 1)).status().code(), Code::kUnavailable);
  EXPECT_EQ(file->Size().status().code(), Code::kUnavailable);
  EXPECT_EQ(fs_.Open("b", OpenMode::kCreate).status().code(), Code::kUnavailable);
  EXPECT_EQ(fs_.Remove("a").code(), Code::kUnavailable);
  EXPECT_EQ(fs_.SyncAll("/").code(), Code::kUnavailable);
  EXPECT_EQ(OnDisk("a"), "before");
  EXPECT_EQ(fs_.ReadRaw("a"), "Before");
  EXPECT_THAT(fs_.AllFiles(), ElementsAre("/a"));
}

TEST_F(SimFileSystemTest, ACrashAtASyncLeavesItsBytesToChance) {
  const auto file = Durable("a", "old");
  Do(file->Write(kStart, "new"));
  fs_.CrashAt(fs_.operations() + 1);
  EXPECT_FALSE(file->Sync().ok());
  EXPECT_EQ(OnDisk("a"), "old");
  EXPECT_EQ(*ReadFile(*fs_.CrashImage(1, CrashMode::kKeepAll), "a"),
            "new");  // unlike after a failed sync
}

TEST_F(SimFileSystemTest, SyncOfAFileDoesNotBringItsName) {
  const auto file = Open("a");
  Do(file->Write(kStart, "x"));
  Do(file->Sync());
  EXPECT_EQ(OnDisk("a"), "none");
  Do(fs_.SyncDirectory("/"));
  EXPECT_EQ(OnDisk("a"), "x");
}

TEST_F(SimFileSystemTest, SyncOfADirectoryDoesNotBringTheBytesOfItsFiles) {
  const auto file = Open("a");
  Do(file->Write(kStart, "x"));
  Do(fs_.SyncDirectory("/"));
  EXPECT_EQ(OnDisk("a"), "");
}

TEST_F(SimFileSystemTest, SyncAllBringsNamesBytesAndSizes) {
  Do(CreateDirectories(fs_, "d/e"));
  Do(Open("d/e/a")->Write(kStart, "x"));
  Do(Open("b")->Truncate(FilePosition{3}));
  Do(fs_.SyncAll("/"));
  EXPECT_EQ(OnDisk("d/e/a"), "x");
  EXPECT_EQ(OnDisk("b"), std::string(3, '\0'));
}

TEST_F(SimFileSystemTest, ReplaceFileLeavesOldOrNewWhereverItCrashes) {
  for (int64_t k = 1; k <= 10; ++k) {
    SimFileSystem fs;
    Do(ReplaceFile(fs, "a", "old content"));
    fs.CrashAt(fs.operations() + k);
    const bool done = ReplaceFile(fs, "a", "new content").ok();
    for (int seed = 0; seed < 200; ++seed) {
      const auto content = ReadFile(*fs.CrashImage(seed, CrashMode::kRandom), "a");
      ASSERT_TRUE(content.ok()) << fs.RecentOperations();
      EXPECT_TRUE(*content == "new content" || (!done && *content == "old content")) << *content;
    }
  }
}

TEST_F(SimFileSystemTest, ImagesAndTheirOriginalLiveApart) {
  const auto file = Durable("a", "original");
  const auto image = fs_.CrashImage(1, CrashMode::kKeepAll);
  Do((*image->Open("a", OpenMode::kReadWrite))->Write(kStart, "IMAGE"));
  Do(image->Remove("a"));
  EXPECT_EQ(*ReadFile(fs_, "a"), "original");
  Do(file->Write(kStart, "ORIGINAL"));
  EXPECT_THAT(image->AllFiles(), IsEmpty());
  EXPECT_EQ(image->operations(), 2);
}

TEST_F(SimFileSystemTest, AnImageIsOnTheDiskAsAWhole) {
  Do(Open("a")->Write(kStart, "x"));
  const auto image = fs_.CrashImage(1, CrashMode::kKeepAll);
  EXPECT_EQ(OnDisk(*image, "a"), "x");
}

TEST_F(SimFileSystemTest, AnImageOfACrashedDiskWorks) {
  Durable("a", "x");
  fs_.Crash();
  const auto image = fs_.CrashImage(1, CrashMode::kDropUnsynced);
  EXPECT_EQ(*ReadFile(*image, "a"), "x");
  EXPECT_TRUE(image->Remove("a").ok());
}

TEST_F(SimFileSystemTest, OneSeedGivesOneImage) {
  for (int i = 0; i < 20; ++i)
    Do(Open(absl::StrCat("file", i))->Write(kStart, std::string(3000, 'x')));
  const auto look = [&](uint64_t seed) {
    const auto image = fs_.CrashImage(seed, CrashMode::kRandom);
    std::string all;
    for (const std::string& path : image->AllFiles())
      absl::StrAppend(&all, path, image->ReadRaw(path));
    return all;
  };
  EXPECT_EQ(look(3), look(3));
  EXPECT_NE(look(3), look(4));
}

TEST_F(SimFileSystemTest, CloneKeepsEverythingAndWhatIsUnsyncedStaysUnsynced) {
  const auto file = Durable("a", "old");
  Do(file->Write(kStart, "new"));
  Open("b");
  const auto clone = fs_.Clone();
  EXPECT_EQ(*ReadFile(*clone, "a"), "new");
  EXPECT_THAT(clone->AllFiles(), ElementsAre("/a", "/b"));
  EXPECT_EQ(OnDisk(*clone, "a"), "old");
  EXPECT_EQ(OnDisk(*clone, "b"), "none");
  Do((*clone->Open("a", OpenMode::kReadWrite))->Sync());
  EXPECT_EQ(OnDisk(*clone, "a"), "new");
  EXPECT_EQ(OnDisk("a"), "old");
}

TEST_F(SimFileSystemTest, TwoNamesOfAFileStayOneFileInAnImage) {
  Durable("a", "x");
  Do(fs_.Link("a", "b"));
  const auto image = fs_.CrashImage(1, CrashMode::kKeepAll);
  Do((*image->Open("a", OpenMode::kReadWrite))->Write(kStart, "y"));
  EXPECT_EQ(*ReadFile(*image, "b"), "y");
}

TEST_F(SimFileSystemTest, ACrashReleasesLocks) {
  const auto lock = fs_.Lock("lock", "me");
  ASSERT_TRUE(lock.ok());
  EXPECT_TRUE(fs_.CrashImage(1, CrashMode::kKeepAll)->Lock("lock", "next").ok());
  EXPECT_TRUE(fs_.Clone()->Lock("lock", "next").ok());
}

TEST_F(SimFileSystemTest, TheObserverSeesTheDiskBeforeEachOperation) {
  std::vector<std::string> seen;
  fs_.SetObserver([&](const Operation& operation) {
    const auto image = fs_.CrashImage(1, CrashMode::kKeepAll);
    seen.push_back(absl::StrCat(operation.number, " ", NameOf(operation.kind), ": ",
                                image->AllFiles().size()));
  });
  const auto file = Open("a");
  EXPECT_TRUE(file->Size().ok());
  Do(file->Sync());
  EXPECT_THAT(seen, ElementsAre("1 create: 0", "2 sync: 1"));
}

TEST_F(SimFileSystemTest, ACrashFromTheObserverStopsTheOperationItself) {
  const auto file = Durable("a", "old");
  fs_.SetObserver([&](const Operation&) { fs_.Crash(); });
  EXPECT_EQ(file->Write(kStart, "new").code(), Code::kUnavailable);
  EXPECT_EQ(fs_.ReadRaw("a"), "old");
}

TEST_F(SimFileSystemTest, NoCallOfAnObserverGoesOnWhenItIsReplaced) {
  absl::Notification called;
  absl::Notification go_on;
  bool over = false;
  fs_.SetObserver([&](const Operation&) {
    called.Notify();
    go_on.WaitForNotification();
    over = true;
  });
  std::thread other([&] { Open("a"); });
  called.WaitForNotification();
  std::thread helper([&] { go_on.Notify(); });
  fs_.SetObserver(nullptr);
  EXPECT_TRUE(over);
  helper.join();
  other.join();
}

TEST_F(SimFileSystemTest, NothingIsInMemoryWhenTheTestSaysSo) {
  const auto file = Durable("a", "x");
  char byte = '?';
  fs_.SetCached(false);
  EXPECT_EQ(file->ReadCachedAt(kStart, absl::MakeSpan(&byte, 1)).status().code(),
            Code::kUnavailable);
  EXPECT_EQ(*file->ReadAt(kStart, absl::MakeSpan(&byte, 1)), 1u);
  fs_.SetCached(true);
  EXPECT_EQ(*file->ReadCachedAt(kStart, absl::MakeSpan(&byte, 1)), 1u);
}

TEST_F(SimFileSystemTest, DamageIsOnTheDiskAndCountsAsNothing) {
  Durable("a", std::string("\x00\x10", 2));
  const int64_t operations = fs_.operations(), reads = fs_.reads();
  fs_.FlipBit("a", 0);
  fs_.FlipBit("a", 15);
  EXPECT_EQ(fs_.ReadRaw("a"), "\x01\x90");
  fs_.WriteRaw("b", "made");
  fs_.Crash();
  fs_.FlipBit("a", 0);
  EXPECT_EQ(OnDisk("a"), std::string("\x00\x90", 2));
  EXPECT_EQ(OnDisk("b"), "made");
  EXPECT_THAT(fs_.AllFiles(), ElementsAre("/a", "/b"));
  EXPECT_EQ(fs_.operations(), operations);
  EXPECT_EQ(fs_.reads(), reads);
}

TEST_F(SimFileSystemTest, TellsItsLastOperations) {
  const auto file = Open("a");
  Do(file->Write(FilePosition{5}, "xyz"));
  Do(file->Truncate(FilePosition{4}));
  EXPECT_TRUE(file->Size().ok());
  EXPECT_EQ(fs_.RecentOperations(2), "#3 truncate a to 4\nread #1 stat a\n");
  EXPECT_THAT(fs_.RecentOperations(), StartsWith("#1 create a\n#2 write a [5, 8)\n"));
}

TEST_F(SimFileSystemTest, FilesHaveTheTimeOfTheirLastChange) {
  SimClock clock;
  SimFileSystem fs(1, &clock);
  const absl::Time made = clock.Now();
  const auto file = *fs.Open("a", OpenMode::kCreate);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(fs.Stat("a")->modified, made);
  Do(file->Write(kStart, "x"));
  EXPECT_EQ(fs.Stat("a")->modified, made + absl::Hours(1));
  EXPECT_EQ(fs.CrashImage(1, CrashMode::kKeepAll)->Stat("a")->modified, made + absl::Hours(1));
}

TEST_F(SimFileSystemTest, ForgetsRemovedFilesOnlyWhenNoCrashCanBringThemBack) {
  for (int i = 0; i < 1000; ++i) {
    const std::string path = absl::StrCat("file", i);
    Durable(path, path);
    Do(fs_.Remove(path));
    EXPECT_EQ(OnDisk(path), path);
  }
  Do(fs_.SyncAll("/"));
  EXPECT_THAT(fs_.CrashImage(1, CrashMode::kDropUnsynced)->AllFiles(), IsEmpty());
}

TEST_F(SimFileSystemTest, ServesManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      const std::string path = absl::StrCat("file", t);
      for (int i = 0; i < 200; ++i) {
        const auto file = *fs_.Open(path, OpenMode::kCreate);
        ASSERT_TRUE(file->Write(FilePosition{i * 10}, "0123456789").ok());
        ASSERT_TRUE(file->Sync().ok());
        if (i % 50 == 0) {
          const auto image = fs_.CrashImage(i, CrashMode::kRandom);
          ASSERT_TRUE(image->SyncAll("/").ok());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) EXPECT_EQ(ReadFile(fs_, absl::StrCat("file", t))->size(), 2000u);
}

}  // namespace
}  // namespace weir
