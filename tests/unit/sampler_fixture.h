// What the tests of samplers share: real shards over a simulated log and a store that the test
// fills before they open, topics with ends, and a clock that runs away.
#ifndef WEIR_TESTS_UNIT_SAMPLER_FIXTURE_H_
#define WEIR_TESTS_UNIT_SAMPLER_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "broker/group/group_shards.h"
#include "storage/base/limits.h"
#include "tests/support/group_world.h"
#include "tests/support/log_world.h"

namespace weir {

// Every look at it is an hour later.
class HastyClock : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + Monotonic(); }
  absl::Duration Monotonic() const override { return absl::Hours(++looks_); }

 private:
  mutable int looks_ = 0;
};

class SamplerFixture : public ::testing::Test {
 protected:
  static constexpr int kThreads = 2;

  SamplerFixture() {
    world_.CreateTopic(kTopic);
    EXPECT_TRUE(world_.Open().ok());
  }
  void TearDown() override {
    if (groups_ != nullptr) groups_->Stop();
  }

  TopicId AddTopic(const std::string& name, int32_t partitions, int64_t end) {
    const TopicId id = topics_.Set(name, partitions);
    for (int32_t i = 0; i < partitions; ++i)
      topics_.SetBounds({id, PartitionIndex{i}}, {Offset{0}, Offset{end}});
    return id;
  }
  // One table for each shard.
  template <typename Table>
  static std::vector<Table> Tables() {
    std::vector<Table> tables;
    for (int32_t i = 0; i < limits::kGroupPartitions; ++i) tables.emplace_back(PartitionIndex{i});
    return tables;
  }
  // What the shard of the table will find when it opens.
  template <typename Table>
  void Store(const InternalRecord& record, Table* table) {
    std::vector<StateChange> changes;
    ASSERT_TRUE(table->Replay(record, &changes).ok());
    ASSERT_TRUE(store_.Write(changes).ok());
  }
  // `whole`: what each shard runs, or nothing: the machine of groups. Load() is to follow.
  void OpenShards(GroupListener* listener,
                  std::function<StateMachine*(PartitionIndex, GroupMachine*)> whole = nullptr) {
    const auto topic = std::make_shared<Topic>(Topic{
        .id = kTopic, .name = std::string(kGroupsTopic), .partitions = limits::kGroupPartitions});
    GroupShards::Options options{.topic = topic,
                                 .logs = &world_.log(),
                                 .store = &store_,
                                 .topics = &topics_,
                                 .executor = &executor_,
                                 .timers = &timers_,
                                 .clock = &world_.clock(),
                                 .listener = [listener](PartitionIndex) { return listener; }};
    if (whole) options.whole = std::move(whole);
    auto groups = GroupShards::Open(options);
    ASSERT_TRUE(groups.ok()) << groups.status();
    groups_ = *std::move(groups);
  }
  // No shard answers until LetShardsGo(); once.
  void HoldShards() {
    // What a thread has not finished yet goes on with what is asked meanwhile.
    absl::BlockingCounter held(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      executor_.Post([this, &held] {
        held.DecrementCount();
        go_on_.WaitForNotification();
      });
    }
    held.Wait();
  }
  void LetShardsGo() { go_on_.Notify(); }

  static constexpr TopicId kTopic{{0xee}};
  LogWorld world_{std::make_unique<SimFileSystem>(), Ledger{}};
  FakeTopics topics_;
  FakeStateStore store_;
  absl::Notification go_on_;
  TimerQueue timers_{&world_.clock(), TimerQueue::Drive::kManual};
  ThreadExecutor executor_{"shards", kThreads};
  std::unique_ptr<GroupShards> groups_;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_SAMPLER_FIXTURE_H_
