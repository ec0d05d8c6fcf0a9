// Failing operations: the k-th file operation of a workload fails, for every k, in every way, once
// and from then on. Then the power goes. What was acknowledged must be there, nothing may be
// acknowledged after a failed flush, and no flush is tried again.
#include <gtest/gtest.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "tests/fault/log_workload.h"

namespace weir {
namespace {

constexpr int kSteps = 60;

bool IsFlush(OperationKind kind) {
  return kind == OperationKind::kSync || kind == OperationKind::kSyncAll ||
         kind == OperationKind::kSyncDirectory;
}

// In the topics that stay.
int64_t Acknowledged(const LogWorld& world) {
  int64_t records = 0;
  for (const auto& [id, partition] : world.ledger().partitions) {
    if (LogWorkload::Stays(id.topic)) records += partition.written;
  }
  return records;
}

// How many operations the workload takes when nothing fails.
int64_t OperationsOf(uint64_t seed) {
  LogWorld world(std::make_unique<SimFileSystem>(seed), Ledger{});
  LogWorkload::Begin(&world);
  EXPECT_TRUE(world.Open().ok());
  LogWorkload workload(seed);
  for (int step = 0; step < kSteps; ++step) workload.Step(&world);
  world.Pump();
  return world.disk().operations();
}

void RunWithFault(uint64_t seed, int64_t operation, Fault fault, Repeat repeat) {
  const std::string name =
      absl::StrCat("seed ", seed, ", operation ", operation, " fails with ", NameOf(fault),
                   repeat == Repeat::kOnce ? " once" : " from then on");
  LogWorld world(std::make_unique<SimFileSystem>(seed), Ledger{});
  LogWorkload::Begin(&world);
  world.disk().FailOperation(operation, fault, repeat);
  int64_t flushes_after_failure = 0;
  bool flush_failed = false;
  world.disk().SetObserver([&](const Operation& next) {
    if (IsRead(next.kind)) return;
    if (flush_failed && IsFlush(next.kind)) ++flushes_after_failure;
    const bool fails =
        repeat == Repeat::kOnce ? next.number == operation : next.number >= operation;
    if (fails && IsFlush(next.kind)) flush_failed = true;
  });
  if (const absl::Status opened = world.Open(); opened.ok()) {
    LogWorkload workload(seed);
    int64_t acknowledged_at_fence = -1;
    for (int step = 0; step < kSteps; ++step) {
      workload.Step(&world);
      ASSERT_EQ(world.CheckAtomic(), "") << name << ", after step " << step;
      if (!world.fenced().ok() && acknowledged_at_fence < 0) {
        world.Pump();
        acknowledged_at_fence = Acknowledged(world);
      }
    }
    world.Pump();
    if (acknowledged_at_fence >= 0) {
      ASSERT_EQ(Acknowledged(world), acknowledged_at_fence)
          << name << ": acknowledged after the fence";
    }
    if (flush_failed) {
      ASSERT_FALSE(world.fenced().ok()) << name << ": a failed flush went unnoticed";
      ASSERT_EQ(flushes_after_failure, 0) << name << ": a flush was tried after one had failed";
    }
  } else {
    ASSERT_FALSE(ReasonOf(opened).has_value() && ReasonOf(opened) == Reason::kInternal)
        << name << ": " << opened;
  }
  auto after = LogWorld::Restart(world.disk().CrashImage(seed, CrashMode::kDropUnsynced), world);
  const absl::Status opened = after->Open();
  ASSERT_TRUE(opened.ok()) << name << ": " << opened;
  ASSERT_EQ(after->CheckPromises(/*power_lost=*/true), "") << name << "\n"
                                                           << world.disk().RecentOperations();
}

class LogFailureTest : public ::testing::TestWithParam<Fault> {};

TEST_P(LogFailureTest, EveryFailingOperationLeavesWhatWasAcknowledged) {
  int64_t runs = 0;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    const int64_t operations = OperationsOf(seed);
    for (int64_t k = 1; k <= operations && !HasFailure(); ++k) {
      for (const Repeat repeat : {Repeat::kOnce, Repeat::kForever}) {
        RunWithFault(seed, k, GetParam(), repeat);
        ++runs;
      }
    }
  }
  std::cout << "failing operations: " << runs << " runs with " << NameOf(GetParam()) << "\n";
}

INSTANTIATE_TEST_SUITE_P(Faults, LogFailureTest,
                         ::testing::Values(Fault::kIo, Fault::kNoSpace, Fault::kShortWrite));

}  // namespace
}  // namespace weir
