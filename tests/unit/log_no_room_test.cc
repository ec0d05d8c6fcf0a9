#include "tests/unit/log_recovery_fixture.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

// Starts that find no room for the redo.
class NoRoomTest : public RecoveryTest {
 protected:
  const TopicPartition kOther{LogWorld::Topic(1), PartitionIndex{1}};
  std::string Path(const TopicPartition& id, int64_t base) {
    return JoinPath(PartitionDirectory(kData, id), SegmentName(Offset{base}));
  }
  // No segment of the partition can be written.
  void StartWithoutRoomFor(const TopicPartition& id) {
    disk_->FailNext(OperationKind::kWrite, PartitionDirectory(kData, id), Fault::kNoSpace,
                    Repeat::kForever);
    ASSERT_TRUE(Start().ok());
    EXPECT_EQ(ReasonOf(after_->report().read_only), Reason::kDiskLow);
  }
  Offset EndOf(const TopicPartition& id) { return (*after_->GetLog(id))->high_watermark(); }
};

TEST_F(NoRoomTest, PartitionEndsWhereItsFileDoesAndTheOthersAreWhole) {
  for (int i = 0; i < 10; ++i) world_->Send(kOther, 1);
  world_->Pump();  // one round
  disk_ = world_->disk().Clone();
  const std::string segment = disk_->ReadRaw(Path(kId, 0));
  size_t three_batches = 0;
  for (int i = 0; i < 3; ++i) {
    three_batches +=
        static_cast<size_t>(DecodeBatchHeader(segment.data() + three_batches).size_bytes());
  }
  disk_->WriteRaw(Path(kId, 0), segment.substr(0, three_batches + 20));
  disk_->WriteRaw(Path(kOther, 0), "");
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  EXPECT_EQ(EndOf(kId), Offset{3});
  EXPECT_EQ(EndOf(kOther), Offset{10});
  EXPECT_EQ(after_->CheckContent(kId), "");
  EXPECT_EQ(after_->CheckContent(kOther), "");
  EXPECT_EQ(after_->report().rounds_redone, 4);
  EXPECT_EQ(after_->report().rounds_not_redone, 7);
  EXPECT_THAT(std::string(after_->report().read_only.message()),
              HasSubstr("7 rounds of the commit journal are not in the log yet"));
  EXPECT_EQ(after_->disk().ReadRaw(Path(kId, 0)), segment.substr(0, three_batches + 20));
}

TEST_F(NoRoomTest, WhatTheFileHoldsAlreadyCanBeRead) {
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  EXPECT_EQ(EndOf(kId), Offset{10});
  EXPECT_EQ(after_->CheckContent(kId), "");
  EXPECT_EQ(after_->report().rounds_not_redone, 0);
}

TEST_F(NoRoomTest, SegmentsBehindTheGapAreKept) {
  world_->config().segment_bytes = 1000;
  for (int i = 0; i < 60; ++i) world_->Send(kOther, 1);
  world_->Pump();
  disk_ = world_->disk().Clone();
  const auto files = disk_->AllFiles();
  disk_->WriteRaw(Path(kOther, 0), "");
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kOther));
  EXPECT_EQ(EndOf(kOther), Offset{0});
  EXPECT_EQ(after_->disk().AllFiles(), files);
}

TEST_F(NoRoomTest, DamagedFilesAreKeptAsideOnlyOnceThereIsRoom) {
  const TopicPartition kSegmented{LogWorld::Topic(1), PartitionIndex{2}};
  world_->config().segment_bytes = 1000;
  for (int i = 0; i < 60; ++i) {
    world_->Send(kOther, 1);
    world_->Send(kSegmented, 1);
  }
  world_->Pump();
  world_->Checkpoint();
  world_->Send(kId, 1);
  world_->Pump();
  disk_ = world_->disk().Clone();
  const auto of = [](const TopicPartition& id, const std::vector<std::string>& files) {
    std::vector<std::string> found;
    for (const std::string& file : files) {
      if (absl::StrContains(file, PartitionDirectory(kData, id)) && absl::EndsWith(file, ".log"))
        found.push_back(file);
    }
    return found;
  };
  const std::vector<std::string> cut = of(kOther, disk_->AllFiles());
  const std::vector<std::string> segments = of(kSegmented, disk_->AllFiles());
  ASSERT_GT(segments.size(), 3u);
  disk_->WriteRaw(cut.back(), "");               // recovery sees this
  ASSERT_TRUE(disk_->Remove(segments[2]).ok());  // and a reader this
  const std::vector<std::string> files = disk_->AllFiles();
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  ASSERT_EQ(after_->report().damaged.size(), 1u);
  EXPECT_EQ(after_->report().damaged[0].partition, kOther);
  EXPECT_NE(after_->CheckContent(kSegmented), "");
  EXPECT_EQ(after_->log().damaged_partitions(), 2);
  EXPECT_EQ(after_->disk().AllFiles(), files);

  disk_ = after_->disk().Clone();
  ASSERT_TRUE(Start().ok());
  ASSERT_TRUE(after_->report().read_only.ok()) << after_->report().read_only;
  EXPECT_THAT(after_->disk().AllFiles(), Contains(cut.back() + ".damaged"));
  EXPECT_NE(after_->CheckContent(kSegmented), "");
  EXPECT_THAT(after_->disk().AllFiles(), Contains(segments[1] + ".damaged"));
}

TEST_F(NoRoomTest, DeletedRecordsStayDeletedAlsoWhereTheLogEndsBeforeThem) {
  world_->DeleteRecords(kId, Offset{5});
  world_->Pump();
  disk_ = world_->disk().Clone();
  const std::string segment = disk_->ReadRaw(Path(kId, 0));
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  EXPECT_EQ((*after_->GetLog(kId))->log_start(), Offset{5});
  EXPECT_EQ(EndOf(kId), Offset{10});

  disk_ = world_->disk().Clone();
  disk_->WriteRaw(Path(kId, 0), segment.substr(0, segment.size() / 2));
  ASSERT_NO_FATAL_FAILURE(StartWithoutRoomFor(kId));
  EXPECT_LT(EndOf(kId), Offset{6});
  EXPECT_EQ((*after_->GetLog(kId))->log_start(), std::min(Offset{5}, EndOf(kId)));
}

TEST_F(NoRoomTest, NewDirectoryIsRefused) {
  LogWorld fresh(std::make_unique<SimFileSystem>(), Ledger{});
  fresh.disk().FailNext(OperationKind::kWrite, ".journal", Fault::kNoSpace, Repeat::kForever);
  EXPECT_TRUE(absl::IsResourceExhausted(fresh.Open()));
}

// The index says something that verifies, but not of this segment's batches, and its file cannot be
// removed.

}  // namespace
}  // namespace weir
