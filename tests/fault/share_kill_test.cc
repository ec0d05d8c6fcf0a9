// kill -9 under work queues: the real broker is killed at random moments under producers and two
// share groups, one of them with order=key, whose workers are processes of their own and are
// killed, too; some of the jobs are poison. What workers were handed, said and were told is
// remembered by this process. No job is lost, none is done twice, every poison job has one dead
// letter; at the end all letters are driven, with kills in between, each once.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/check.h"
#include "tests/fault/broker_ledger.h"
#include "tests/fault/job_audit.h"
#include "tests/fault/job_ledger.h"
#include "tests/fault/worker_fleet.h"
#include "tests/support/broker_runner.h"
#include "tests/support/environment.h"
#include "tests/support/sim_random.h"
#include "weir/admin.h"
#include "weir/share_admin.h"

namespace weir {
namespace {

constexpr int kProducers = 4;
constexpr int64_t kKeys = 8;  // of a producer
constexpr int32_t kPartitions = 4;
constexpr char kTopic[] = "jobs";
// Records of a producer in one cycle, at least: not more than half of them are of jobs that fail.
constexpr int64_t kLeastJobs = 2 * kKeys + 1;
constexpr int64_t kLettersPerDrive = 20;
constexpr int64_t kOver = -1;

// Mixed jobs, and poison alone.
int64_t Mixed(int64_t n) { return n; }
int64_t Poison(int64_t n) { return 16 * n + (n % 2 == 0 ? 2 : 6); }

class ShareKillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    seed_ = FromEnvironment("WEIR_SEED", seed_);
    random_ = SimRandom(seed_);
    ASSERT_NE(mkdtemp(directory_), nullptr);
    ASSERT_TRUE(Start().ok());
    client_ = std::make_unique<Client>(ClientOptions{.broker = broker_.address()});
    ASSERT_TRUE(
        Admin(*client_)
            .CreateTopic(
                {.name = kTopic, .partitions = kPartitions, .config = {{"segment.bytes", "65536"}}})
            .ok());
    fleet_ = std::make_unique<WorkerFleet>(WEIR_JOB_WORKER, broker_.address(), &worked_);
    ASSERT_TRUE(fleet_->Begin(*client_, kTopic).ok());
  }
  void TearDown() override {
    StopProducers();
    fleet_ = nullptr;
    std::system(absl::StrCat("rm -rf ", directory_).c_str());
  }

  absl::Status Start() {
    worked_.NoteLife(++life_);
    WEIR_RETURN_IF_ERROR(broker_.Start(absl::StrCat(directory_, "/data")));
    const auto described = Admin(Client({.broker = broker_.address()})).DescribeBroker();
    WEIR_RETURN_IF_ERROR(described.status());
    if (described->leader_epoch.value() != life_)
      return absl::InternalError("the broker counts its lives otherwise than this test");
    return absl::OkStatus();
  }

  void StartProducers(int64_t (*number)(int64_t)) {
    for (int p = 0; p < kProducers; ++p) {
      producers_.emplace_back([this, p, number] {
        Producer producer(*client_, {.delivery_timeout = absl::InfiniteDuration()});
        for (int64_t n = 0; AwaitAllowed(n); ++n) {
          const int key = p * static_cast<int>(kKeys) + static_cast<int>(n % kKeys);
          if (!produced_.Send(producer, key, number(n / kKeys)).ok()) break;
        }
        producer.Flush(absl::Seconds(120)).IgnoreError();
      });
    }
  }
  void StopProducers() {
    {
      absl::MutexLock lock(&mu_);
      stop_ = true;
    }
    for (std::thread& producer : producers_) producer.join();
    producers_.clear();
  }
  // Whether a producer is to send its `n`-th record.
  bool AwaitAllowed(int64_t n) {
    const auto decided = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stop_ || n < allowed_; };
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&decided));
    return n < allowed_;
  }
  void Allow(int64_t more) {
    absl::MutexLock lock(&mu_);
    allowed_ += more;
  }

  std::string Wrong() const {
    if (!produced_.first_error().ok()) return produced_.first_error().ToString();
    return worked_.wrong();
  }

  std::string Restart() {
    broker_.Kill();
    if (random_.Below(3) == 0) fleet_->Change(&random_, /*broker_runs=*/false);
    const absl::Status started = Start();
    return started.ok() ? Wrong() : started.ToString();
  }

  // A round of what happens to a broker and its workers: each producer may send `jobs` more, at
  // least kLeastJobs.
  std::string Cycle(int64_t jobs) {
    const JobGroup& group = WorkerFleet::Groups()[random_.Below(WorkerFleet::Groups().size())];
    const int64_t acknowledged = produced_.acknowledged_count();
    const int64_t before = worked_.ends(group.name);
    Allow(jobs);
    if (random_.Below(2) == 0) fleet_->Change(&random_, /*broker_runs=*/true);
    if (random_.Below(4) == 0) {
      produced_.AwaitAcknowledged(acknowledged + 1 + static_cast<int64_t>(random_.Below(30)));
    } else {
      worked_.AwaitEnds(
          group.name,
          before + 1 +
              static_cast<int64_t>(random_.Below(static_cast<uint64_t>(kProducers * jobs / 4))));
    }
    return Restart();
  }

  // What the broker says when all jobs are done.
  std::string Audit(std::vector<JobAudit>* audits) {
    audits->clear();
    for (const JobGroup& group : WorkerFleet::Groups()) {
      const absl::Status done = JobAudit::AwaitAllDone(*client_, group.name);
      if (!done.ok()) return done.ToString();
      absl::StatusOr<JobAudit> audit = JobAudit::Read(*client_, kTopic, group);
      if (!audit.ok()) return audit.status().ToString();
      fleet_->processes().Sync();
      const std::string wrong = audit->Wrong(worked_.asked()[group.name], worked_.killed());
      if (!wrong.empty()) return wrong;
      if (audit->jobs() != produced_.acknowledged_count())
        return absl::StrCat("there are ", audit->jobs(), " jobs, ", produced_.acknowledged_count(),
                            " were acknowledged");
      audits->push_back(*std::move(audit));
    }
    return Wrong();
  }

  // Drives every dead letter of `group`, some at a time, each time until that is answered.
  void Drive(const std::string& group, int64_t* steps) {
    ShareAdmin admin(*client_);
    std::string page;
    do {
      const auto step = admin.Redrive({.group = group, .limit = kLettersPerDrive}, page);
      if (!step.ok()) {
        client_->WaitUntilConnected(absl::Seconds(60)).IgnoreError();
        continue;
      }
      page = step->next;
      absl::MutexLock lock(&mu_);
      *steps = page.empty() ? kOver : *steps + 1;
    } while (Steps(steps) != kOver);
  }
  int64_t Steps(const int64_t* steps) {
    absl::MutexLock lock(&mu_);
    return *steps;
  }
  // Returns when all letters are driven; the broker is killed after some of the steps, which is in
  // the next one.
  std::string DriveUnderKills(const std::string& group) {
    int64_t steps = 0;
    std::thread driver([&] { Drive(group, &steps); });
    std::string wrong;
    for (int64_t seen = 0; seen != kOver; seen = Steps(&steps)) {
      const auto moved = [&] { return steps != seen; };
      {
        absl::MutexLock lock(&mu_);
        mu_.Await(absl::Condition(&moved));
      }
      if (wrong.empty() && random_.Below(2) == 0) wrong = Restart();
    }
    driver.join();
    return wrong;
  }

  uint64_t seed_ = 1;
  SimRandom random_{seed_};
  char directory_[23] = "/tmp/weir-share-XXXXXX";
  BrokerRunner broker_{WEIR_BROKER};
  int32_t life_ = 0;
  std::unique_ptr<Client> client_;
  BrokerLedger produced_{kTopic};
  JobLedger worked_;
  std::unique_ptr<WorkerFleet> fleet_;
  absl::Mutex mu_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  int64_t allowed_ ABSL_GUARDED_BY(mu_) = 0;  // records of each producer
  std::vector<std::thread> producers_;
};

TEST_F(ShareKillTest, NoJobIsLostNoneIsDoneTwiceAndEveryLetterIsDrivenOnce) {
  const int64_t cycles = FromEnvironment("WEIR_KILL_CYCLES", int64_t{40});
  StartProducers(Mixed);
  for (int64_t cycle = 0; cycle < cycles; ++cycle)
    ASSERT_EQ(Cycle(kLeastJobs + static_cast<int64_t>(random_.Below(44))), "")
        << "seed " << seed_ << ", cycle " << cycle;
  StopProducers();
  std::vector<JobAudit> audits;
  ASSERT_EQ(Audit(&audits), "") << "seed " << seed_;
  EXPECT_EQ(broker_.Terminate(), 0);
  ASSERT_TRUE(Start().ok());
  ASSERT_EQ(Audit(&audits), "") << "seed " << seed_ << ", after a start";
  for (size_t i = 0; i < audits.size(); ++i) {
    const std::string& group = WorkerFleet::Groups()[i].name;
    EXPECT_GT(audits[i].letters(), 0);
    ASSERT_EQ(DriveUnderKills(group), "") << "seed " << seed_;
    ASSERT_TRUE(JobAudit::AwaitAllDone(*client_, group).ok());
    EXPECT_EQ(audits[i].WrongRedrive(*client_), "") << "seed " << seed_;
  }
  fleet_->LeaveAll();
  EXPECT_EQ(Wrong(), "") << "seed " << seed_;
  const JobLedger::Totals totals = worked_.totals();
  std::cout << "kill -9 of work queues: " << life_ << " lives, " << produced_.acknowledged_count()
            << " jobs, handed out " << totals.handed_out << " times, accepted " << totals.accepted
            << " (" << totals.late << " late), released " << totals.released << ", rejected "
            << totals.rejected << ", locks lost " << totals.lost << "; dead letters "
            << audits[0].letters() << " and " << audits[1].letters() << "; "
            << fleet_->processes().kills() << " workers killed, " << fleet_->processes().leaves()
            << " left, seed " << seed_ << "\n";
  EXPECT_EQ(broker_.Terminate(), 0);
}

TEST_F(ShareKillTest, EveryPoisonJobHasOneDeadLetter) {
  const int64_t jobs = FromEnvironment("WEIR_POISON_JOBS", int64_t{1'600});
  constexpr int64_t kKills = 5;
  StartProducers(Poison);
  for (int64_t i = 0; i < kKills; ++i)
    ASSERT_EQ(Cycle(std::max(kLeastJobs, jobs / kKills / kProducers)), "") << "seed " << seed_;
  StopProducers();
  std::vector<JobAudit> audits;
  ASSERT_EQ(Audit(&audits), "") << "seed " << seed_;
  for (const JobAudit& audit : audits) EXPECT_EQ(audit.letters(), audit.jobs());
  EXPECT_GE(audits[0].jobs(), jobs / kKills / kProducers * kKills * kProducers);
  std::cout << "kill -9 under poison: " << audits[0].jobs() << " jobs\n";
}

}  // namespace
}  // namespace weir
