// Power cut: the real broker on a real ext4 whose disk is cloned at random instants while it runs
// on. A clone holds exactly what the file system had sent to the disk by then. Each clone is
// mounted, a broker started on it, and everything that had been acknowledged before the clone began
// must be there: records, topics, members of groups and what they have committed, jobs that are
// done and dead letters; what is left of the jobs is done there. Needs root, loop devices, XFS and
// ext4 tools.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/fault/broker_ledger.h"
#include "tests/fault/consumption_ledger.h"
#include "tests/fault/job_drain.h"
#include "tests/fault/job_ledger.h"
#include "tests/fault/member_fleet.h"
#include "tests/fault/topic_churn.h"
#include "tests/fault/worker_fleet.h"
#include "tests/support/broker_runner.h"
#include "tests/support/environment.h"
#include "tests/support/sim_random.h"
#include "weir/admin.h"

namespace weir {
namespace {

constexpr int kProducers = 4;
constexpr int32_t kPartitions = 4;
constexpr char kTopic[] = "ledger";
constexpr char kJobs[] = "jobs";
constexpr int64_t kJobsPerCut = 48;
constexpr int64_t kJobKeys = 8;

// What had been answered when a cut began, and what may have been asked for when it was over.
struct Cut {
  BrokerLedger::Acknowledged acknowledged;
  ConsumptionLedger::Promise consumed;
  ConsumptionLedger::Offsets commits_asked;
  TopicChurn::State before;
  TopicChurn::State after;
  BrokerLedger::Acknowledged jobs;
  JobsKnown worked;
};

// Holds what a broker on the cut-off disk says against that. Empty when all is right.
std::string Check(const Client& client, const Cut& cut) {
  BrokerLedger::Found found;
  std::string wrong = BrokerLedger::Check(client, kTopic, cut.acknowledged, kPartitions, &found);
  if (!wrong.empty()) return wrong;
  ConsumptionLedger::Promise shown;
  wrong = ConsumptionLedger::Describe(client, kTopic, cut.consumed, &shown);
  if (wrong.empty()) wrong = ConsumptionLedger::NobodyAsked(shown.committed, cut.commits_asked);
  if (wrong.empty()) wrong = TopicChurn::Check(client, cut.before, cut.after);
  if (wrong.empty()) wrong = BrokerLedger::Check(client, kJobs, cut.jobs, kPartitions, &found);
  return wrong.empty() ? DrainAndCheck(client, kJobs, cut.worked) : wrong;
}

class PowerCutTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/weir-power-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    if (geteuid() != 0 || !Disk("up", "2")) {
      directory_.clear();
      GTEST_SKIP() << "no root or no loop devices here: a disk of our own cannot be mounted";
    }
  }
  void TearDown() override {
    if (!directory_.empty()) Disk("down");
  }
  bool Disk(const std::string& verb, const std::string& argument = "") {
    return std::system(absl::StrCat("bash ", WEIR_POWERCUT, " ", verb, " ", directory_, " ",
                                    argument, " >/dev/null 2>&1")
                           .c_str()) == 0;
  }
  std::string directory_;
};

TEST_F(PowerCutTest, EverythingAcknowledgedBeforeTheCutIsThere) {
  const int64_t cuts = FromEnvironment("WEIR_POWER_CUTS", int64_t{20});
  const uint64_t seed = FromEnvironment("WEIR_SEED", uint64_t{1});
  SimRandom random(seed);
  BrokerRunner broker(WEIR_BROKER);
  const absl::Status started = broker.Start(directory_ + "/disk/data");
  ASSERT_TRUE(started.ok()) << started;
  Client client({.broker = broker.address()});
  for (const char* const topic : {kTopic, kJobs}) {
    ASSERT_TRUE(
        Admin(client)
            .CreateTopic(
                {.name = topic, .partitions = kPartitions, .config = {{"segment.bytes", "65536"}}})
            .ok());
  }
  BrokerLedger ledger(kTopic);
  ConsumptionLedger consumed;
  MemberFleet fleet(WEIR_GROUP_MEMBER, broker.address(), kTopic, &consumed);
  ASSERT_TRUE(fleet.Begin(client).ok());
  BrokerLedger jobs(kJobs);
  Producer jobs_producer(client);
  JobLedger worked;
  WorkerFleet workers(WEIR_JOB_WORKER, broker.address(), &worked);
  ASSERT_TRUE(workers.Begin(client, kJobs).ok());
  std::atomic<bool> stop{false};
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      Producer producer(client);
      for (int64_t n = 0; !stop; ++n) {
        if (!ledger.Send(producer, p, n).ok()) break;
        if (n % 16 == 15) producer.Flush(absl::Seconds(60)).IgnoreError();
      }
      producer.Flush(absl::Seconds(60)).IgnoreError();  // its end waits for nothing
    });
  }
  TopicChurn churn;
  std::thread churner([&] { churn.Run(client, stop); });
  std::vector<Cut> promised;
  for (int64_t cut = 0; cut < cuts; ++cut) {
    ledger.AwaitAcknowledged(ledger.acknowledged_count() + 1 +
                             static_cast<int64_t>(random.Below(4000)));
    for (int64_t i = 0; i < kJobsPerCut; ++i) {
      const int64_t n = cut * kJobsPerCut + i;
      ASSERT_TRUE(jobs.Send(jobs_producer, static_cast<int>(n % kJobKeys), n / kJobKeys).ok());
    }
    const std::string& group = WorkerFleet::Groups()[random.Below(2)].name;
    worked.AwaitEnds(group, worked.ends(group) + 1 + static_cast<int64_t>(random.Below(20)));
    if (random.Below(3) == 0) fleet.Change(&random, /*broker_runs=*/true);
    if (random.Below(3) == 0) workers.Change(&random, /*broker_runs=*/true);
    fleet.processes().Sync();
    workers.processes().Sync();
    promised.push_back({.acknowledged = ledger.acknowledged(),
                        .consumed = consumed.promised(),
                        .before = churn.state(),
                        .jobs = jobs.acknowledged(),
                        .worked = {.finished = worked.finished()}});
    ASSERT_TRUE(Disk("cut", absl::StrCat("c", cut)));
    fleet.processes().Sync();
    workers.processes().Sync();
    promised.back().worked.asked = worked.asked();
    promised.back().worked.killed = worked.killed();
    promised.back().commits_asked = consumed.asked();
    promised.back().after = churn.state();
  }
  stop = true;
  for (std::thread& producer : producers) producer.join();
  churner.join();
  fleet.LeaveAll();
  workers.LeaveAll();
  EXPECT_EQ(worked.wrong(), "") << "seed " << seed;
  EXPECT_EQ(consumed.wrong(), "") << "seed " << seed;
  EXPECT_TRUE(churn.first_error().ok()) << churn.first_error();
  EXPECT_TRUE(ledger.first_error().ok()) << ledger.first_error();
  EXPECT_EQ(broker.Terminate(), 0);
  for (int64_t cut = 0; cut < cuts; ++cut) {
    const std::string name = absl::StrCat("c", cut);
    ASSERT_TRUE(Disk("mount", name)) << "cut " << cut;
    {
      BrokerRunner survivor(WEIR_BROKER);
      const absl::Status recovered = survivor.Start(absl::StrCat(directory_, "/", name, "/data"));
      ASSERT_TRUE(recovered.ok()) << "seed " << seed << ", cut " << cut << ": " << recovered;
      const Client reader({.broker = survivor.address()});
      EXPECT_EQ(Check(reader, promised[static_cast<size_t>(cut)]), "")
          << "seed " << seed << ", cut " << cut;
    }
    Disk("drop", name);
  }
  std::cout << "power cuts: " << cuts << ", the last with " << promised.back().acknowledged.size()
            << " acknowledged records, " << promised.back().before.deleted
            << " topics created and deleted, " << consumed.totals().commits
            << " commits of groups, " << worked.totals().accepted << " jobs accepted, seed " << seed
            << "\n";
}

}  // namespace
}  // namespace weir
