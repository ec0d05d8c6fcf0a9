// A command for each job: what it is given, and what its end means. Real processes of /bin/sh.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/base/executor.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_reader.h"
#include "tools/cli/job_command.h"

namespace weir {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Outcome = JobResult::Outcome;

// A job with its record. Not movable: the job borrows.
class SomeJob {
 public:
  explicit SomeJob(std::string value, std::optional<absl::string_view> key = "alice",
                   std::vector<HeaderView> headers = {})
      : batch_([&] {
          RecordBatchBuilder builder;
          builder.Append(1'700'000'000'123, key, value, headers);
          return builder.Finish({.base_offset = Offset(42)});
        }()),
        reader_(batch_) {
    EXPECT_TRUE(reader_.Next(&record_));
  }
  Job job() const {
    return {
        .topic = "orders", .partition = PartitionIndex(3), .delivery_count = 2, .record = record_};
  }

 private:
  const std::string batch_;
  RecordReader reader_;
  RecordView record_;
};

JobCommand::End RunCommand(const std::string& command, const std::string& value = "value") {
  const SomeJob job(value);
  return JobCommand(command, "email").Run(job.job());
}

class JobCommandTest : public ::testing::Test {
 protected:
  // As the program does: a command need not read its value.
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }
};

TEST_F(JobCommandTest, OnlyWhatAShellKnowsNeedsOne) {
  for (const char* word : {"send-email", "./bin/send.sh", "/opt/x_1/y+z", "se\xc3\xb1or"})
    EXPECT_FALSE(JobCommand::NeedsShell(word)) << word;
  for (const char* line : {"jq .", "a|b", "a>b", "$HOME/x", "~/x", "a;b", "a\tb", "x='y'"})
    EXPECT_TRUE(JobCommand::NeedsShell(line)) << line;
}

TEST_F(JobCommandTest, TheEnvironmentNamesTheJob) {
  const SomeJob job("value", "alice", {{"Trace-Id", "abc=1"}, {"none", std::nullopt}});
  const auto environment = JobCommand::EnvironmentOf(job.job(), "email");
  for (const char* entry : {"WEIR_GROUP=email", "WEIR_TOPIC=orders", "WEIR_PARTITION=3",
                            "WEIR_OFFSET=42", "WEIR_ATTEMPT=2", "WEIR_TIMESTAMP_MS=1700000000123",
                            "WEIR_KEY=alice", "WEIR_HEADER_TRACE_ID=abc=1", "WEIR_HEADER_NONE="})
    EXPECT_THAT(environment, Contains(entry));
}

TEST_F(JobCommandTest, WhatNoEnvironmentCanHoldIsInBase64AndAKeyThatIsNoneIsMissing) {
  const SomeJob with_nul("value", absl::string_view("a\0b", 3));
  EXPECT_THAT(JobCommand::EnvironmentOf(with_nul.job(), "email"), Contains("WEIR_KEY_BASE64=YQBi"));
  const SomeJob without("value", std::nullopt);
  EXPECT_THAT(JobCommand::EnvironmentOf(without.job(), "email"),
              Not(Contains(StartsWith("WEIR_KEY"))));
}

TEST_F(JobCommandTest, TheCommandGetsValueAndEnvironment) {
  const JobCommand::End end = RunCommand(
      "test \"$(cat)\" = 'the value' && test \"$WEIR_OFFSET $WEIR_KEY\" = '42 alice'", "the value");
  EXPECT_EQ(end.start_error, 0);
  EXPECT_EQ(end.status, 0) << end.errors;
  EXPECT_EQ(ResultOf(end).outcome, Outcome::kAccept);
}

TEST_F(JobCommandTest, AValueLargerThanAPipeIsReadOrNot) {
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(RunCommand("test $(wc -c) -eq 1048576", large).status, 0);
  EXPECT_EQ(RunCommand("exit 0", large).status, 0);
  EXPECT_EQ(RunCommand("cat >/dev/null; exit 5", "").status, 5);
}

TEST_F(JobCommandTest, TheExitStatusDecides) {
  EXPECT_EQ(ResultOf(RunCommand("exit 100")).outcome, Outcome::kReject);
  EXPECT_EQ(ResultOf(RunCommand("exit 1")).outcome, Outcome::kRelease);
  EXPECT_EQ(ResultOf(RunCommand("exit 1")).error, "the command ended with status 1");
  EXPECT_EQ(ResultOf(RunCommand("echo ' no mail server' >&2; exit 3")).error, " no mail server");
  const JobCommand::End killed = RunCommand("kill -9 $$");
  EXPECT_EQ(killed.signal, 9);
  EXPECT_EQ(ResultOf(killed).outcome, Outcome::kRelease);
  EXPECT_THAT(ResultOf(killed).error, HasSubstr("signal 9"));
  EXPECT_FALSE(CannotRun(killed));
}

TEST_F(JobCommandTest, ACommandThatCannotRunIsNoFaultOfTheJob) {
  for (const char* command : {"/nowhere/at-all", "no-such-command-anywhere", "exit 126", "exit 127",
                              "no-such-command with words"}) {
    const JobCommand::End end = RunCommand(command);
    EXPECT_TRUE(CannotRun(end)) << command;
    EXPECT_EQ(ResultOf(end).outcome, Outcome::kReleaseUncounted) << command;
    EXPECT_FALSE(ResultOf(end).error.empty());
  }
  EXPECT_FALSE(CannotRun(RunCommand("exit 125")));
}

TEST_F(JobCommandTest, TheTailOfStderrIsKept) {
  const JobCommand::End end =
      RunCommand("i=0; while [ $i -lt 2000 ]; do echo \"line $i\"; i=$((i+1)); done >&2; exit 1");
  EXPECT_EQ(end.errors.size(), 4'096u);
  EXPECT_THAT(end.errors, testing::EndsWith("line 1999\n"));
}

TEST_F(JobCommandTest, WhoeverGoesOnWritingBehindItDoesNotHoldItUp) {
  testing::internal::CaptureStderr();  // it is passed on
  const JobCommand::End end = RunCommand("yes >&2 & exit 3");
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(end.status, 3);
  EXPECT_LE(end.errors.size(), 4'096u);
}

// A command that waits until it is terminated; how it ends then.
JobCommand::End Terminated(const std::string& on_term) {
  const std::string pipe = absl::StrCat(testing::TempDir(), "/job-command-", getpid());
  EXPECT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  const SomeJob job("value");
  JobCommand command(absl::StrCat(on_term, "(echo begun >", pipe, "; exec sleep 600) & wait"),
                     "email");
  JobCommand::End end;
  {
    ThreadExecutor runner("runner", 1);
    runner.Post([&] { end = command.Run(job.job()); });
    std::string begun;
    std::getline(std::ifstream(pipe), begun);
    EXPECT_EQ(begun, "begun");
    command.Terminate();
  }
  unlink(pipe.c_str());
  EXPECT_EQ(ResultOf(command.Run(job.job())).outcome, Outcome::kReleaseUncounted) << "not begun";
  return end;
}

TEST_F(JobCommandTest, WhatIsTerminatedDoesNotCountAsTriedUnlessItSaysHowItEnded) {
  EXPECT_EQ(ResultOf(Terminated("")).outcome, Outcome::kReleaseUncounted);
  EXPECT_EQ(ResultOf(Terminated("trap 'exit 1' TERM; ")).outcome, Outcome::kReleaseUncounted);
  EXPECT_EQ(ResultOf(Terminated("trap 'exit 0' TERM; ")).outcome, Outcome::kAccept);
  EXPECT_EQ(ResultOf(Terminated("trap 'exit 100' TERM; ")).outcome, Outcome::kReject);
}

TEST_F(JobCommandTest, WhatItLeavesBehindIsNotWaitedFor) {
  // It holds on to our end of stderr.
  const JobCommand::End end = RunCommand("sleep 600 & echo $! >&2; exit 0");
  EXPECT_EQ(end.status, 0);
  EXPECT_EQ(RunCommand(absl::StrCat("kill ", end.errors)).status, 0);
}

}  // namespace
}  // namespace weir
