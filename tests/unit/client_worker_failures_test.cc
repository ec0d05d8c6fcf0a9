// The worker against a broker that breaks, forgets, refuses and takes locks away.
#include <string>

#include "absl/synchronization/notification.h"
#include "storage/base/error.h"
#include "tests/unit/client_worker_fixture.h"

namespace weir {
namespace {

using testing::SizeIs;
using JobState = FakeShareBroker::JobState;

class WorkerFailuresTest : public WorkerTest {};

TEST_F(WorkerFailuresTest, ResumesItsSessionAfterABreakAndGoesOn) {
  Gate gate;
  broker_.Append("orders", 0, Numbers(2));
  Worker worker = NewWorker([&](const Job& job) {
    gate.Pass();
    seen_.Add(*job.record.value);
    return JobResult::Accept();
  });
  gate.AwaitFirst();  // both are here; jobs that the break takes along wait for their locks to end
  broker_.BreakStreams();
  gate.Open();
  broker_.AwaitDone(2);
  EXPECT_TRUE(worker.Stop().ok());
  ASSERT_THAT(broker_.joins(), SizeIs(2));
  EXPECT_EQ(broker_.joins()[0].session_id(), 0);
  EXPECT_NE(broker_.joins()[1].session_id(), 0);
  EXPECT_THAT(seen_.values(), SizeIs(2));
  EXPECT_EQ(worker.counters().accepted, 2);
  EXPECT_EQ(worker.counters().lock_lost, 0);
}

TEST_F(WorkerFailuresTest, AcknowledgementsThatTheBreakTookAlongAreSaidAgain) {
  broker_.LoseNextAcknowledgements();
  broker_.Append("orders", 0, Numbers(50));
  Worker worker = NewWorker(Accepting());
  broker_.AwaitDone(50);
  EXPECT_TRUE(worker.Stop().ok());
  const WorkerCounters counters = worker.counters();
  EXPECT_EQ(counters.accepted, 50);
  EXPECT_EQ(counters.already_done, 0);
  EXPECT_GT(broker_.said().size(), 1u);
  for (const auto& [value, times] : seen_.values()) EXPECT_EQ(times, 1) << value;
}

TEST_F(WorkerFailuresTest, AnAnswerThatWasLostIsAskedForAgain) {
  broker_.LoseNextAnswer();
  broker_.Append("orders", 0, Numbers(50));
  Worker worker = NewWorker(Accepting());
  broker_.AwaitDone(50);
  EXPECT_TRUE(worker.Stop().ok());
  const WorkerCounters counters = worker.counters();
  EXPECT_EQ(counters.accepted + counters.already_done, 50);
  EXPECT_GT(counters.already_done, 0);
  EXPECT_EQ(counters.unanswered, 0);
}

TEST_F(WorkerFailuresTest, AnAcceptAfterTheSessionWasForgottenStillCounts) {
  Gate gate;
  broker_.Append("orders", 0, {"slow"});
  Worker worker = NewWorker(
      [&](const Job&) {
        gate.Pass();
        return JobResult::Accept();
      },
      /*concurrency=*/1, /*max_open=*/1);
  gate.AwaitFirst();
  broker_.BreakStreamsAndForget();
  broker_.AwaitJoins(2);
  gate.Open();
  broker_.AwaitDone(1);
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_EQ(worker.counters().accepted, 1);
}

TEST_F(WorkerFailuresTest, WhatWaitsWhenTheSessionIsForgottenIsNotBegunWith) {
  Gate gate;
  broker_.Append("orders", 0, Numbers(2));
  Worker worker = NewWorker([&](const Job& job) {
    seen_.Add(*job.record.value);
    gate.Pass();
    return JobResult::Accept();
  });
  gate.AwaitFirst();
  broker_.AwaitAcquired(2);
  broker_.HandToAnother(Id(0));
  broker_.HandToAnother(Id(1));
  broker_.BreakStreamsAndForget();
  broker_.AwaitCredits(1);  // so it has heard that its session is none any more
  EXPECT_EQ(worker.counters().lock_lost, 1);
  gate.Open();
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_THAT(seen_.values(), SizeIs(1));
  EXPECT_EQ(worker.counters().lock_lost, 2);
}

TEST_F(WorkerFailuresTest, ALockThatWentToSomebodyElseIsTold) {
  Gate gate;
  broker_.Append("orders", 0, {"slow"});
  Worker worker = NewWorker([&](const Job&) {
    gate.Pass();
    return JobResult::Accept();
  });
  gate.AwaitFirst();
  broker_.HandToAnother(Id(0));
  gate.Open();
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_EQ(worker.counters().lock_lost, 1);
  EXPECT_EQ(worker.counters().accepted, 0);
  EXPECT_EQ(broker_.StateOf(Id(0)), JobState::kAcquired);
}

TEST_F(WorkerFailuresTest, RenewsTheLocksOfSlowJobsAndOfThoseBehindThem) {
  broker_.SetAckTimeout(
      1'000);  // the shortest there is; a lock is not to be lost on a busy machine
  absl::Notification go;
  broker_.Append("orders", 0, Numbers(2));
  Worker worker = NewWorker([&](const Job& job) {
    go.WaitForNotification();
    seen_.Add(*job.record.value);
    return JobResult::Accept();
  });
  broker_.AwaitRenewals(2);
  const v1::Renewal renewal = broker_.renewals().front();
  EXPECT_EQ(renewal.topic(), "orders");
  EXPECT_EQ(renewal.first_offset(), 0);
  EXPECT_EQ(renewal.last_offset(), 1);
  broker_.SetAckTimeout(60'000);
  go.Notify();
  broker_.AwaitDone(1);
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_GE(worker.counters().renewed, 4);
}

TEST_F(WorkerFailuresTest, AnErrorThatMayPassIsSaidAgainAndAnotherIsCounted) {
  broker_.RefuseNext(MakeError(Reason::kCommitUncertain, "the disk"));
  broker_.Append("orders", 0, {"one"});
  Worker worker = NewWorker(Accepting());
  broker_.AwaitDone(1);
  EXPECT_EQ(ReasonOf(worker.last_error()), Reason::kCommitUncertain);
  broker_.RefuseNext(MakeError(Reason::kInvalidRequest, "what is that"));
  broker_.Append("orders", 0, {"two"});
  broker_.AwaitSaid(3);
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_EQ(worker.counters().accepted, 1);
  EXPECT_EQ(worker.counters().refused, 1);
  EXPECT_EQ(ReasonOf(worker.last_error()), Reason::kInvalidRequest);
}

TEST_F(WorkerFailuresTest, AStopThatABreakInterruptsIsFinishedAfterIt) {
  Gate gate;
  broker_.Append("orders", 0, {"one"});
  Worker worker = NewWorker([&](const Job&) {
    gate.Pass();
    return JobResult::Accept();
  });
  gate.AwaitFirst();
  worker.RequestStop();
  broker_.LoseNextAcknowledgements();
  gate.Open();
  EXPECT_TRUE(worker.Wait().ok());
  EXPECT_EQ(broker_.CountOf(JobState::kDone), 1);
  EXPECT_EQ(worker.counters().accepted, 1);
}

TEST_F(WorkerFailuresTest, AnErrorThatDoesNotPassEndsTheWorker) {
  broker_.FailNext(MakeError(Reason::kUnknownGroup, "there is no group 'email'"));
  Worker worker = NewWorker(Accepting());
  EXPECT_EQ(ReasonOf(worker.Wait()), Reason::kUnknownGroup);
  EXPECT_EQ(ReasonOf(worker.Stop()), Reason::kUnknownGroup);
}

TEST_F(WorkerFailuresTest, ErrorsThatPassAreTriedAgain) {
  broker_.FailNext(MakeError(Reason::kShuttingDown, "the broker is stopping"));
  broker_.FailNext(absl::UnavailableError("no connection"));
  broker_.FailNext(MakeError(Reason::kSessionLost, "somebody has taken the session over"));
  broker_.Append("orders", 0, {"one"});
  Worker worker = NewWorker(Accepting());
  broker_.AwaitDone(1);
  EXPECT_TRUE(worker.Stop().ok());
}

TEST_F(WorkerFailuresTest, WithoutABrokerItStopsAtOnceAndHasDoneNothing) {
  Client nowhere({.broker = "127.0.0.1:1", .backoff = {.first = absl::Milliseconds(1)}});
  Worker worker(nowhere, {.group = "email"}, [](const Job&) { return JobResult::Accept(); });
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_EQ(worker.counters().received, 0);
}

}  // namespace
}  // namespace weir
