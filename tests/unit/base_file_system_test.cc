// What storage/base/file_system.h promises, tried on the real disk and on the simulated one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>

#include "absl/strings/str_cat.h"
#include "storage/base/executor.h"
#include "storage/base/file_system.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr FilePosition kStart{0};

// A file system with an empty directory to work in.
class Place {
 public:
  virtual ~Place() = default;
  virtual FileSystem& fs() = 0;
  virtual std::string root() const = 0;
};

class RealPlace : public Place {
 public:
  RealPlace() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~RealPlace() override { std::filesystem::remove_all(root_); }
  FileSystem& fs() override { return FileSystem::Posix(); }
  std::string root() const override { return root_; }

 private:
  std::string root_;
};

class SimulatedPlace : public Place {
 public:
  FileSystem& fs() override { return fs_; }
  std::string root() const override { return ""; }

 private:
  SimFileSystem fs_;
};

struct Kind {
  std::string name;
  std::function<std::unique_ptr<Place>()> make;
};

class FileSystemTest : public ::testing::TestWithParam<Kind> {
 protected:
  std::string At(const std::string& name) const { return place_->root() + "/" + name; }
  std::unique_ptr<File> Create(const std::string& name, absl::string_view content = "") {
    auto file = fs_.Open(At(name), OpenMode::kCreateNew);
    EXPECT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE((*file)->Write(kStart, content).ok());
    return *std::move(file);
  }
  std::string Content(const std::string& name) {
    const auto content = ReadFile(fs_, At(name));
    return content.ok() ? *content : content.status().ToString();
  }
  std::string ReadSome(File& file, int64_t position, size_t length) {
    std::string bytes(length, '?');
    const auto n = file.ReadAt(FilePosition{position}, absl::MakeSpan(bytes));
    EXPECT_TRUE(n.ok()) << n.status();
    bytes.resize(n.value_or(0));
    return bytes;
  }
  absl::StatusCode OpenCode(const std::string& name, OpenMode mode) {
    return fs_.Open(At(name), mode).status().code();
  }

  const std::unique_ptr<Place> place_ = GetParam().make();
  FileSystem& fs_ = place_->fs();
};

TEST_P(FileSystemTest, WritesPartsOneAfterAnotherAndReadsThemBack) {
  const auto file = Create("a");
  const absl::string_view parts[] = {"one ", "", "two ", "three"};
  ASSERT_TRUE(file->WriteAt(kStart, parts).ok());
  EXPECT_EQ(ReadSome(*file, 0, 100), "one two three");
  EXPECT_EQ(ReadSome(*file, 4, 3), "two");
  EXPECT_EQ(*file->Size(), 13);
}

TEST_P(FileSystemTest, WritesMorePartsThanOneSystemCallTakes) {
  const auto file = Create("a");
  std::string all;
  for (int i = 0; i < 5000; ++i) all += std::to_string(i) + ";";
  std::vector<absl::string_view> parts;
  for (size_t at = 0; at < all.size(); at += 3)
    parts.push_back(absl::string_view(all).substr(at, 3));
  ASSERT_GT(parts.size(), 4096u);
  ASSERT_TRUE(file->WriteAt(FilePosition{7}, parts).ok());
  EXPECT_EQ(ReadSome(*file, 7, all.size() + 1), all);
}

TEST_P(FileSystemTest, WriteOverlapsKeepTheBytesAround) {
  const auto file = Create("a", std::string(10000, 'a'));
  ASSERT_TRUE(file->Write(FilePosition{4090}, "0123456789").ok());
  EXPECT_EQ(Content("a"), std::string(4090, 'a') + "0123456789" + std::string(5900, 'a'));
}

TEST_P(FileSystemTest, ReadEndsAtTheEndOfTheFile) {
  const auto file = Create("a", "0123456789");
  EXPECT_EQ(ReadSome(*file, 8, 5), "89");
  EXPECT_EQ(ReadSome(*file, 10, 5), "");
  EXPECT_EQ(ReadSome(*file, 1000, 5), "");
}

TEST_P(FileSystemTest, CachedReadSeesWhatWasJustWritten) {
  const auto file = Create("a", std::string(20000, 'x') + "end");
  std::string bytes(10, '?');
  const auto n = file->ReadCachedAt(FilePosition{19999}, absl::MakeSpan(bytes));
  ASSERT_TRUE(n.ok()) << n.status();
  EXPECT_EQ(bytes.substr(0, *n), "xend");
}

TEST_P(FileSystemTest, GapBeforeAWriteReadsAsZeros) {
  const auto file = Create("a", "x");
  ASSERT_TRUE(file->Write(FilePosition{9000}, "y").ok());
  EXPECT_EQ(Content("a"), "x" + std::string(8999, '\0') + "y");
}

TEST_P(FileSystemTest, TruncateCutsAndExtendsWithZeros) {
  const auto file = Create("a", std::string(9000, 'x'));
  ASSERT_TRUE(file->Truncate(FilePosition{5000}).ok());
  EXPECT_EQ(*file->Size(), 5000);
  ASSERT_TRUE(file->Truncate(FilePosition{9000}).ok());
  EXPECT_EQ(Content("a"), std::string(5000, 'x') + std::string(4000, '\0'));
}

TEST_P(FileSystemTest, RefusesPositionsBelowZero) {
  const auto file = Create("a", "x");
  std::string bytes(1, '?');
  EXPECT_EQ(file->Write(FilePosition{-1}, "x").code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(file->ReadAt(FilePosition{-1}, absl::MakeSpan(bytes)).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(file->Truncate(FilePosition{-1}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(FileSystemTest, HintsAndSyncsOfAnOpenFileSucceed) {
  const auto file = Create("a", std::string(10000, 'x'));
  file->StartWriteback(kStart, 10000);
  EXPECT_TRUE(file->Sync().ok());
  file->DropCached(kStart, 10000);
  EXPECT_EQ(Content("a"), std::string(10000, 'x'));
  EXPECT_TRUE(fs_.SyncDirectory(place_->root() + "/").ok());
}

TEST_P(FileSystemTest, OpenModesSayWhetherTheFileMayExist) {
  using Code = absl::StatusCode;
  EXPECT_EQ(OpenCode("a", OpenMode::kRead), Code::kNotFound);
  EXPECT_EQ(OpenCode("a", OpenMode::kReadWrite), Code::kNotFound);
  EXPECT_EQ(OpenCode("no/a", OpenMode::kCreate), Code::kNotFound);
  EXPECT_EQ(OpenCode("a", OpenMode::kCreate), Code::kOk);
  EXPECT_EQ(OpenCode("a", OpenMode::kCreateNew), Code::kAlreadyExists);
  EXPECT_EQ(OpenCode("b", OpenMode::kCreateNew), Code::kOk);
  EXPECT_EQ(OpenCode("a", OpenMode::kRead), Code::kOk);
  EXPECT_EQ(OpenCode("a/b", OpenMode::kCreate), Code::kFailedPrecondition);  // a is no directory
}

TEST_P(FileSystemTest, OpeningForReadingRefusesWrites) {
  Create("a", "x");
  const auto file = fs_.Open(At("a"), OpenMode::kRead);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->Write(kStart, "y").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE((*file)->Truncate(kStart).ok());
  EXPECT_EQ(Content("a"), "x");
}

TEST_P(FileSystemTest, CreatingAnExistingFileKeepsItsContent) {
  Create("a", "x");
  ASSERT_EQ(OpenCode("a", OpenMode::kCreate), absl::StatusCode::kOk);
  EXPECT_EQ(Content("a"), "x");
}

TEST_P(FileSystemTest, ErrorsNameTheOperationAndThePath) {
  EXPECT_THAT(fs_.Remove(At("nobody")).ToString(), AllOf(HasSubstr("remove"), HasSubstr("nobody")));
  EXPECT_THAT(fs_.Open(At("nobody"), OpenMode::kRead).status().ToString(),
              AllOf(HasSubstr("open"), HasSubstr("nobody")));
  EXPECT_THAT(fs_.Rename(At("nobody"), At("b")).ToString(),
              AllOf(HasSubstr("rename"), HasSubstr("nobody")));
  EXPECT_THAT(fs_.Link(At("nobody"), At("b")).ToString(),
              AllOf(HasSubstr("link"), HasSubstr("nobody")));
  EXPECT_THAT(fs_.List(At("nobody")).status().ToString(),
              AllOf(HasSubstr("list"), HasSubstr("nobody")));
}

TEST_P(FileSystemTest, ListsNamesInOrderWithoutDots) {
  ASSERT_TRUE(fs_.CreateDirectory(At("d")).ok());
  EXPECT_THAT(*fs_.List(At("d")), IsEmpty());
  Create("d/b");
  Create("d/a");
  ASSERT_TRUE(fs_.CreateDirectory(At("d/c")).ok());
  EXPECT_THAT(*fs_.List(At("d")), ElementsAre("a", "b", "c"));
  EXPECT_EQ(fs_.List(At("d/a")).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(FileSystemTest, StatTellsFilesFromDirectories) {
  Create("a", "12345");
  ASSERT_TRUE(fs_.CreateDirectory(At("d")).ok());
  EXPECT_EQ(fs_.Stat(At("a"))->size, 5);
  EXPECT_FALSE(fs_.Stat(At("a"))->is_directory);
  EXPECT_TRUE(fs_.Stat(At("d"))->is_directory);
  EXPECT_EQ(fs_.Stat(At("no")).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, CreateDirectoryIsContentWithADirectoryButNotWithAFile) {
  EXPECT_TRUE(fs_.CreateDirectory(At("d")).ok());
  EXPECT_TRUE(fs_.CreateDirectory(At("d")).ok());
  Create("a");
  EXPECT_EQ(fs_.CreateDirectory(At("a")).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(fs_.CreateDirectory(At("no/d")).code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, RemovesFilesAndEmptyDirectoriesOnly) {
  ASSERT_TRUE(fs_.CreateDirectory(At("d")).ok());
  Create("d/a");
  EXPECT_FALSE(fs_.Remove(At("d")).ok());
  EXPECT_TRUE(fs_.Remove(At("d/a")).ok());
  EXPECT_TRUE(fs_.Remove(At("d")).ok());
  EXPECT_EQ(fs_.Remove(At("d")).code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, AnOpenFileOutlivesItsName) {
  const auto file = Create("a", "still here");
  ASSERT_TRUE(fs_.Remove(At("a")).ok());
  EXPECT_EQ(ReadSome(*file, 0, 100), "still here");
  EXPECT_TRUE(file->Sync().ok());
}

TEST_P(FileSystemTest, RenameReplacesTheTarget) {
  Create("a", "new");
  Create("b", "old");
  ASSERT_TRUE(fs_.Rename(At("a"), At("b")).ok());
  EXPECT_EQ(Content("b"), "new");
  EXPECT_EQ(OpenCode("a", OpenMode::kRead), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_.Rename(At("a"), At("b")).code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, RenameMovesDirectoriesWithWhatIsInThem) {
  ASSERT_TRUE(fs_.CreateDirectory(At("d")).ok());
  ASSERT_TRUE(fs_.CreateDirectory(At("e")).ok());
  Create("d/a", "x");
  ASSERT_TRUE(fs_.Rename(At("d"), At("e/d")).ok());
  EXPECT_EQ(Content("e/d/a"), "x");
  EXPECT_THAT(*fs_.List(place_->root() + "/"), ElementsAre("e"));
}

TEST_P(FileSystemTest, RenameRefusesWhatMakesNoSense) {
  ASSERT_TRUE(fs_.CreateDirectory(At("d")).ok());
  ASSERT_TRUE(fs_.CreateDirectory(At("full")).ok());
  Create("full/a");
  Create("a");
  EXPECT_FALSE(fs_.Rename(At("d"), At("d/inside")).ok());
  EXPECT_FALSE(fs_.Rename(At("d"), At("full")).ok());
  EXPECT_FALSE(fs_.Rename(At("d"), At("a")).ok());
  EXPECT_FALSE(fs_.Rename(At("a"), At("d")).ok());
  EXPECT_THAT(*fs_.List(place_->root() + "/"), ElementsAre("a", "d", "full"));
}

TEST_P(FileSystemTest, LinkIsASecondNameForTheSameFile) {
  const auto file = Create("a", "x");
  ASSERT_TRUE(fs_.Link(At("a"), At("b")).ok());
  ASSERT_TRUE(file->Write(kStart, "y").ok());
  EXPECT_EQ(Content("b"), "y");
  ASSERT_TRUE(fs_.Remove(At("a")).ok());
  EXPECT_EQ(Content("b"), "y");
  Create("c");
  EXPECT_EQ(fs_.Link(At("b"), At("c")).code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(FileSystemTest, RenameBetweenTwoNamesOfOneFileLeavesBoth) {
  Create("a", "x");
  ASSERT_TRUE(fs_.Link(At("a"), At("b")).ok());
  ASSERT_TRUE(fs_.Rename(At("a"), At("b")).ok());
  EXPECT_EQ(Content("a"), "x");
  EXPECT_EQ(Content("b"), "x");
}

TEST_P(FileSystemTest, SyncsOfMissingPathsFail) {
  EXPECT_EQ(fs_.SyncDirectory(At("no")).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(fs_.SyncAll(At("no")).code(), absl::StatusCode::kNotFound);
}

TEST_P(FileSystemTest, SyncAllOfADirectorySucceedsAgainAndAgain) {
  Create("a", "x");
  EXPECT_TRUE(fs_.SyncAll(place_->root() + "/").ok());
  EXPECT_TRUE(fs_.SyncAll(At("a")).ok());
}

TEST_P(FileSystemTest, SpaceIsPositiveAndFreeIsPartOfTotal) {
  const auto space = fs_.Space(place_->root() + "/");
  ASSERT_TRUE(space.ok()) << space.status();
  EXPECT_GT(space->free_bytes, 0);
  EXPECT_GE(space->total_bytes, space->free_bytes);
  EXPECT_FALSE(fs_.Space(At("no")).ok());
}

TEST_P(FileSystemTest, SecondLockFailsAndQuotesTheHolder) {
  auto lock = fs_.Lock(At("lock"), "broker, process 4711, the first of them");
  ASSERT_TRUE(lock.ok()) << lock.status();
  const auto second = fs_.Lock(At("lock"), "another");
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(second.status().ToString(), HasSubstr("process 4711, the first of them"));
  lock->reset();
  const auto third = fs_.Lock(At("lock"), "third");
  ASSERT_TRUE(third.ok()) << third.status();
  EXPECT_EQ(Content("lock"), "third");  // nothing is left of the longer text before
}

TEST_P(FileSystemTest, ReplaceFilePutsTheNewContentAndLeavesNoTemporary) {
  ASSERT_TRUE(ReplaceFile(fs_, At("a"), "first, longer").ok());
  ASSERT_TRUE(ReplaceFile(fs_, At("a"), "second").ok());
  EXPECT_EQ(Content("a"), "second");
  EXPECT_THAT(*fs_.List(place_->root() + "/"), ElementsAre("a"));
}

TEST_P(FileSystemTest, CreateDirectoriesAndRemoveTreeGoTheWholeWay) {
  ASSERT_TRUE(CreateDirectories(fs_, At("a/b/c")).ok());
  ASSERT_TRUE(CreateDirectories(fs_, At("a/b/c")).ok());
  Create("a/b/f");
  EXPECT_EQ(CreateDirectories(fs_, At("a/b/f")).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_TRUE(RemoveTree(fs_, At("a")).ok());
  EXPECT_EQ(fs_.Stat(At("a")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(RemoveTree(fs_, At("a")).ok());
}

TEST_P(FileSystemTest, ATreeMayBeRemovedByTwoAtOnce) {
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(CreateDirectories(fs_, At("a/b")).ok());
    for (int i = 0; i < 20; ++i) Create(absl::StrCat("a/b/f", i));
    absl::Status first, second;
    {
      ThreadExecutor executor("remove", 2);
      executor.Post([&] { first = RemoveTree(fs_, At("a")); });
      executor.Post([&] { second = RemoveTree(fs_, At("a")); });
    }
    EXPECT_TRUE(first.ok()) << first;
    EXPECT_TRUE(second.ok()) << second;
    EXPECT_EQ(fs_.Stat(At("a")).status().code(), absl::StatusCode::kNotFound);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , FileSystemTest,
    ::testing::Values(Kind{"Posix", [] { return std::make_unique<RealPlace>(); }},
                      Kind{"Simulated", [] { return std::make_unique<SimulatedPlace>(); }}),
    [](const auto& info) { return info.param.name; });

// As an index that a reader makes while its topic is deleted.
TEST(RemoveTreeTest, WhatSomebodyAddsMeanwhileGoesTooUnlessThereIsNoEndOfIt) {
  SimFileSystem fs;
  ASSERT_TRUE(CreateDirectories(fs, "/a/b").ok());
  fs.WriteRaw("/a/b/f", "x");
  int added = 0;
  int most = 3;
  fs.SetObserver([&](const Operation& operation) {
    if (operation.kind == OperationKind::kRemove && operation.path == "/a/b" && added < most)
      fs.WriteRaw(absl::StrCat("/a/b/late", added++), "x");
  });
  EXPECT_TRUE(RemoveTree(fs, "/a").ok());
  EXPECT_EQ(added, 3);
  EXPECT_FALSE(fs.Stat("/a").ok());
  ASSERT_TRUE(CreateDirectories(fs, "/a/b").ok());
  most = 1'000'000;
  EXPECT_FALSE(RemoveTree(fs, "/a").ok());
  EXPECT_LT(added, 100);
}

TEST(PathTest, JoinsAndSplits) {
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(ParentPath("a/b"), "a");
  EXPECT_EQ(ParentPath("b"), ".");
  EXPECT_EQ(ParentPath("/b"), "/");
}

}  // namespace
}  // namespace weir
