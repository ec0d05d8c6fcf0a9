// What only the real disk can show; the rest of its contract is in base_file_system_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "storage/base/file_system.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

class PosixFileSystemTest : public ::testing::Test {
 protected:
  PosixFileSystemTest() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    root_ = mkdtemp(name.data());
  }
  ~PosixFileSystemTest() override { std::filesystem::remove_all(root_); }

  FileSystem& fs_ = FileSystem::Posix();
  std::string root_;
};

TEST_F(PosixFileSystemTest, DeathOfTheHolderReleasesItsLock) {
  const std::string path = JoinPath(root_, "lock");
  int ready[2], die[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(die), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto lock = fs_.Lock(path, "the child");
    char byte = lock.ok() ? 'y' : 'n';
    if (write(ready[1], &byte, 1) != 1 || read(die[0], &byte, 1) != 1) _exit(1);
    _exit(0);  // runs no destructor
  }
  char byte = '?';
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  EXPECT_THAT(fs_.Lock(path, "the parent").status().ToString(), HasSubstr("the child"));
  ASSERT_EQ(write(die[1], &byte, 1), 1);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(fs_.Lock(path, "the parent").ok());
  for (const int fd : {ready[0], ready[1], die[0], die[1]}) close(fd);
}

TEST_F(PosixFileSystemTest, SyncAllWorksAfterTheDirectoryOfItsFirstCallIsGone) {
  const std::string first = JoinPath(root_, "first");
  ASSERT_TRUE(fs_.CreateDirectory(first).ok());
  ASSERT_TRUE(fs_.SyncAll(first).ok());
  ASSERT_TRUE(fs_.Remove(first).ok());
  EXPECT_TRUE(fs_.SyncAll(root_).ok());
  EXPECT_TRUE(absl::IsNotFound(fs_.SyncAll(first)));
}

TEST_F(PosixFileSystemTest, SyncAllKeepsOneDescriptorForAFileSystem) {
  const auto open_descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  ASSERT_TRUE(fs_.SyncAll(root_).ok());
  const auto before = open_descriptors();
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(fs_.CreateDirectory(JoinPath(root_, name)).ok());
    ASSERT_TRUE(fs_.SyncAll(JoinPath(root_, name)).ok());
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(PosixFileSystemTest, FullDiskIsResourceExhausted) {
  const auto file = fs_.Open("/dev/full", OpenMode::kReadWrite);
  ASSERT_TRUE(file.ok()) << file.status();
  const absl::Status status = (*file)->Write(FilePosition{0}, "x");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(status.ToString(), HasSubstr("/dev/full"));
}

TEST_F(PosixFileSystemTest, StatGivesTheTimeOfTheLastChange) {
  const std::string path = JoinPath(root_, "a");
  ASSERT_TRUE(ReplaceFile(fs_, path, "x").ok());
  const auto when = std::filesystem::file_time_type::clock::now() - std::chrono::hours(48);
  const absl::Time before = fs_.Stat(path)->modified;
  std::filesystem::last_write_time(path, when);
  const absl::Duration moved = before - fs_.Stat(path)->modified;
  EXPECT_GT(moved, absl::Hours(47));
  EXPECT_LT(moved, absl::Hours(49));
}

}  // namespace
}  // namespace weir
