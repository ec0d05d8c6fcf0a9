// kill -9: the real broker is killed at random moments under eight producers, with segments
// rolling, retention at work and checkpoints running; producers go on by themselves. What was
// acknowledged is remembered by this process.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <iostream>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/fault/broker_ledger.h"
#include "tests/support/broker_runner.h"
#include "tests/support/sim_random.h"
#include "weir/admin.h"

namespace weir {
namespace {

constexpr int kProducers = 8;
constexpr int32_t kPartitions = 6;

TEST(BrokerKillTest, NothingAcknowledgedIsLostAndNothingIsThereTwice) {
  int64_t cycles = 50;
  uint64_t seed = 1;
  if (const char* text = getenv("WEIR_KILL_CYCLES")) ASSERT_TRUE(absl::SimpleAtoi(text, &cycles));
  if (const char* text = getenv("WEIR_SEED")) ASSERT_TRUE(absl::SimpleAtoi(text, &seed));
  SimRandom random(seed);
  char directory[] = "/tmp/weir-kill-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string data = absl::StrCat(directory, "/data");
  BrokerRunner broker(WEIR_BROKER);
  ASSERT_TRUE(broker.Start(data).ok());
  Client client({.broker = broker.address()});
  ASSERT_TRUE(Admin(client)
                  .CreateTopic({.name = BrokerLedger::kTopic,
                                .partitions = kPartitions,
                                .config = {{"segment.bytes", "65536"}}})
                  .ok());
  BrokerLedger ledger;
  std::atomic<bool> stop{false};
  std::vector<std::thread> producers;
  for (int p = 0; p < kProducers; ++p) {
    producers.emplace_back([&, p] {
      Producer producer(client, {.delivery_timeout = absl::InfiniteDuration()});
      for (int64_t n = 0; !stop; ++n) {
        if (!ledger.Send(producer, p, n).ok()) break;
        if (n % 64 == 63)
          producer.Flush(absl::Seconds(60)).IgnoreError();  // bounds what is on the way
      }
      producer.Flush(absl::Seconds(120)).IgnoreError();
    });
  }
  for (int64_t cycle = 0; cycle < cycles; ++cycle) {
    ledger.AwaitAcknowledged(ledger.acknowledged_count() + 1 +
                             static_cast<int64_t>(random.Below(3000)));
    ASSERT_TRUE(ledger.first_error().ok())
        << "seed " << seed << ", cycle " << cycle << ": " << ledger.first_error();
    broker.Kill();
    const absl::Status started = broker.Start(data);
    ASSERT_TRUE(started.ok()) << "seed " << seed << ", cycle " << cycle << ": " << started;
  }
  stop = true;
  for (std::thread& producer : producers) producer.join();
  EXPECT_TRUE(ledger.first_error().ok()) << ledger.first_error();
  int64_t records = 0;
  EXPECT_EQ(BrokerLedger::Check(client, ledger.acknowledged(), kPartitions, &records), "")
      << "seed " << seed;
  EXPECT_EQ(records, ledger.acknowledged_count())
      << "after the last flush everything is acknowledged, once";
  std::cout << "kill -9: " << cycles << " cycles, " << records << " records, seed " << seed << "\n";
  EXPECT_EQ(broker.Terminate(), 0);
  std::system(absl::StrCat("rm -rf ", directory).c_str());
}

}  // namespace
}  // namespace weir
