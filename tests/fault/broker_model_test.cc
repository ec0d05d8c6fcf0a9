// The model: random operations through the public API, by several clients at once, against the real
// broker, which is stopped and killed between them; every answer is compared with a small
// reference model, and now and then everything that is there.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <iostream>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/fault/model_worker.h"
#include "tests/support/broker_runner.h"
#include "tests/support/environment.h"
#include "tests/support/sim_random.h"
#include "weir/admin.h"

namespace weir {
namespace {

constexpr int kWorkers = 4;

class BrokerModelTest : public testing::Test {
 protected:
  void SetUp() override {
    operations_ = FromEnvironment("WEIR_MODEL_OPERATIONS", operations_);
    seed_ = FromEnvironment("WEIR_SEED", seed_);
    random_ = std::make_unique<SimRandom>(seed_);
    ASSERT_NE(mkdtemp(directory_), nullptr);
    ASSERT_TRUE(Start().ok());
    for (int w = 0; w < kWorkers; ++w) {
      workers_.push_back(std::make_unique<ModelWorker>(random_->Next(), absl::StrCat("w", w, "."),
                                                       broker_.address()));
    }
    Restarted();
  }

  void TearDown() override { std::system(absl::StrCat("rm -rf ", directory_).c_str()); }

  absl::Status Start() {
    return broker_.Start(absl::StrCat(directory_, "/data"), {"--log-level", "warn"});
  }

  void Restarted() {
    const auto described = Describe();
    ASSERT_TRUE(described.ok()) << described.status();
    for (const auto& worker : workers_)
      worker->OnRestart(broker_.address(), described->leader_epoch.value());
  }

  absl::StatusOr<Admin::BrokerDescription> Describe() const {
    return Admin(Client({.broker = broker_.address()})).DescribeBroker();
  }

  // Each on a thread of its own; what differs fails the test.
  template <typename Work>
  void OnAllWorkers(Work work) {
    std::vector<std::thread> threads;
    for (const auto& worker : workers_) threads.emplace_back([&] { work(*worker); });
    for (std::thread& thread : threads) thread.join();
    for (const auto& worker : workers_)
      EXPECT_TRUE(worker->status().ok()) << "seed " << seed_ << ", " << worker->status();
  }

  // How many operations until the broker is stopped next: all magnitudes alike.
  int64_t DrawPhase(int64_t left) {
    const double largest = std::log(static_cast<double>(std::max<int64_t>(left, 100)));
    const double least = std::log(100.0);
    const double at = least + (largest - least) * static_cast<double>(random_->Below(1000)) / 1000;
    return std::min(left, static_cast<int64_t>(std::exp(at)));
  }

  void Restart() {
    const uint64_t how = random_->Below(10);
    if (how < 2) return;
    if (how < 6) {
      broker_.Kill();
      ++kills_;
    } else {
      ASSERT_EQ(broker_.Terminate(), 0) << "seed " << seed_;
      ++stops_;
    }
    const absl::Status started = Start();
    ASSERT_TRUE(started.ok()) << "seed " << seed_ << ": " << started;
    Restarted();
  }

  void CompareTotals() {
    const auto described = Describe();
    ASSERT_TRUE(described.ok()) << described.status();
    int64_t topics = 0;
    int64_t partitions = 0;
    for (const auto& worker : workers_) {
      topics += static_cast<int64_t>(worker->model().topics.size());
      partitions += worker->model().partitions();
    }
    EXPECT_EQ(described->topics, topics) << "seed " << seed_;
    EXPECT_EQ(described->partitions, partitions) << "seed " << seed_;
  }

  int64_t operations_ = 20'000;
  uint64_t seed_ = 1;
  int kills_ = 0;
  int stops_ = 0;
  std::unique_ptr<SimRandom> random_;
  char directory_[23] = "/tmp/weir-model-XXXXXX";
  BrokerRunner broker_{WEIR_BROKER};
  std::vector<std::unique_ptr<ModelWorker>> workers_;
};

TEST_F(BrokerModelTest, EveryAnswerIsTheModels) {
  for (int64_t left = operations_; left > 0 && !HasFailure();) {
    const int64_t phase = std::min(left, DrawPhase(left));
    OnAllWorkers([&](ModelWorker& worker) { worker.Run(std::max<int64_t>(phase / kWorkers, 1)); });
    left -= phase;
    if (HasFailure()) break;
    CompareTotals();
    Restart();
    if (HasFatalFailure()) break;
    OnAllWorkers([](ModelWorker& worker) { worker.CompareAll(); });
  }
  int64_t done = 0;
  for (const auto& worker : workers_) done += worker->operations();
  std::cout << "model: " << done << " operations, " << kills_ << " kills, " << stops_
            << " stops, seed " << seed_ << "\n";
  if (!HasFailure()) EXPECT_EQ(broker_.Terminate(), 0);
}

}  // namespace
}  // namespace weir
