// kill -9: the real broker is killed at random moments under eight producers and four groups of
// consumers, which are processes of their own and are killed, too; with segments rolling, retention
// at work and checkpoints running. Producers and members go on by themselves. What was acknowledged
// is remembered by this process: of the records all from the log start on must be there, of the
// commits all; and every group sees every record, from where it has committed, in order.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fault/broker_ledger.h"
#include "tests/fault/consumption_ledger.h"
#include "tests/fault/member_fleet.h"
#include "tests/support/broker_runner.h"
#include "tests/support/environment.h"
#include "tests/support/sim_random.h"
#include "weir/admin.h"

namespace weir {
namespace {

constexpr int kProducers = 8;
constexpr int32_t kPartitions = 6;
// One topic keeps far less than is written to it, and is looked at many times between two kills.
constexpr char kPassing[] = "passing";
// The other keeps everything: groups read it. It gets every so many-th record.
constexpr char kLasting[] = "lasting";
constexpr int64_t kLastingEvery = 8;
constexpr char kSegmentBytes[] = "16384";
constexpr char kRetentionBytes[] = "49152";
const std::vector<std::string> kBusyRetention = {"--retention-check-interval", "10ms"};
const std::vector<std::string> kNoRetention = {"--retention-check-interval", "1h"};

class BrokerKillTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cycles_ = FromEnvironment("WEIR_KILL_CYCLES", cycles_);
    seed_ = FromEnvironment("WEIR_SEED", seed_);
    random_ = SimRandom(seed_);
    ASSERT_NE(mkdtemp(directory_), nullptr);
    ASSERT_TRUE(Start(kBusyRetention).ok());
    client_ = std::make_unique<Client>(ClientOptions{.broker = broker_.address()});
    CreateTopic(
        {.name = kPassing,
         .partitions = kPartitions,
         .config = {{"segment.bytes", kSegmentBytes}, {"retention.bytes", kRetentionBytes}}});
    CreateTopic({.name = kLasting,
                 .partitions = kPartitions,
                 .config = {{"segment.bytes", kSegmentBytes}}});
    fleet_ =
        std::make_unique<MemberFleet>(WEIR_GROUP_MEMBER, broker_.address(), kLasting, &consumed_);
    ASSERT_TRUE(fleet_->Begin(*client_).ok());
    for (int p = 0; p < kProducers; ++p) producers_.emplace_back([this, p] { Produce(p); });
  }
  void TearDown() override {
    stop_ = true;
    for (std::thread& producer : producers_) producer.join();
    fleet_ = nullptr;
    std::system(absl::StrCat("rm -rf ", directory_).c_str());
  }

  absl::Status Start(const std::vector<std::string>& arguments) {
    return broker_.Start(absl::StrCat(directory_, "/data"), arguments);
  }
  void CreateTopic(const Admin::TopicSpec& topic) {
    ASSERT_TRUE(Admin(*client_).CreateTopic(topic).ok());
  }

  void Produce(int number) {
    Producer producer(*client_, {.delivery_timeout = absl::InfiniteDuration()});
    for (int64_t n = 0; !stop_; ++n) {
      if (!passing_.Send(producer, number, n).ok()) break;
      if (n % kLastingEvery == 0 && !lasting_.Send(producer, number, n / kLastingEvery).ok()) break;
      if (n % 64 == 63)
        producer.Flush(absl::Seconds(60)).IgnoreError();  // bounds what is on the way
    }
    producer.Flush(absl::Seconds(120)).IgnoreError();
  }

  // What is wrong, if anything.
  std::string Wrong() const {
    for (const BrokerLedger* const ledger : {&passing_, &lasting_}) {
      if (!ledger->first_error().ok()) return ledger->first_error().ToString();
    }
    return consumed_.wrong();
  }

  // A round of what happens to a broker and its members. Empty when all is as it must be.
  std::string Cycle() {
    if (random_.Below(2) == 0) fleet_->Change(&random_, /*broker_runs=*/true);
    passing_.AwaitAcknowledged(passing_.acknowledged_count() + 1 +
                               static_cast<int64_t>(random_.Below(3000)));
    if (random_.Below(4) == 0)
      consumed_.AwaitProgress(MemberFleet::Groups()[random_.Below(4)].name);
    // What is shown right before the end holds, too.
    ConsumptionLedger::Promise shown;
    if (std::string wrong = Look(&shown); !wrong.empty()) return wrong;
    broker_.Kill();
    fleet_->processes().Sync();
    consumed_.NoteShown(shown);
    if (random_.Below(3) == 0) fleet_->Change(&random_, /*broker_runs=*/false);
    if (const absl::Status started = Start(kBusyRetention); !started.ok())
      return started.ToString();
    if (std::string wrong = Look(&shown); !wrong.empty()) return wrong;
    fleet_->processes().Sync();
    consumed_.NoteShown(shown);
    return Wrong();
  }

  // Everything that was promised up to now, as the broker says it.
  std::string Look(ConsumptionLedger::Promise* shown) {
    fleet_->processes().Sync();
    const ConsumptionLedger::Promise before = consumed_.promised();
    *shown = {};
    return ConsumptionLedger::Describe(Client({.broker = broker_.address()}), kLasting, before,
                                       shown);
  }

  int64_t cycles_ = 50;
  uint64_t seed_ = 1;
  SimRandom random_{seed_};
  char directory_[22] = "/tmp/weir-kill-XXXXXX";
  BrokerRunner broker_{WEIR_BROKER};
  std::unique_ptr<Client> client_;
  BrokerLedger passing_{kPassing};
  BrokerLedger lasting_{kLasting};
  ConsumptionLedger consumed_;
  std::unique_ptr<MemberFleet> fleet_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> producers_;
};

TEST_F(BrokerKillTest, NothingAcknowledgedIsLostAndNothingIsThereTwice) {
  for (int64_t cycle = 0; cycle < cycles_; ++cycle)
    ASSERT_EQ(Cycle(), "") << "seed " << seed_ << ", cycle " << cycle;
  stop_ = true;
  for (std::thread& producer : producers_) producer.join();
  producers_.clear();
  consumed_.AwaitCommitted(lasting_.ends());
  fleet_->LeaveAll();
  EXPECT_EQ(Wrong(), "") << "seed " << seed_;
  EXPECT_EQ(broker_.Terminate(), 0);
  ASSERT_TRUE(Start(kNoRetention).ok());
  ConsumptionLedger::Promise shown;
  EXPECT_EQ(Look(&shown), "") << "seed " << seed_;
  for (const MemberGroup& group : MemberFleet::Groups())
    EXPECT_EQ(shown.committed[group.name], lasting_.ends()) << group.name << ", seed " << seed_;
  BrokerLedger::Found found;
  EXPECT_EQ(BrokerLedger::Check(*client_, kLasting, lasting_.acknowledged(), kPartitions, &found),
            "")
      << "seed " << seed_;
  EXPECT_EQ(found.records, lasting_.acknowledged_count());
  EXPECT_EQ(BrokerLedger::Check(*client_, kPassing, passing_.acknowledged(), kPartitions, &found),
            "")
      << "seed " << seed_;
  EXPECT_EQ(found.records + found.removed, passing_.acknowledged_count())
      << "after the last flush everything is acknowledged, once";
  EXPECT_GT(found.removed, 0) << "retention was at work";
  const ConsumptionLedger::Totals totals = consumed_.totals();
  std::cout << "kill -9: " << cycles_ << " cycles, " << found.records << " records, "
            << found.removed << " removed by retention, " << lasting_.acknowledged_count()
            << " read by groups, which saw " << totals.seen << " in " << totals.begins
            << " beginnings with " << totals.commits << " commits; " << fleet_->processes().kills()
            << " members killed, " << fleet_->processes().leaves() << " left, seed " << seed_
            << "\n";
  EXPECT_EQ(broker_.Terminate(), 0);
}

}  // namespace
}  // namespace weir
