// The golden data directory as a whole: the log starts on it and gives every record, on the
// simulated disk and, the way the broker opens a directory, on the real one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/data_directory.h"
#include "broker/disk_reserve.h"
#include "broker/partition/producer_identities.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/limits.h"
#include "storage/log/file_names.h"
#include "tests/golden/golden_files.h"
#include "tests/golden/level_1_log.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_file_system.h"
#include "tests/unit/meta_temp_dir.h"

namespace weir {
namespace {

using level_1::kOrders0;
using level_1::kOrders1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kData[] = "/data";
const Level1Log::Topics kTopics{.live = {level_1::kOrders}, .deleted = {level_1::kOld}};

// All that was ever appended to the partition, from offset `start` on.
std::vector<OwnedRecord> Appended(const TopicPartition& id, Offset start) {
  std::vector<OwnedRecord> records;
  for (const level_1::Batch& batch : level_1::Batches()) {
    for (const OwnedRecord& record : batch.records) {
      if (batch.partition == id && record.offset >= start) records.push_back(record);
    }
  }
  return records;
}

void ExpectEverything(Level1Log* log) {
  EXPECT_EQ(log->Log(kOrders0)->log_start(), Offset{1});
  EXPECT_EQ(log->Log(kOrders0)->high_watermark(), Offset{7});
  EXPECT_EQ(log->Log(kOrders1)->log_start(), Offset{0});
  EXPECT_EQ(log->Log(kOrders1)->high_watermark(), Offset{5});
  for (const TopicPartition& id : {kOrders0, kOrders1}) {
    const auto records = log->Records(id);
    ASSERT_TRUE(records.ok()) << records.status();
    EXPECT_EQ(*records, Appended(id, log->Log(id)->log_start()));
    EXPECT_EQ(log->Log(id)->Describe().leader_epoch, LeaderEpoch{2});
    EXPECT_EQ(log->Log(id)->Describe().damage, "");
  }
}

class GoldenStartTest : public ::testing::Test {
 protected:
  GoldenStartTest() { PlaceGoldenFiles("level_1", &disk_, kData); }

  // Leaves what it found in report_.
  void Start(LeaderEpoch epoch) {
    const auto report = log_.Start(epoch, kTopics);
    ASSERT_TRUE(report.ok()) << report.status();
    report_ = *report;
  }

  SimClock clock_;
  SimFileSystem disk_;
  Level1Log log_{&disk_, &clock_, kData};
  RecoveryReport report_;
};

TEST_F(GoldenStartTest, EveryRecordIsThere) {
  ASSERT_NO_FATAL_FAILURE(Start(LeaderEpoch{3}));
  EXPECT_FALSE(report_.clean);
  EXPECT_EQ(report_.rounds_redone, 4) << "rounds 11 to 14";
  EXPECT_EQ(report_.batches_redone, 3);
  EXPECT_EQ(report_.partitions, 2);
  EXPECT_THAT(report_.damaged, IsEmpty());
  EXPECT_THAT(report_.unknown_directories, IsEmpty());
  EXPECT_THAT(report_.notes, IsEmpty());
  ExpectEverything(&log_);
}

TEST_F(GoldenStartTest, SegmentsHoldWhatOnlyTheJournalHeld) {
  ASSERT_NO_FATAL_FAILURE(Start(LeaderEpoch{3}));
  for (const auto& [id, base] :
       {std::pair{kOrders0, Offset{0}}, {kOrders0, Offset{3}}, {kOrders1, Offset{0}}}) {
    std::string expected;
    for (const level_1::Batch& batch : level_1::BatchesOf(id, base)) expected += batch.Bytes();
    EXPECT_EQ(disk_.ReadRaw(JoinPath(PartitionDirectory(kData, id), SegmentName(base))), expected);
  }
}

TEST_F(GoldenStartTest, RepeatsAreRecognisedAndTheLogGoesOn) {
  ASSERT_NO_FATAL_FAILURE(Start(LeaderEpoch{3}));
  const level_1::Batch last = level_1::BatchesOf(kOrders1, Offset{0}).back();
  const auto repeated = log_.Append({last});
  ASSERT_TRUE(repeated.ok()) << repeated.status();
  EXPECT_TRUE(repeated->front().duplicate);
  EXPECT_EQ(repeated->front().base_offset, last.base_offset);

  level_1::Batch next = last;
  next.base_sequence = last.base_sequence + 1;
  const auto appended = log_.Append({next});
  ASSERT_TRUE(appended.ok()) << appended.status();
  EXPECT_FALSE(appended->front().duplicate);
  EXPECT_EQ(appended->front().base_offset, Offset{5});
  EXPECT_EQ(log_.Log(kOrders1)->Describe().leader_epoch, LeaderEpoch{3});
}

TEST_F(GoldenStartTest, OrderlyStopAndAnotherStartChangeNothing) {
  ASSERT_NO_FATAL_FAILURE(Start(LeaderEpoch{3}));
  ExpectEverything(&log_);
  ASSERT_TRUE(log_.Stop().ok());
  ASSERT_NO_FATAL_FAILURE(Start(LeaderEpoch{4}));
  EXPECT_TRUE(report_.clean);
  EXPECT_EQ(report_.rounds_redone, 0);
  ExpectEverything(&log_);
}

TEST_F(GoldenStartTest, UnfinishedFilesGo) {
  disk_.WriteRaw(RecoveryPointPath(kData) + ".tmp", "half a frame");
  ASSERT_NO_FATAL_FAILURE(Start(LeaderEpoch{3}));
  EXPECT_THAT(report_.notes, ElementsAre("removed the unfinished file recovery-point.tmp"));
  EXPECT_TRUE(absl::IsNotFound(disk_.Stat(RecoveryPointPath(kData) + ".tmp").status()));
  ExpectEverything(&log_);
}

// A copy on the real disk, opened in the order in which the broker does.
TEST(GoldenDataDirectoryTest, OpensAsABrokerOpensIt) {
  const TempDir copy;
  std::filesystem::copy(GoldenPath("level_1"), copy.path(),
                        std::filesystem::copy_options::recursive);
  ASSERT_TRUE(DiskReserve(&FileSystem::Posix(), ReservePath(copy.path())).Grow(1).ok());
  auto directory = OpenDataDirectory(FileSystem::Posix(), copy.path(), [](const absl::Status&) {});
  ASSERT_TRUE(directory.ok()) << directory.status();
  EXPECT_EQ(directory->reserve->released(), limits::kMiB);
  EXPECT_FALSE(std::filesystem::exists(ReservePath(copy.path())));
  EXPECT_EQ(ReadFile(FileSystem::Posix(), copy / "weir.lock").value(),
            absl::StrCat("pid ", getpid()));
  EXPECT_EQ(directory->meta.broker_id, level_1::kBrokerId);
  EXPECT_EQ(directory->meta.leader_epoch, LeaderEpoch{3});

  SimClock clock;
  const auto catalog = TopicCatalog::Load({.store = directory->store.get(),
                                           .clock = &clock,
                                           .broker_id = directory->meta.broker_id,
                                           .leader_epoch = directory->meta.leader_epoch});
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_THAT((*catalog)->LiveIds(), ElementsAre(level_1::kOrders));
  EXPECT_THAT((*catalog)->DeletedIds(), ElementsAre(level_1::kOld));

  Level1Log log(&FileSystem::Posix(), &clock, copy.path());
  const auto report =
      log.Start(directory->meta.leader_epoch,
                {.live = (*catalog)->LiveIds(), .deleted = (*catalog)->DeletedIds()});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->batches_redone, 3);
  ExpectEverything(&log);
  EXPECT_TRUE(log.Stop().ok());
}

}  // namespace
}  // namespace weir
