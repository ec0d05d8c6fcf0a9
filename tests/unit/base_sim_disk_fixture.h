// What the tests of the simulated disk share: a disk and short names for its calls.
#ifndef WEIR_TESTS_UNIT_BASE_SIM_DISK_FIXTURE_H_
#define WEIR_TESTS_UNIT_BASE_SIM_DISK_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/sim_file_system.h"

namespace weir {

inline constexpr FilePosition kStart{0};

class SimDiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<File> Open(const std::string& path, OpenMode mode = OpenMode::kCreate) {
    auto file = fs_.Open(path, mode);
    EXPECT_TRUE(file.ok()) << file.status();
    return *std::move(file);
  }
  void Do(const absl::Status& status) { ASSERT_TRUE(status.ok()) << status; }
  // A file that is on the disk with its name.
  std::unique_ptr<File> Durable(const std::string& path, absl::string_view content) {
    auto file = Open(path);
    EXPECT_TRUE(file->Write(kStart, content).ok());
    EXPECT_TRUE(file->Sync().ok());
    EXPECT_TRUE(fs_.SyncDirectory(ParentPath(path)).ok());
    return file;
  }
  std::string OnDisk(const std::string& path) { return OnDisk(fs_, path); }
  static std::string OnDisk(const SimFileSystem& fs, const std::string& path) {
    const auto image = fs.CrashImage(1, CrashMode::kDropUnsynced);
    const auto content = ReadFile(*image, path);
    return content.ok() ? *content : "none";
  }

  SimFileSystem fs_;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_BASE_SIM_DISK_FIXTURE_H_
