// What `weir log` finds in a data directory: after a crash, while a broker runs, and when something
// is damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "tests/support/log_world.h"
#include "tools/log_inspect/journal_dump.h"
#include "tools/log_inspect/redo_view.h"
#include "tools/log_inspect/verify.h"

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kData[] = "/data";

class LogInspectTest : public ::testing::Test {
 protected:
  LogInspectTest()
      : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{})) {
    world_->CreateTopic(LogWorld::Topic(1));
    EXPECT_TRUE(world_->Open().ok());
  }
  static TopicPartition Partition(int32_t n) { return {LogWorld::Topic(1), PartitionIndex{n}}; }

  void Send(int32_t partition, int batches) {
    for (int i = 0; i < batches; ++i) world_->Send(Partition(partition), 3);
    world_->Pump();
  }
  static VerifyReport Look(SimFileSystem& disk) {
    const auto report = Verify(disk, {.data_directory = kData});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.value_or(VerifyReport{});
  }
  // The first file whose path holds `part`.
  static std::string FileWith(const SimFileSystem& disk, const std::string& part) {
    for (const std::string& path : disk.AllFiles()) {
      if (absl::StrContains(path, part)) return path;
    }
    ADD_FAILURE() << "no file with " << part;
    return "";
  }

  std::unique_ptr<LogWorld> world_;
};

TEST_F(LogInspectTest, AHealthyDirectoryVerifiesWhileTheBrokerRuns) {
  Send(0, 40);
  world_->Checkpoint();
  Send(1, 40);
  const VerifyReport report = Look(world_->disk());
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.partitions, 2);
  EXPECT_EQ(report.records, 120)
      << "partition 1 is in the journal alone, as far as the recovery point knows";
  EXPECT_EQ(report.journal_batches, 40);
  EXPECT_EQ(report.journal_records, 120) << "and they come on top";
  EXPECT_EQ(report.redo_batches, 0) << "its segments have them too";
}

TEST_F(LogInspectTest, NothingIsWrongWithADirectoryInWhichNothingWasWritten) {
  EXPECT_THAT(Look(world_->disk()).problems, IsEmpty());
}

TEST_F(LogInspectTest, AfterPowerLossTheJournalHoldsWhatTheSegmentsLost) {
  Send(0, 40);
  const auto disk = world_->disk().CrashImage(1, CrashMode::kDropUnsynced);
  const VerifyReport report = Look(*disk);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.journal_batches, 40);
  EXPECT_EQ(report.redo_batches, 40);
  const auto view = RedoView::Load(*disk, kData);
  ASSERT_TRUE(view.ok()) << view.status();
  EXPECT_EQ(view->partitions().at(Partition(0)).state.log_end, Offset(120));
}

TEST_F(LogInspectTest, EveryCrashImageOfARunVerifies) {
  Send(0, 20);
  world_->Checkpoint();
  world_->DeleteRecords(Partition(0), Offset(10));
  world_->Pump();
  Send(0, 20);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_THAT(Look(*world_->disk().CrashImage(seed, CrashMode::kRandom)).problems, IsEmpty())
        << seed;
  }
}

TEST_F(LogInspectTest, LookingChangesNothing) {
  Send(0, 40);
  const auto disk = world_->disk().CrashImage(1, CrashMode::kDropUnsynced);
  const int64_t before = disk->operations();
  const std::vector<std::string> files = disk->AllFiles();
  Look(*disk);
  EXPECT_EQ(disk->AllFiles(), files);
  // One try to make a directory for the names' copy, outside of the data directory.
  EXPECT_LE(disk->operations() - before, 2) << disk->RecentOperations();
}

TEST_F(LogInspectTest, AFlippedBitBelowTheRecoveryPointIsToldWithItsPlace) {
  Send(0, 40);
  world_->Checkpoint();
  const auto disk = world_->disk().Clone();
  const std::string segment = FileWith(*disk, "/0/00000000000000000000.log");
  disk->FlipBit(segment, (61 + 20) * 8);
  const VerifyReport report = Look(*disk);
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_EQ(report.problems[0].where, segment + " at byte 0");
  EXPECT_THAT(report.problems[0].what, HasSubstr("CRC"));
}

TEST_F(LogInspectTest, AFlippedBitThatTheJournalMakesGoodIsNoProblem) {
  Send(0, 5);
  const auto disk = world_->disk().Clone();
  disk->FlipBit(FileWith(*disk, "/0/00000000000000000000.log"), (61 + 20) * 8);
  const VerifyReport report = Look(*disk);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.redo_batches, 1);
}

TEST_F(LogInspectTest, AMissingSegmentInTheMiddleIsToldWithItsOffsets) {
  Send(0, 60);
  world_->Checkpoint();
  const auto disk = world_->disk().Clone();
  std::vector<std::string> segments;
  for (const std::string& path : disk->AllFiles()) {
    if (absl::EndsWith(path, ".log")) segments.push_back(path);
  }
  ASSERT_GE(segments.size(), 3u);
  ASSERT_TRUE(disk->Remove(segments[1]).ok());
  const VerifyReport report = Look(*disk);
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_THAT(report.problems[0].what, HasSubstr("expected"));
}

TEST_F(LogInspectTest, AFirstSegmentThatIsMissingIsTold) {
  Send(0, 60);
  world_->Checkpoint();
  const auto disk = world_->disk().Clone();
  ASSERT_TRUE(disk->Remove(FileWith(*disk, "/0/00000000000000000000.log")).ok());
  const VerifyReport report = Look(*disk);
  ASSERT_THAT(report.problems, Not(IsEmpty()));
  EXPECT_THAT(report.problems[0].what, HasSubstr("offsets 0 to"));
}

TEST_F(LogInspectTest, ASegmentThatWasCutIsTold) {
  Send(0, 5);
  world_->Checkpoint();
  const auto disk = world_->disk().Clone();
  const std::string segment = FileWith(*disk, "/0/00000000000000000000.log");
  const std::string content = disk->ReadRaw(segment);
  disk->WriteRaw(segment, absl::string_view(content).substr(0, content.size() - 10));
  const VerifyReport report = Look(*disk);
  ASSERT_THAT(report.problems, Not(IsEmpty()));
  EXPECT_THAT(report.problems[0].what, HasSubstr("were flushed"));
}

TEST_F(LogInspectTest, ABrokenRecoveryPointIsTold) {
  Send(0, 5);
  world_->Checkpoint();
  const auto disk = world_->disk().Clone();
  disk->FlipBit(std::string(kData) + "/recovery-point", 200);
  const VerifyReport report = Look(*disk);
  ASSERT_THAT(report.problems, SizeIs(1));
  EXPECT_THAT(report.problems[0].what, HasSubstr("recovery-point does not verify"));
}

TEST_F(LogInspectTest, AWrongIndexIsOnlyNoted) {
  LogWorld world(std::make_unique<SimFileSystem>(), Ledger{},
                 {.journal_file_bytes = 4'000'000, .segment_bytes = 2'000'000});
  world.CreateTopic(LogWorld::Topic(1));
  ASSERT_TRUE(world.Open().ok());
  for (int i = 0; i < 4000; ++i) world.Send(Partition(0), 3);
  for (int i = 0; i < 4000; ++i) world.Send(Partition(1), 5);
  world.Pump();
  world.Checkpoint();
  EXPECT_THAT(Look(world.disk()).notes, SizeIs(1)) << "topics go by their ids";
  // Another partition's index verifies by itself, and says something else.
  const std::string index = FileWith(world.disk(), "/0/00000000000000000000.index");
  world.disk().WriteRaw(
      index, world.disk().ReadRaw(FileWith(world.disk(), "/1/00000000000000000000.index")));
  const VerifyReport report = Look(world.disk());
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(report.notes, Contains(Field(&Finding::where, index)));
}

TEST_F(LogInspectTest, ADirectoryThatIsNoBrokersIsAnError) {
  SimFileSystem disk;
  ASSERT_TRUE(disk.CreateDirectory("/empty").ok());
  EXPECT_EQ(Verify(disk, {.data_directory = "/empty"}).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(Verify(disk, {.data_directory = "/nowhere"}).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(LogInspectTest, AJournalFileShowsItsRoundsInOrder) {
  Send(0, 3);
  Send(1, 2);
  const std::string path = FileWith(world_->disk(), ".journal");
  std::vector<uint64_t> rounds;
  int64_t entries = 0;
  const auto summary =
      DumpJournal(world_->disk(), path, [&](FilePosition, const JournalRound& round) {
        rounds.push_back(round.number.value());
        entries += static_cast<int64_t>(round.entries.size());
        return true;
      });
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->rounds, static_cast<int64_t>(rounds.size()));
  EXPECT_TRUE(std::is_sorted(rounds.begin(), rounds.end()));
  EXPECT_EQ(entries, 5);
  EXPECT_LT(summary->used_bytes, summary->file_bytes);
}

}  // namespace
}  // namespace weir
