#include "broker/disk_reserve.h"

#include <gtest/gtest.h>

#include "storage/base/limits.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

constexpr char kPath[] = "/reserve";

class DiskReserveTest : public ::testing::Test {
 protected:
  int64_t Free() { return disk_.Space("/")->free_bytes; }

  SimFileSystem disk_;
  DiskReserve reserve_{&disk_, kPath};
};

TEST_F(DiskReserveTest, TakesSpaceAndGivesItBackForGood) {
  disk_.SetCapacity(10 * limits::kMiB);
  ASSERT_TRUE(reserve_.Grow(3 * limits::kMiB).ok());
  EXPECT_EQ(Free(), 7 * limits::kMiB);
  DiskReserve next_start(&disk_, kPath);
  ASSERT_TRUE(next_start.Release().ok());
  EXPECT_EQ(next_start.released(), 3 * limits::kMiB);
  EXPECT_EQ(Free(), 10 * limits::kMiB);
  EXPECT_TRUE(disk_.CrashImage(1, CrashMode::kDropUnsynced)->AllFiles().empty());
}

TEST_F(DiskReserveTest, GrowsAgainAsFarAsThereIsRoom) {
  disk_.SetCapacity(4 * limits::kMiB);
  ASSERT_TRUE(reserve_.Grow(3 * limits::kMiB).ok());
  ASSERT_TRUE(reserve_.Release().ok());
  EXPECT_EQ(reserve_.size(), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(reserve_.Grow(6 * limits::kMiB)));
  EXPECT_EQ(reserve_.size(), 4 * limits::kMiB);
  disk_.SetCapacity(8 * limits::kMiB);
  EXPECT_TRUE(reserve_.Grow(6 * limits::kMiB).ok());
  EXPECT_EQ(reserve_.size(), 6 * limits::kMiB);
}

TEST_F(DiskReserveTest, NothingToReleaseIsFine) {
  EXPECT_TRUE(reserve_.Release().ok());
  EXPECT_EQ(reserve_.released(), 0);
}

}  // namespace
}  // namespace weir
