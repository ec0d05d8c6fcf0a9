// The worker: what it asks for, what becomes of jobs, how it stops.
#include <atomic>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "storage/base/error.h"
#include "tests/unit/client_worker_fixture.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using JobState = FakeShareBroker::JobState;

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

}  // namespace
}  // namespace weir
