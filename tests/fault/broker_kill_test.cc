// kill -9: the real broker is killed at random moments under eight producers, with segments
// rolling, retention at work and checkpoints running; producers go on by themselves. What was
// acknowledged is remembered by this process: all of it from the log starts on must be there.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

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
// A topic keeps far less than is written to it, and is looked at many times between two kills.
constexpr char kSegmentBytes[] = "16384";
constexpr char kRetentionBytes[] = "49152";
const std::vector<std::string> kBusyRetention = {"--retention-check-interval", "10ms"};
const std::vector<std::string> kNoRetention = {"--retention-check-interval", "1h"};

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
  ASSERT_TRUE(broker.Start(data, kBusyRetention).ok());
  Client client({.broker = broker.address()});
  ASSERT_TRUE(Admin(client)
                  .CreateTopic({.name = BrokerLedger::kTopic,
                                .partitions = kPartitions,
                                .config = {{"segment.bytes", kSegmentBytes},
                                           {"retention.bytes", kRetentionBytes}}})
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
    const absl::Status started = broker.Start(data, kBusyRetention);
    ASSERT_TRUE(started.ok()) << "seed " << seed << ", cycle " << cycle << ": " << started;
  }
  stop = true;
  for (std::thread& producer : producers) producer.join();
  EXPECT_TRUE(ledger.first_error().ok()) << ledger.first_error();
  EXPECT_EQ(broker.Terminate(), 0);
  ASSERT_TRUE(broker.Start(data, kNoRetention).ok());
  BrokerLedger::Found found;
  EXPECT_EQ(BrokerLedger::Check(client, ledger.acknowledged(), kPartitions, &found), "")
      << "seed " << seed;
  EXPECT_EQ(found.records + found.removed, ledger.acknowledged_count())
      << "after the last flush everything is acknowledged, once";
  EXPECT_GT(found.removed, 0) << "retention was at work";
  std::cout << "kill -9: " << cycles << " cycles, " << found.records << " records, "
            << found.removed << " removed by retention, seed " << seed << "\n";
  EXPECT_EQ(broker.Terminate(), 0);
  std::system(absl::StrCat("rm -rf ", directory).c_str());
}

}  // namespace
}  // namespace weir
