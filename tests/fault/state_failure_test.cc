// Every file operation of the state store fails in turn: a flush or snapshot that was answered is
// there after the next start, the store closes itself for changes after a failure, and what is
// found is the state after some write.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/fault/state_workload.h"

namespace weir {
namespace {

struct Failure {
  Fault fault;
  Repeat repeat;
  bool read;
  int64_t stride;  // only every so many operations one
};

// After the disk works again and the process was restarted, with or without a power cut.
void VerifyRestart(std::unique_ptr<SimFileSystem> disk, const StateWorkload::Ledger& ledger) {
  const auto node = StateNode::Open(disk.get(), StateWorkload::kPath);
  ASSERT_TRUE(node.ok()) << node.status() << "\n" << disk->RecentOperations();
  const auto content = ContentOf((*node)->store());
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_GE(StateWorkload::WritesIn(*content, ledger.begun), ledger.flushed)
      << "of " << ledger.begun << " writes; -1: the state after no write at all";
  if (!ledger.snapshots.empty()) {
    const auto& [path, writes] = *ledger.snapshots.rbegin();
    const auto snapshot = StateNode::Open(disk.get(), path, /*must_exist=*/true);
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    const auto held = ContentOf((*snapshot)->store());
    ASSERT_TRUE(held.ok()) << held.status();
    EXPECT_EQ(StateWorkload::WritesIn(*held, ledger.begun), writes) << path;
  }
}

// True when a step failed.
bool RunWith(const Failure& failure, int64_t number) {
  SimFileSystem fs(static_cast<uint64_t>(number));
  if (failure.read) {
    fs.FailRead(number, failure.fault, failure.repeat);
  } else {
    fs.FailOperation(number, failure.fault, failure.repeat);
  }
  StateWorkload workload(&fs);
  absl::Status status;
  int step = 0;
  while (status.ok() && step < StateWorkload::kSteps) status = workload.Step(++step);
  SCOPED_TRACE(absl::StrCat("step ", step, ": ", status.ToString()));
  fs.ClearFaults();
  if (!status.ok() && workload.store() != nullptr) {
    const StateChange change{StateFamily::kGroups, "late", "x"};
    EXPECT_FALSE(workload.store()->Write(absl::MakeConstSpan(&change, 1)).ok());
    EXPECT_FALSE(workload.store()->Flush().ok());
  }
  const StateWorkload::Ledger ledger = workload.ledger();
  VerifyRestart(fs.CrashImage(2, number % 2 == 0 ? CrashMode::kRandom : CrashMode::kDropUnsynced),
                ledger);
  VerifyRestart(fs.Clone(), ledger);
  return !status.ok();
}

class StateFailureTest : public ::testing::TestWithParam<Failure> {};

TEST_P(StateFailureTest, NoFailedOperationLosesWhatWasFlushed) {
  SimFileSystem healthy;
  StateWorkload reference(&healthy);
  for (int step = 1; step <= StateWorkload::kSteps; ++step)
    ASSERT_TRUE(reference.Step(step).ok()) << step;
  const int64_t count = GetParam().read ? healthy.reads() : healthy.operations();
  int failed = 0;
  int64_t tried = 0;
  for (int64_t number = 1; number <= count; number += GetParam().stride) {
    SCOPED_TRACE(absl::StrCat("failing operation ", number));
    ++tried;
    if (RunWith(GetParam(), number)) ++failed;
    if (HasFailure()) return;
  }
  EXPECT_GT(failed, tried / 3);
}

std::string NameOfFailure(const ::testing::TestParamInfo<Failure>& info) {
  return absl::StrCat(info.param.read ? "Read" : "Change", static_cast<int>(info.param.fault),
                      info.param.repeat == Repeat::kOnce ? "Once" : "Forever");
}

INSTANTIATE_TEST_SUITE_P(Faults, StateFailureTest,
                         ::testing::Values(Failure{Fault::kIo, Repeat::kOnce, false, 1},
                                           Failure{Fault::kIo, Repeat::kForever, false, 3},
                                           Failure{Fault::kNoSpace, Repeat::kOnce, false, 2},
                                           Failure{Fault::kShortWrite, Repeat::kOnce, false, 2},
                                           Failure{Fault::kIo, Repeat::kOnce, true, 5}),
                         NameOfFailure);

}  // namespace
}  // namespace weir
