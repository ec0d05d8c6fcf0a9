#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/limits/disk_watermark.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "tests/support/sim_file_system.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kGiB = limits::kGiB;

TEST(DiskWatermarkTest, StaysRefusedUntilTheOkMark) {
  DiskWatermark watermark({.low_bytes = 100, .ok_bytes = 150});
  const auto ok = [&](int64_t free) {
    return watermark.Update({.free_bytes = free, .total_bytes = 1000}).ok();
  };
  EXPECT_TRUE(ok(120));
  EXPECT_TRUE(ok(100));
  EXPECT_FALSE(ok(99));
  EXPECT_FALSE(ok(120));
  EXPECT_FALSE(ok(149));
  EXPECT_TRUE(ok(150));
  EXPECT_TRUE(ok(120));
}

TEST(DiskWatermarkTest, SaysTheFiguresAndWhenToRetry) {
  DiskWatermark watermark({.low_bytes = 100, .ok_bytes = 150});
  const absl::Status status = watermark.Update({.free_bytes = 7, .total_bytes = 1000});
  EXPECT_EQ(ReasonOf(status), Reason::kDiskLow);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("7 of 1000 bytes free"),
                                                   HasSubstr("below 100"), HasSubstr("from 150")));
  EXPECT_GT(RetryAfterOf(status), absl::ZeroDuration());
  EXPECT_EQ(watermark.status(), status);
  EXPECT_EQ(watermark.space().free_bytes, 7);
}

TEST(DiskWatermarkTest, WhatIsSpokenForIsNotFree) {
  DiskWatermark watermark({.low_bytes = 100, .ok_bytes = 150});
  const DiskSpace space{.free_bytes = 170, .total_bytes = 1000};
  EXPECT_TRUE(watermark.Update(space, 70).ok());
  const absl::Status status = watermark.Update(space, 71);
  EXPECT_EQ(ReasonOf(status), Reason::kDiskLow);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("below 171"), HasSubstr("from 221")));
  EXPECT_TRUE(watermark.Update(space).ok());
}

TEST(DiskWatermarkTest, DefaultIsATenthOfASmallDisk) {
  DiskWatermark watermark({});
  EXPECT_TRUE(watermark.Update({.free_bytes = 2 * kGiB, .total_bytes = 20 * kGiB}).ok());
  EXPECT_FALSE(watermark.Update({.free_bytes = 2 * kGiB - 1, .total_bytes = 20 * kGiB}).ok());
  EXPECT_FALSE(watermark.Update({.free_bytes = 2 * kGiB + 100, .total_bytes = 20 * kGiB}).ok());
  EXPECT_TRUE(watermark.Update({.free_bytes = 2 * kGiB + kGiB / 5, .total_bytes = 20 * kGiB}).ok());
}

TEST(DiskWatermarkTest, DefaultIsFiveGibibytesOfALargeDisk) {
  DiskWatermark watermark({});
  EXPECT_TRUE(watermark.Update({.free_bytes = 5 * kGiB, .total_bytes = 4'000 * kGiB}).ok());
  EXPECT_FALSE(watermark.Update({.free_bytes = 5 * kGiB - 1, .total_bytes = 4'000 * kGiB}).ok());
}

TEST(DiskWatermarkTest, ChecksTheDiskAndKeepsItsAnswerWhenThatCannotBeMeasured) {
  SimFileSystem fs;
  fs.SetCapacity(1'000'000);
  DiskWatermark watermark({.low_bytes = 500'000, .ok_bytes = 500'000});
  EXPECT_TRUE(watermark.Check(fs, "/").ok());
  fs.SetCapacity(100'000);
  EXPECT_EQ(ReasonOf(watermark.Check(fs, "/")), Reason::kDiskLow);
  fs.SetCapacity(1'000'000);
  fs.FailNext(OperationKind::kSpace, "", Fault::kIo, Repeat::kOnce);
  EXPECT_EQ(ReasonOf(watermark.Check(fs, "/")), Reason::kDiskLow);
  EXPECT_TRUE(watermark.Check(fs, "/").ok());
}

}  // namespace
}  // namespace weir
