#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/limits/machine_memory.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

constexpr int64_t kGiB = limits::kGiB;

class MachineMemoryTest : public ::testing::Test {
 protected:
  void Write(const std::string& path, absl::string_view content) {
    WEIR_CHECK(CreateDirectories(fs_, ParentPath(path)).ok());
    fs_.WriteRaw(path, content);
  }
  void SetUp() override {
    Write("/proc/meminfo", "MemFree:  1 kB\nMemTotal:       8388608 kB\nMemAvailable: 2 kB\n");
  }

  SimFileSystem fs_;
};

TEST_F(MachineMemoryTest, IsTheMachinesWithoutControlGroups) {
  EXPECT_EQ(*AvailableMemory(fs_), 8 * kGiB);
  EXPECT_EQ(*DefaultMemoryLimit(fs_), 2 * kGiB);
}

TEST_F(MachineMemoryTest, IsTheSmallestLimitOfTheGroupAndThoseAboveIt) {
  Write("/proc/self/cgroup", "0::/system.slice/weir.service\n");
  Write("/sys/fs/cgroup/system.slice/memory.max", "2147483648\n");
  Write("/sys/fs/cgroup/system.slice/weir.service/memory.max", "4294967296\n");
  EXPECT_EQ(*AvailableMemory(fs_), 2 * kGiB);
  Write("/sys/fs/cgroup/system.slice/memory.max", "max\n");
  EXPECT_EQ(*AvailableMemory(fs_), 4 * kGiB);
}

TEST_F(MachineMemoryTest, ReadsTheRootGroupOfAContainer) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/memory.max", "1073741824\n");
  EXPECT_EQ(*AvailableMemory(fs_), kGiB);
}

TEST_F(MachineMemoryTest, ReadsControlGroupsOfVersionOne) {
  Write("/proc/self/cgroup", "5:cpu,cpuacct:/x\n3:memory:/docker/abc\n0::/ignored\n");
  Write("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "3221225472\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(*AvailableMemory(fs_), 3 * kGiB);
}

TEST_F(MachineMemoryTest, GroupLimitAboveTheMachineDoesNotCount) {
  Write("/proc/self/cgroup", "0::/a\n");
  Write("/sys/fs/cgroup/a/memory.max", "1099511627776\n");
  EXPECT_EQ(*AvailableMemory(fs_), 8 * kGiB);
}

TEST_F(MachineMemoryTest, DefaultIsNeverUselesslySmall) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/memory.max", "1000000\n");
  EXPECT_EQ(*DefaultMemoryLimit(fs_), limits::kMemoryLimitSmallest);
}

TEST_F(MachineMemoryTest, UnreadableMachineIsAnError) {
  Write("/proc/meminfo", "nothing\n");
  EXPECT_FALSE(AvailableMemory(fs_).ok());
}

TEST(MachineMemoryOnThisMachineTest, IsFound) {
  const auto memory = AvailableMemory(FileSystem::Posix());
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_GT(*memory, 64 * limits::kMiB);
}

}  // namespace
}  // namespace weir
