// What Weir adds between RocksDB and the disk, on a simulated disk.
#include "storage/meta/rocksdb_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/rocksdb_on_sim.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::Not;

class RocksDbFilesTest : public ::testing::Test {
 protected:
  void Create(const std::string& path) {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    ASSERT_TRUE(files_.NewWritableFile(path, {}, &file, nullptr).ok());
    ASSERT_TRUE(file->Append("x", {}, nullptr).ok());
    ASSERT_TRUE(file->Sync({}, nullptr).ok());
  }
  rocksdb::IOStatus Flush(const std::string& path) {
    std::unique_ptr<rocksdb::FSDirectory> directory;
    const rocksdb::IOStatus status = files_.NewDirectory(path, {}, &directory, nullptr);
    return status.ok() ? directory->FsyncWithDirOptions({}, nullptr, {}) : status;
  }
  std::vector<std::string> AfterAPowerCut() {
    return disk_.CrashImage(1, CrashMode::kDropUnsynced)->AllFiles();
  }

  SimFileSystem disk_;
  RocksDbOnSim below_{&disk_};
  RocksDbFiles files_{below_.env()->GetFileSystem()};
};

// A table that one thread made is lost by the flush that fails for another.
TEST_F(RocksDbFilesTest, AfterAFailedFlushOfADirectoryNoneSucceeds) {
  Create("/kept");
  ASSERT_TRUE(Flush("/").ok());
  Create("/table");
  disk_.FailNext(OperationKind::kSyncDirectory, "/", Fault::kIo, Repeat::kOnce);
  EXPECT_TRUE(Flush("/").IsIOError());
  const rocksdb::IOStatus again = Flush("/");
  EXPECT_TRUE(again.IsIOError()) << again.ToString();
  EXPECT_THAT(AfterAPowerCut(), Not(Contains("/table")));
  // Nor is a new manifest put in use, nor marked.
  Create("/000007.dbtmp");
  EXPECT_TRUE(files_.RenameFile("/000007.dbtmp", "/CURRENT", {}, nullptr).IsIOError());
  std::unique_ptr<rocksdb::FSWritableFile> manifest;
  ASSERT_TRUE(files_.NewWritableFile("/MANIFEST-000007", {}, &manifest, nullptr).ok());
  ASSERT_TRUE(manifest->Append("x", {}, nullptr).ok());
  EXPECT_TRUE(manifest->Sync({}, nullptr).IsIOError());
}

TEST_F(RocksDbFilesTest, ADirectoryThatIsNotThereIsNoFailedFlush) {
  EXPECT_FALSE(Flush("/no").ok());
  Create("/table");
  EXPECT_TRUE(Flush("/").ok());
  EXPECT_THAT(AfterAPowerCut(), Contains("/table"));
}

}  // namespace
}  // namespace weir
