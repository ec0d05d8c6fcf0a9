// What the tests of Worker share: a broker that does as it is told, a client of it, and what
// handlers have seen.
#ifndef WEIR_TESTS_UNIT_CLIENT_WORKER_FIXTURE_H_
#define WEIR_TESTS_UNIT_CLIENT_WORKER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/unit/client_fake_share_broker.h"
#include "weir/client.h"
#include "weir/worker.h"

namespace weir {

inline std::vector<std::string> Numbers(int count) {
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
  void TearDown() override { EXPECT_THAT(broker_.complaints(), testing::IsEmpty()); }

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

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_CLIENT_WORKER_FIXTURE_H_
