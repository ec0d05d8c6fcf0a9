// Starts that find no room on the disk: at any of their operations, once or from then on, or
// because hardly a byte is free. Each succeeds, is read-only, or says that a flush failed. What a
// read-only one shows is right, it changes nothing that the next start needs, and a start with room
// gives back everything that was acknowledged or shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <map>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/log/file_names.h"
#include "storage/log/journal_reader.h"
#include "tests/fault/log_workload.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

constexpr char kData[] = "/data";
constexpr int kSteps = 120;
constexpr int64_t kBetweenLooks = 13;  // operations of the workload

struct Counts {
  int64_t whole = 0;
  int64_t read_only = 0;
  int64_t not_redone = 0;  // read-only ones that do not show everything
  int64_t failed = 0;      // a flush failed
};

// The bytes of the files from which the next start recovers.
std::map<std::string, std::string> Precious(const SimFileSystem& disk) {
  const auto copy = disk.Clone();
  const auto point = RecoveryPoint::Load(*copy, RecoveryPointPath(kData));
  EXPECT_TRUE(point.ok()) << point.status();
  const auto ring = JournalReader::List(*copy, kData);
  EXPECT_TRUE(ring.ok()) << ring.status();
  std::map<std::string, std::string> bytes;
  if (!point.ok() || !ring.ok()) return bytes;
  bytes[RecoveryPointPath(kData)] = copy->ReadRaw(RecoveryPointPath(kData));
  for (const JournalReader::RingFile& file : *ring) {
    if (file.header.sequence >= point->position().oldest_live)
      bytes[file.path] = copy->ReadRaw(file.path);
  }
  return bytes;
}

void ExpectRefused(const absl::Status& status, const std::string& name) {
  ASSERT_EQ(ReasonOf(status), Reason::kDiskLow) << name << ": " << status;
}

// Everything that changes something is refused, and what is shown is right.
void CheckReadOnly(LogWorld* world, bool power_lost, const std::string& name) {
  const absl::Status& reason = world->report().read_only;
  ExpectRefused(reason, name);
  ASSERT_THAT(std::string(reason.message()), HasSubstr("restart the broker")) << name;
  for (const auto& [id, partition] : std::map(world->ledger().partitions)) {
    ASSERT_EQ(world->CheckContent(id), "") << name;
    world->Look(id);
    world->Send(id, 2);
    ExpectRefused(world->last_answer().status(), name);
    const auto log = world->GetLog(id);
    world->log().DeleteRecords(*log, (*log)->high_watermark(), [&](absl::StatusOr<Offset> start) {
      ExpectRefused(start.status(), name);
    });
  }
  ExpectRefused(world->log().DeleteTopic(LogWorld::Topic(1), [] {}), name);
  ASSERT_EQ(world->CheckAtomic(), "") << name;
  if (world->report().rounds_not_redone > 0) return;
  ASSERT_EQ(world->CheckPromises(power_lost), "") << name;
}

// `disk` fails, or is full.
void CheckStart(std::unique_ptr<SimFileSystem> disk, const LogWorld& before, bool power_lost,
                const std::string& name, Counts* counts) {
  const auto precious = Precious(*disk);
  auto full = LogWorld::Restart(std::move(disk), before);
  const absl::Status opened = full->Open();
  if (!opened.ok()) {
    ++counts->failed;
    ASSERT_THAT(std::string(opened.message()), HasSubstr("a flush failed")) << name;
  } else if (full->report().read_only.ok()) {
    ++counts->whole;
    ASSERT_EQ(full->CheckPromises(power_lost), "") << name;
  } else {
    ++counts->read_only;
    counts->not_redone += full->report().rounds_not_redone > 0;
    ASSERT_NO_FATAL_FAILURE(CheckReadOnly(full.get(), power_lost, name));
    ASSERT_TRUE(full->Close().ok()) << name;
    for (const auto& [path, bytes] : precious)
      ASSERT_TRUE(full->disk().ReadRaw(path) == bytes) << name << ": " << path << " has changed";
  }
  for (const bool cut_off : {false, true}) {
    auto with_room =
        cut_off ? full->disk().CrashImage(1, CrashMode::kDropUnsynced) : full->disk().Clone();
    with_room->SetCapacity(int64_t{1} << 40);
    auto after = LogWorld::Restart(std::move(with_room), *full);
    const absl::Status again = after->Open();
    ASSERT_TRUE(again.ok()) << name << ": " << again;
    ASSERT_TRUE(after->report().read_only.ok()) << name << ": " << after->report().read_only;
    ASSERT_EQ(after->CheckPromises(power_lost || cut_off), "")
        << name << (cut_off ? ", then the power goes" : "") << "\n"
        << after->disk().RecentOperations();
  }
}

int64_t OperationsOfAStart(const SimFileSystem& image, const LogWorld& before) {
  auto world = LogWorld::Restart(image.Clone(), before);
  EXPECT_TRUE(world->Open().ok());
  return world->disk().operations();
}

void CheckImage(const SimFileSystem& image, const LogWorld& before, bool power_lost,
                const std::string& name, Counts* counts) {
  const int64_t operations = OperationsOfAStart(image, before);
  for (int64_t k = 1; k <= operations; ++k) {
    for (const Repeat repeat : {Repeat::kOnce, Repeat::kForever}) {
      auto failing = image.Clone();
      failing->FailOperation(k, Fault::kNoSpace, repeat);
      CheckStart(std::move(failing), before, power_lost,
                 absl::StrCat(name, ", no space at operation ", k,
                              repeat == Repeat::kOnce ? "" : " and from then on"),
                 counts);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  const DiskSpace space = *image.Clone()->Space("/");
  for (const int64_t free : {0, 4096, 3 * 4096, 20 * 4096}) {
    auto full = image.Clone();
    full->SetCapacity(space.total_bytes - space.free_bytes + free);
    CheckStart(std::move(full), before, power_lost, absl::StrCat(name, ", ", free, " bytes free"),
               counts);
    if (testing::Test::HasFatalFailure()) return;
  }
}

class LogNoSpaceTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(LogNoSpaceTest, StartWithoutRoomIsReadOnlyAndLosesNothing) {
  const uint64_t seed = GetParam();
  LogWorldOptions options;
  options.journal_file_bytes = 16 * 1024;
  LogWorld world(std::make_unique<SimFileSystem>(seed), Ledger{}, options);
  LogWorkload::Begin(&world);
  ASSERT_TRUE(world.Open().ok());
  Counts counts;
  int64_t operation = 0;
  world.disk().SetObserver([&](const Operation& next) {
    if (HasFatalFailure() || IsRead(next.kind) || ++operation % kBetweenLooks != 0) return;
    const std::string where = absl::StrCat("seed ", seed, ", before operation ", operation);
    CheckImage(*world.disk().Clone(), world, /*power_lost=*/false, where + ", killed", &counts);
    if (HasFatalFailure()) return;
    CheckImage(*world.disk().CrashImage(seed, CrashMode::kDropUnsynced), world,
               /*power_lost=*/true, where + ", unsynced dropped", &counts);
    if (HasFatalFailure()) return;
    CheckImage(*world.disk().CrashImage(seed, CrashMode::kRandom), world, /*power_lost=*/true,
               where + ", power lost", &counts);
  });
  LogWorkload workload(seed);
  for (int step = 0; step < kSteps && !HasFatalFailure(); ++step) workload.Step(&world);
  world.disk().SetObserver(nullptr);
  std::cout << "starts without room: seed " << seed << ", " << counts.read_only
            << " read-only, of them " << counts.not_redone << " without some rounds; "
            << counts.whole << " whole, " << counts.failed << " with a failed flush\n";
  EXPECT_GT(counts.not_redone, 100);
  EXPECT_GT(counts.read_only, counts.not_redone + 100);
  EXPECT_GT(counts.whole, 100);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogNoSpaceTest, ::testing::Range<uint64_t>(1, 5));

}  // namespace
}  // namespace weir
