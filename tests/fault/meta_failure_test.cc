// Every file operation of the metadata store fails in turn: nothing is acknowledged that is not
// there after the next start, the store closes itself for changes, and says so once.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "tests/fault/meta_workload.h"

namespace weir {
namespace {

struct Failure {
  Fault fault;
  Repeat repeat;
  bool read;
};

// What came of one run with the failure at operation `number`.
enum class Outcome { kFailed, kNothingFailed };

// After the disk works again and the process was restarted, with or without a power cut: the
// acknowledged state, or the one that the failed step would have made.
void VerifyRestart(std::unique_ptr<SimFileSystem> disk, const MetaState& acknowledged,
                   const MetaState* next) {
  int topic_ids = 100;
  const auto node = MetaNode::Start(disk.get(), &topic_ids);
  ASSERT_TRUE(node.ok()) << node.status() << "\n" << disk->RecentOperations();
  const auto state = (*node)->State();
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_TRUE(*state == acknowledged || (next != nullptr && *state == *next))
      << "revision " << state->revision << ", acknowledged was " << acknowledged.revision;
}

Outcome RunWith(const Failure& failure, int64_t number, const std::vector<MetaState>& expected) {
  SimFileSystem fs(static_cast<uint64_t>(number));
  if (failure.read) {
    fs.FailRead(number, failure.fault, failure.repeat);
  } else {
    fs.FailOperation(number, failure.fault, failure.repeat);
  }
  MetaWorkload workload(&fs);
  absl::Status status;
  while (status.ok() && workload.acknowledged() < MetaWorkload::kSteps) status = workload.Step();
  const auto done = static_cast<size_t>(workload.acknowledged());
  EXPECT_EQ(workload.states()[done], expected[done]);
  if (status.ok()) return Outcome::kNothingFailed;

  SCOPED_TRACE(absl::StrCat("step ", done + 1, ": ", status.ToString()));
  const MetaState* const next = done + 1 < expected.size() ? &expected[done + 1] : nullptr;
  if (workload.node() != nullptr && ReasonOf(status) == Reason::kCommitUncertain) {
    EXPECT_EQ(workload.node()->failures(), 1);
    fs.ClearFaults();
    const absl::Status after = workload.node()->store().Txn({.puts = {{"late", "x"}}}).status();
    EXPECT_EQ(ReasonOf(after), Reason::kLogDirFenced) << after;
    EXPECT_EQ(workload.node()->failures(), 1);
  }
  fs.ClearFaults();
  VerifyRestart(fs.CrashImage(1, CrashMode::kDropUnsynced), workload.states()[done], next);
  VerifyRestart(fs.CrashImage(2, CrashMode::kRandom), workload.states()[done], next);
  VerifyRestart(fs.Clone(), workload.states()[done], next);
  return Outcome::kFailed;
}

class MetaFailureTest : public ::testing::TestWithParam<Failure> {};

TEST_P(MetaFailureTest, NoFailedOperationLosesWhatWasAcknowledged) {
  SimFileSystem healthy;
  MetaWorkload reference(&healthy);
  for (int step = 1; step <= MetaWorkload::kSteps; ++step)
    ASSERT_TRUE(reference.Step().ok()) << step;
  const int64_t count = GetParam().read ? healthy.reads() : healthy.operations();
  int failed = 0;
  for (int64_t number = 1; number <= count; ++number) {
    SCOPED_TRACE(absl::StrCat("failing operation ", number));
    if (RunWith(GetParam(), number, reference.states()) == Outcome::kFailed) ++failed;
    if (HasFailure()) return;
  }
  EXPECT_GT(failed, count / 3);
}

std::string NameOfFailure(const ::testing::TestParamInfo<Failure>& info) {
  return absl::StrCat(info.param.read ? "Read" : "Change", static_cast<int>(info.param.fault),
                      info.param.repeat == Repeat::kOnce ? "Once" : "Forever");
}

INSTANTIATE_TEST_SUITE_P(Faults, MetaFailureTest,
                         ::testing::Values(Failure{Fault::kIo, Repeat::kOnce, false},
                                           Failure{Fault::kIo, Repeat::kForever, false},
                                           Failure{Fault::kNoSpace, Repeat::kOnce, false},
                                           Failure{Fault::kNoSpace, Repeat::kForever, false},
                                           Failure{Fault::kShortWrite, Repeat::kOnce, false},
                                           Failure{Fault::kIo, Repeat::kOnce, true}),
                         NameOfFailure);

}  // namespace
}  // namespace weir
