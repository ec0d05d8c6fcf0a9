// The worker against a broker that hands out jobs, breaks, forgets and takes locks away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "storage/base/error.h"
#include "tests/unit/client_fake_share_broker.h"
#include "weir/client.h"
#include "weir/worker.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using JobState = FakeShareBroker::JobState;

std::vector<std::string> Numbers(int count) {
  std::vector<std::string> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(absl::StrCat(i));
  return numbers;
}

// Values that handlers saw. Any thread.
class Seen {
 public:
  void Add(absl::string_view value) {
    absl::MutexLock lock(&mu_);
    ++values_[std::string(value)];
  }
  std::map<std::string, int> values() const {
    absl::MutexLock lock(&mu_);
    return values_;
  }
  void AwaitCount(size_t different) const {
    absl::MutexLock lock(&mu_);
    const auto enough = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      return values_.size() >= different;
    };
    mu_.Await(absl::Condition(&enough));
  }

 private:
  mutable absl::Mutex mu_;
  std::map<std::string, int> values_ ABSL_GUARDED_BY(mu_);
};

// Where handlers stand until they are let through; at most one at a time comes first.
class Gate {
 public:
  void Pass() {
    if (!reached_.exchange(true)) first_.Notify();
    open_.WaitForNotification();
  }
  void AwaitFirst() const { first_.WaitForNotification(); }
  void Open() { open_.Notify(); }

 private:
  std::atomic<bool> reached_ = false;
  absl::Notification first_;
  absl::Notification open_;
};

class WorkerTest : public testing::Test {
 protected:
  void TearDown() override { EXPECT_THAT(broker_.complaints(), IsEmpty()); }

  Worker::Handler Accepting() {
    return [this](const Job& job) {
      seen_.Add(*job.record.value);
      return JobResult::Accept();
    };
  }
  Worker NewWorker(Worker::Handler handler, int concurrency = 1, int64_t max_open = 20'000) {
    return Worker(
        client_,
        {.group = "email", .name = "one", .concurrency = concurrency, .max_open_jobs = max_open},
        std::move(handler));
  }
  static FakeShareBroker::JobId Id(int64_t offset) { return {"orders", 0, offset}; }

  FakeShareBroker broker_;
  Client client_{{.broker = broker_.address(),
                  .backoff = {.first = absl::Milliseconds(1), .largest = absl::Milliseconds(10)}}};
  Seen seen_;
};

TEST_F(WorkerTest, DoesEveryJobOfEveryPartitionOnceAndStops) {
  for (int p = 0; p < 3; ++p) broker_.Append("orders", p, Numbers(500));
  std::atomic<int> jobs = 0;
  Worker worker = NewWorker([&](const Job& job) {
    EXPECT_EQ(job.topic, "orders");
    EXPECT_EQ(job.delivery_count, 1);
    EXPECT_EQ(job.record.key, "key");
    EXPECT_EQ(*job.record.value, absl::StrCat(job.record.offset.value()));
    ++jobs;
    return JobResult::Accept();
  });
  broker_.AwaitDone(1'500);
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_EQ(jobs, 1'500);
  const WorkerCounters counters = worker.counters();
  EXPECT_EQ(counters.received, 1'500);
  EXPECT_EQ(counters.accepted, 1'500);
  EXPECT_EQ(counters.open, 0);
  EXPECT_EQ(counters.unanswered, 0);
  ASSERT_THAT(broker_.joins(), SizeIs(1));
  EXPECT_EQ(broker_.joins()[0].group(), "email");
  EXPECT_EQ(broker_.joins()[0].worker(), "one");
  EXPECT_TRUE(worker.last_error().ok());
}

TEST_F(WorkerTest, InlineDoesOneJobAtATime) {
  broker_.Append("orders", 0, Numbers(2'000));
  std::atomic<int> at_once = 0;
  Worker worker = NewWorker(
      [&](const Job&) {
        EXPECT_EQ(++at_once, 1);
        --at_once;
        return JobResult::Accept();
      },
      /*concurrency=*/0);
  broker_.Append("orders", 1, Numbers(2'000));
  broker_.AwaitDone(4'000);
  EXPECT_TRUE(worker.Stop().ok());
}

TEST_F(WorkerTest, ManyThreadsDoEveryJobOnce) {
  for (int p = 0; p < 4; ++p) broker_.Append("orders", p, Numbers(5'000));
  std::atomic<int> jobs = 0;
  Worker worker = NewWorker(
      [&](const Job&) {
        ++jobs;
        return JobResult::Accept();
      },
      /*concurrency=*/8);
  broker_.AwaitDone(20'000);
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_EQ(jobs, 20'000);
  EXPECT_EQ(worker.counters().accepted, 20'000);
}

TEST_F(WorkerTest, NeighboursThatAreAcceptedAreOneAcknowledgement) {
  broker_.HoldAnswers();
  broker_.Append("orders", 0, Numbers(900));
  Worker worker = NewWorker(Accepting());
  seen_.AwaitCount(900);
  broker_.ReleaseAnswers();
  broker_.AwaitDone(900);
  // Two jobs come before it is known how quick they are, and what is unanswered lets others gather.
  EXPECT_LE(broker_.said().size(), 10u);
}

TEST_F(WorkerTest, AFinishedJobIsSaidWhileItsThreadDoesTheNext) {
  for (const bool accepts : {true, false}) {
    Gate gate;
    const int64_t done = broker_.CountOf(JobState::kDone) + broker_.CountOf(JobState::kDead);
    broker_.Append("orders", 0, {"quick", "slow"});
    Worker worker = NewWorker([&](const Job& job) {
      if (*job.record.value == "slow") gate.Pass();
      return accepts ? JobResult::Accept() : JobResult::Reject("no");
    });
    gate.AwaitFirst();
    broker_.AwaitSaid(static_cast<size_t>(done) + 1);
    gate.Open();
    broker_.AwaitSaid(static_cast<size_t>(done) + 2);
    EXPECT_TRUE(worker.Stop().ok());
  }
}

TEST_F(WorkerTest, ANameIsSentAsTextThatTheBrokerTakes) {
  Worker worker(client_, {.group = "email", .name = absl::StrCat("\xff", std::string(300, 'x'))},
                Accepting());
  broker_.AwaitJoins(1);
  EXPECT_EQ(broker_.joins()[0].worker(), absl::StrCat("\xef\xbf\xbd", std::string(246, 'x')));
}

TEST_F(WorkerTest, OnlyTheOffsetsThatWereHandedOutAreJobs) {
  broker_.Append("orders", 0, {"job", "other", "other", "job", "job"}, /*passed_over=*/{1, 2});
  broker_.Append("orders", 0, {"other"}, {0});
  broker_.Append("orders", 0, {"job"});
  std::atomic<int> others = 0;
  Worker worker = NewWorker([&](const Job& job) {
    if (*job.record.value != "job") ++others;
    return JobResult::Accept();
  });
  broker_.AwaitDone(4);
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_EQ(others, 0);
  EXPECT_EQ(worker.counters().accepted, 4);
}

TEST_F(WorkerTest, NoMoreJobsAreOpenThanItMay) {
  absl::Notification go;
  broker_.Append("orders", 0, Numbers(100));
  Worker worker = NewWorker(
      [&](const Job& job) {
        go.WaitForNotification();
        seen_.Add(*job.record.value);
        return JobResult::Accept();
      },
      /*concurrency=*/2, /*max_open=*/3);
  broker_.AwaitAcquired(3);
  go.Notify();
  broker_.AwaitDone(100);
  EXPECT_LE(broker_.most_acquired(), 3);
  EXPECT_TRUE(worker.Stop().ok());
}

TEST_F(WorkerTest, AsksForFewJobsWhileItDoesNotKnowHowLongTheyTake) {
  Gate gate;
  broker_.Append("orders", 0, Numbers(1'000));
  Worker worker = NewWorker([&](const Job&) {
    gate.Pass();
    return JobResult::Accept();
  });
  gate.AwaitFirst();
  EXPECT_LE(broker_.CountOf(JobState::kAcquired), 2);
  gate.Open();
  broker_.AwaitDone(1'000);
}

TEST_F(WorkerTest, TheResultDecidesWhatBecomesOfAJob) {
  broker_.Append("orders", 0, {"accept", "release", "delay", "uncounted", "reject", "error"});
  Worker worker = NewWorker([&](const Job& job) -> JobResult {
    const absl::string_view value = *job.record.value;
    if (job.delivery_count > 1) return JobResult::Accept();
    if (value == "release") return JobResult::Release("not now");
    if (value == "delay") return JobResult::Release("in an hour", absl::Hours(1));
    if (value == "uncounted") return JobResult::ReleaseUncounted("not me", absl::Seconds(2));
    if (value == "reject") return JobResult::Reject("never");
    if (value == "error") return absl::UnavailableError("no mail server");
    return JobResult::Accept();
  });
  broker_.AwaitDone(3);
  broker_.AwaitSaid(8);
  EXPECT_TRUE(worker.Stop().ok());
  std::map<int64_t, v1::Acknowledgement> first;  // by offset
  for (const v1::Acknowledgement& item : broker_.said()) first.emplace(item.first_offset(), item);
  EXPECT_EQ(first[0].type(), v1::ACCEPT);
  EXPECT_EQ(first[1].type(), v1::RELEASE);
  EXPECT_EQ(first[1].error(), "not now");
  EXPECT_FALSE(first[1].has_delay_ms());
  EXPECT_EQ(first[2].delay_ms(), 3'600'000);
  EXPECT_EQ(first[3].type(), v1::RELEASE_UNCOUNTED);
  EXPECT_EQ(first[3].delay_ms(), 2'000);
  EXPECT_EQ(first[4].type(), v1::REJECT);
  EXPECT_THAT(first[5].error(), HasSubstr("no mail server"));
  EXPECT_EQ(broker_.DeliveriesOf(Id(1)), 2);
  EXPECT_EQ(broker_.StateOf(Id(4)), JobState::kDead);
  const WorkerCounters counters = worker.counters();
  EXPECT_EQ(counters.accepted, 3);
  EXPECT_EQ(counters.released, 3);
  EXPECT_EQ(counters.released_uncounted, 1);
  EXPECT_EQ(counters.rejected, 1);
}

TEST_F(WorkerTest, ErrorTextsAreCutBetweenCharactersAndAreUtf8) {
  broker_.Append("orders", 0, {"long", "broken"});
  Worker worker = NewWorker([&](const Job& job) -> JobResult {
    std::string text = "\xff";
    if (*job.record.value == "long") {
      text = "x";
      for (int i = 0; i < 4'000; ++i) text += "\xc3\xa4";
    }
    return JobResult::Reject(text);
  });
  broker_.AwaitSaid(2);
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_EQ(broker_.said()[0].error().size(), 4'095u);
  EXPECT_EQ(broker_.said()[1].error(), "\xef\xbf\xbd");
}

TEST_F(WorkerTest, AJobWhoseRecordCannotBeReadIsReleasedWithTheReason) {
  broker_.Append("orders", 0, {"good"});
  const int64_t bad = broker_.Append("orders", 0, {"bad", "bad"});
  broker_.Damage("orders", 0, bad);
  Worker worker = NewWorker([&](const Job& job) {
    seen_.Add(*job.record.value);
    return JobResult::Accept();
  });
  seen_.AwaitCount(1);
  broker_.AwaitSaid(3);
  worker.RequestStop();
  EXPECT_TRUE(worker.Wait().ok());
  EXPECT_THAT(seen_.values(), ElementsAre(testing::Pair("good", 1)));
  for (const v1::Acknowledgement& item : broker_.said()) {
    if (item.first_offset() < bad) continue;
    EXPECT_EQ(item.type(), v1::RELEASE);
    EXPECT_THAT(item.error(), HasSubstr("CRC"));
  }
  EXPECT_GT(worker.counters().released, 0);
}

TEST_F(WorkerTest, ResumesItsSessionAfterABreakAndGoesOn) {
  absl::Notification go;
  broker_.Append("orders", 0, Numbers(2));
  Worker worker = NewWorker([&](const Job& job) {
    go.WaitForNotification();
    seen_.Add(*job.record.value);
    return JobResult::Accept();
  });
  broker_.AwaitAcquired(2);
  broker_.BreakStreams();
  go.Notify();
  broker_.AwaitDone(2);
  EXPECT_TRUE(worker.Stop().ok());
  ASSERT_THAT(broker_.joins(), SizeIs(2));
  EXPECT_EQ(broker_.joins()[0].session_id(), 0);
  EXPECT_NE(broker_.joins()[1].session_id(), 0);
  EXPECT_THAT(seen_.values(), SizeIs(2));
  EXPECT_EQ(worker.counters().accepted, 2);
  EXPECT_EQ(worker.counters().lock_lost, 0);
}

TEST_F(WorkerTest, AcknowledgementsThatTheBreakTookAlongAreSaidAgain) {
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

TEST_F(WorkerTest, AnAnswerThatWasLostIsAskedForAgain) {
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

TEST_F(WorkerTest, AnAcceptAfterTheSessionWasForgottenStillCounts) {
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

TEST_F(WorkerTest, WhatWaitsWhenTheSessionIsForgottenIsNotBegunWith) {
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

TEST_F(WorkerTest, ALockThatWentToSomebodyElseIsTold) {
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

TEST_F(WorkerTest, RenewsTheLocksOfSlowJobsAndOfThoseBehindThem) {
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

TEST_F(WorkerTest, AnErrorThatMayPassIsSaidAgainAndAnotherIsCounted) {
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

TEST_F(WorkerTest, StopFinishesWhatIsBegunAndGivesBackTheRest) {
  Gate gate;
  broker_.Append("orders", 0, Numbers(10));
  Worker worker = NewWorker([&](const Job& job) {
    seen_.Add(*job.record.value);
    gate.Pass();
    return JobResult::Accept();
  });
  gate.AwaitFirst();
  worker.RequestStop();
  EXPECT_EQ(worker.Wait(absl::ZeroDuration()).code(), absl::StatusCode::kDeadlineExceeded);
  gate.Open();
  EXPECT_TRUE(worker.Wait().ok());
  EXPECT_THAT(seen_.values(), SizeIs(1));
  EXPECT_EQ(broker_.CountOf(JobState::kDone), 1);
  EXPECT_EQ(broker_.CountOf(JobState::kAvailable), 9);
  for (int64_t i = 1; i < 10; ++i) EXPECT_EQ(broker_.DeliveriesOf(Id(i)), 0);
}

TEST_F(WorkerTest, StopWaitsForTheAnswers) {
  broker_.HoldAnswers();
  broker_.Append("orders", 0, Numbers(2));
  Worker worker = NewWorker(Accepting());
  seen_.AwaitCount(2);
  worker.RequestStop();
  EXPECT_FALSE(worker.Wait(absl::Milliseconds(1)).ok());
  broker_.ReleaseAnswers();
  EXPECT_TRUE(worker.Wait().ok());
  EXPECT_EQ(worker.counters().accepted + worker.counters().unanswered, 2);
  EXPECT_EQ(worker.counters().unanswered, 0);
}

TEST_F(WorkerTest, AStopThatABreakInterruptsIsFinishedAfterIt) {
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

TEST_F(WorkerTest, StopGivesBackAJobWhoseHandlerDoesNotReturn) {
  Gate gate;
  broker_.Append("orders", 0, {"endless"});
  {
    Worker worker = NewWorker([&](const Job&) {
      gate.Pass();
      return JobResult::Accept();
    });
    gate.AwaitFirst();
    EXPECT_TRUE(worker.Stop(absl::ZeroDuration()).ok());
    EXPECT_EQ(broker_.StateOf(Id(0)), JobState::kAvailable);
    EXPECT_EQ(broker_.DeliveriesOf(Id(0)), 0);
    gate.Open();
  }
  EXPECT_EQ(broker_.StateOf(Id(0)), JobState::kAvailable);
  EXPECT_THAT(broker_.said(), IsEmpty());
}

TEST_F(WorkerTest, AHandlerMayStopItsWorker) {
  for (const int concurrency : {0, 1}) {
    broker_.Append("orders", 0, Numbers(100));
    Worker* self = nullptr;
    absl::Notification made;
    int jobs = 0;
    Worker worker = NewWorker(
        [&](const Job&) {
          made.WaitForNotification();
          ++jobs;
          self->RequestStop();
          return JobResult::ReleaseUncounted("not here", absl::Hours(1));
        },
        concurrency);
    self = &worker;
    made.Notify();
    EXPECT_TRUE(worker.Wait().ok());
    EXPECT_EQ(jobs, 1);
    EXPECT_EQ(worker.counters().released_uncounted, 1);
  }
}

TEST_F(WorkerTest, AnErrorThatDoesNotPassEndsTheWorker) {
  broker_.FailNext(MakeError(Reason::kUnknownGroup, "there is no group 'email'"));
  Worker worker = NewWorker(Accepting());
  EXPECT_EQ(ReasonOf(worker.Wait()), Reason::kUnknownGroup);
  EXPECT_EQ(ReasonOf(worker.Stop()), Reason::kUnknownGroup);
}

TEST_F(WorkerTest, ErrorsThatPassAreTriedAgain) {
  broker_.FailNext(MakeError(Reason::kShuttingDown, "the broker is stopping"));
  broker_.FailNext(absl::UnavailableError("no connection"));
  broker_.FailNext(MakeError(Reason::kSessionLost, "somebody has taken the session over"));
  broker_.Append("orders", 0, {"one"});
  Worker worker = NewWorker(Accepting());
  broker_.AwaitDone(1);
  EXPECT_TRUE(worker.Stop().ok());
}

TEST_F(WorkerTest, WithoutABrokerItStopsAtOnceAndHasDoneNothing) {
  Client nowhere({.broker = "127.0.0.1:1", .backoff = {.first = absl::Milliseconds(1)}});
  Worker worker(nowhere, {.group = "email"}, [](const Job&) { return JobResult::Accept(); });
  EXPECT_TRUE(worker.Stop().ok());
  EXPECT_EQ(worker.counters().received, 0);
}

}  // namespace
}  // namespace weir
