// The directory of share groups over the real machines, shards and log: what groups read is open in
// the machines of share-partitions, and what they do not read is not; over starts, crashes, and
// topics and groups that come and go. And the gate that keeps logs from losing jobs.
#include "broker/share_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/combined_machine.h"
#include "broker/share/share_records.h"
#include "broker/share_gate.h"
#include "storage/base/error.h"
#include "tests/support/group_text.h"
#include "tests/support/group_world.h"
#include "tests/support/inline_executor.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ShareGroupsTest : public ::testing::Test, public GroupListener {
 protected:
  ShareGroupsTest()
      : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{})) {
    world_->CreateTopic(internal_.id);
    EXPECT_TRUE(world_->Open().ok());
    topics_.Set("orders", 2);
    topics_.Set("dlq.orders.email", 1);
    Start();
  }
  ~ShareGroupsTest() override { Stop(); }

  // A process: machines, shards, directory and gate, from what the store has and the log.
  void Start() {
    broker_ = std::make_unique<Broker>(this);
    broker_->shares.UseShards(broker_->groups->shards());
    ASSERT_TRUE(broker_->groups->Load().ok());
    Pump();
    broker_->directory.Start(&broker_->shares, /*admin=*/nullptr, &timers_, &executor_);
    Pump();
  }
  void Stop() {
    broker_->directory.Stop();
    broker_->gate->Stop();
    StopShards();
    broker_ = nullptr;
  }
  void StopShards() {
    for (Shard* const shard : broker_->groups->shards()) shard->Stop([] {});
    Pump();
  }
  void Pump() {
    do {
      world_->Pump();
      timers_.RunDue();
    } while (executor_.RunAll() > 0);
  }
  void Advance(absl::Duration by) {
    world_->clock().Advance(by);
    Pump();
  }
  void TopicsChanged() {
    broker_->groups->NoteTopicsChanged();
    broker_->directory.NoteTopicsChanged();
    Advance(absl::Seconds(2));
  }

  using Order = GroupShards::Order;
  absl::Status Tell(const std::string& group, Order order) {
    std::optional<absl::Status> answer;
    broker_->groups->Tell(broker_->groups->PartitionOf(group), std::move(order),
                          [&](const absl::Status& status) { answer = status; });
    Pump();
    return answer.value_or(absl::UnknownError("no answer"));
  }
  absl::Status Create(const std::string& group, Subscription subscription,
                      GroupStart start = GroupStart::kEarliest) {
    const TopicId dead_letters = topics_.Set(absl::StrCat("dlq.orders.", group), 1);
    CreateGroupRequest request{
        .group = group,
        .type = GroupType::kShare,
        .start = start,
        .config = {.set = {{"dlq.topic", absl::StrCat("dlq.orders.", group)}}, .remove = {}},
        .subscription = std::move(subscription),
        .dead_letter_topic = dead_letters};
    return Tell(group, [&](GroupMachine& machine, const MachineTime& now, Done done) {
      return machine.admin().Create(now, request, std::move(done));
    });
  }
  absl::Status Delete(const std::string& group) {
    return Tell(group, [&](GroupMachine& machine, const MachineTime&, Done done) {
      return machine.admin().Delete(group, std::move(done));
    });
  }

  // "orders:0@5": what the directory says that the group reads.
  std::vector<std::string> Reads(const std::string& group) {
    const std::shared_ptr<const ShareGroup> found = broker_->directory.FindGroup(group);
    if (found == nullptr) return {"none"};
    std::vector<std::string> reads;
    for (const ShareSource& source : found->sources) {
      reads.push_back(absl::StrCat(source.redrive ? "redrive " : "", source.topic, ":",
                                   source.partition.partition.value(), "@", source.start.value()));
    }
    return reads;
  }
  // "email orders:0@5": what the machines have, with where it begins.
  std::vector<std::string> Open() {
    std::vector<std::string> open;
    for (int32_t i = 0; i < kShards; ++i) {
      for (const auto& [number, entry] :
           broker_->shares.machine(PartitionIndex{i})->table().entries()) {
        const SharePartitionId& id = entry->partition.id();
        open.push_back(absl::StrCat(id.group, " ", topics_.NameOf(id.partition.topic), ":",
                                    id.partition.partition.value(), "@",
                                    entry->partition.start().value()));
      }
    }
    return open;
  }
  TopicPartition PartitionOf(const std::string& topic, int32_t partition) {
    return {topics_.Find(topic)->id, PartitionIndex{partition}};
  }
  template <typename T>
  absl::StatusOr<T> Ask(const SharePartitionId& id, ShareShards::Question<T> question) {
    absl::StatusOr<T> answer = absl::UnknownError("no answer");
    broker_->shares.Ask<T>(broker_->shares.PartitionOf(id), std::move(question),
                           [&](absl::StatusOr<T> given) { answer = std::move(given); });
    Pump();
    return answer;
  }
  // Hands out that many jobs of a log that has ten.
  size_t Acquire(const SharePartitionId& id, int64_t jobs) {
    const auto acquired = Ask<Acquired>(
        id, [&](ShareMachine& machine, const MachineTime& now, Reply<Acquired> reply) {
          AcquireRequest request{.id = id, .session = ShareSessionId{1}, .worker = "w"};
          request.max_jobs = jobs;
          request.scan = ShareScan{.from = Offset{0},
                                   .to = Offset{10},
                                   .ranges = {{Offset{0}, Offset{9}, true}},
                                   .records = {}};
          return machine.acquisition().Acquire(now, std::move(request), std::move(reply));
        });
    if (!acquired.ok()) return 0;
    size_t count = 0;
    for (const AcquiredJobs& range : acquired->jobs)
      count += static_cast<size_t>(range.last - range.first + 1);
    return count;
  }
  std::string Clear(const TopicPartition& partition, Offset to) {
    std::string answer = "nothing";
    broker_->gate->Clear(partition, to, [&](const absl::Status& status) { answer = Text(status); });
    Pump();
    return answer;
  }

  void OnNotice(const Notice&) override {}
  void OnSessionsDropped() override {}

  static constexpr int32_t kShards = 2;

  class Listener : public ShareListener {
   public:
    void OnAvailable(const SharePartitionId&) override {}
    void OnDying(const SharePartitionId&) override {}
    void OnOutcomes(const SharePartitionId&, const ShareOutcomes&) override {}
    void OnLocksForgotten() override {}
  };
  struct Broker {
    explicit Broker(ShareGroupsTest* test)
        : directory(&test->topics_, kShards),
          shares({.partitions = kShards,
                  .epoch = LeaderEpoch{1},
                  .settings = &directory,
                  .listener = [this](PartitionIndex) { return &listener; },
                  .random = [] { return uint64_t{0}; }}) {
      directory.AddListener([test](const std::string& group) { test->told_.push_back(group); });
      gate = std::make_shared<ShareGate>(&directory, &shares, &test->timers_);
      auto opened =
          GroupShards::Open({.topic = std::make_shared<const Topic>(test->internal_),
                             .logs = &test->world_->log(),
                             .store = &test->store_,
                             .topics = &test->topics_,
                             .executor = &test->executor_,
                             .timers = &test->timers_,
                             .clock = &test->world_->clock(),
                             .listener = [test](PartitionIndex) { return test; },
                             .share_heads = directory.heads(),
                             .whole =
                                 [this](PartitionIndex partition, GroupMachine* machine) {
                                   machines.push_back(std::make_unique<CombinedMachine>(
                                       machine, kFirstShareRecordKind, shares.machine(partition)));
                                   return machines.back().get();
                                 }});
      EXPECT_TRUE(opened.ok());
      groups = *std::move(opened);
    }
    Listener listener;
    ShareGroups directory;
    ShareShards shares;
    std::vector<std::unique_ptr<CombinedMachine>> machines;
    std::unique_ptr<GroupShards> groups;
    std::shared_ptr<ShareGate> gate;
  };

  const Topic internal_{.id = TopicId{{0xee}}, .name = "__weir_groups", .partitions = kShards};
  std::unique_ptr<LogWorld> world_;
  InlineExecutor executor_;
  TimerQueue timers_{&world_->clock(), TimerQueue::Drive::kManual};
  FakeStateStore store_;
  FakeTopics topics_;
  std::vector<std::string> told_;
  std::unique_ptr<Broker> broker_;
};

TEST_F(ShareGroupsTest, WhatANewGroupReadsIsOpen) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  EXPECT_THAT(Reads("email"), ElementsAre("orders:0@0", "orders:1@0"));
  EXPECT_THAT(Open(), UnorderedElementsAre("email orders:0@0", "email orders:1@0",
                                           "email dlq.orders.email:0@0"));
  const auto group = broker_->directory.FindGroup("email");
  EXPECT_EQ(group->dead_letter_topic->name, "dlq.orders.email");
  EXPECT_EQ(broker_->directory.Find("email")->ack_timeout_ms, limits::kAckTimeoutDefaultMs);
  EXPECT_THAT(broker_->directory.ReadersOf(PartitionOf("orders", 1)), ElementsAre("email"));
  EXPECT_EQ(broker_->directory.FindGroup("receipts"), nullptr);
  EXPECT_EQ(broker_->directory.AllGroups(), std::vector{group});
  EXPECT_FALSE(told_.empty());
}

TEST_F(ShareGroupsTest, AGroupFromTheLatestBeginsWhereTheLogsEnded) {
  topics_.SetBounds(PartitionOf("orders", 0), {Offset{3}, Offset{7}});
  ASSERT_TRUE(Create("email", {{"orders"}, ""}, GroupStart::kLatest).ok());
  topics_.SetBounds(PartitionOf("orders", 0), {Offset{3}, Offset{100}});
  topics_.Set("orders", 3);
  TopicsChanged();
  const auto expected = ElementsAre("orders:0@7", "orders:1@0", "orders:2@0");
  EXPECT_THAT(Reads("email"), expected);
  Stop();
  Start();
  EXPECT_THAT(Reads("email"), expected);
}

TEST_F(ShareGroupsTest, TopicsAndPartitionsOfAPrefixAreFollowed) {
  ASSERT_TRUE(Create("email", {{}, "ord"}).ok());
  topics_.Set("orders", 3);
  topics_.Set("ordinary", 1);
  TopicsChanged();
  EXPECT_THAT(Reads("email"),
              ElementsAre("orders:0@0", "orders:1@0", "orders:2@0", "ordinary:0@0"));
  topics_.Delete("orders");
  TopicsChanged();
  EXPECT_THAT(Reads("email"), ElementsAre("ordinary:0@0"));
  EXPECT_THAT(Open(), UnorderedElementsAre("email ordinary:0@0", "email dlq.orders.email:0@0"));
}

TEST_F(ShareGroupsTest, ADeletedDeadLetterTopicIsNoneAnyMore) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  topics_.Delete("dlq.orders.email");
  topics_.Set("dlq.orders.email", 1);
  TopicsChanged();
  EXPECT_FALSE(broker_->directory.FindGroup("email")->dead_letter_topic.has_value())
      << "another topic of the name is not the group's";
}

TEST_F(ShareGroupsTest, TopicsForRedrivenJobsAreReadBehindTheOthers) {
  ASSERT_TRUE(Create("email", {{}, "o"}).ok());
  const TopicId redrive = topics_.Set("o.redrive", 1);
  ASSERT_TRUE(Tell("email", [&](GroupMachine& machine, const MachineTime&, Done done) {
                return machine.admin().OwnRedriveTopic("email", "orders", {redrive, "o.redrive"},
                                                       std::move(done));
              }).ok());
  EXPECT_THAT(Reads("email"), ElementsAre("orders:0@0", "orders:1@0", "redrive o.redrive:0@0"));
  EXPECT_EQ(broker_->directory.FindGroup("email")->redrive_topics.at("orders").id, redrive);
}

TEST_F(ShareGroupsTest, NothingOfARemovedGroupStays) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  ASSERT_TRUE(Create("receipts", {{"orders"}, ""}).ok());
  ASSERT_TRUE(Delete("email").ok());
  EXPECT_THAT(Reads("email"), ElementsAre("none"));
  EXPECT_THAT(Reads("receipts"), ElementsAre("orders:0@0", "orders:1@0"));
  EXPECT_THAT(Open(), UnorderedElementsAre("receipts orders:0@0", "receipts orders:1@0",
                                           "receipts dlq.orders.receipts:0@0"));
  EXPECT_THAT(broker_->directory.ReadersOf(PartitionOf("orders", 1)), ElementsAre("receipts"));
}

TEST_F(ShareGroupsTest, WhatWasLeftByACrashIsRemovedAtTheNextStart) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  broker_->directory.Stop();  // the group goes, and nobody tells its share-partitions
  ASSERT_TRUE(Delete("email").ok());
  EXPECT_EQ(Open().size(), 3u);
  Stop();
  Start();
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(ShareGroupsTest, WhatIsThereIsReadAgainAfterAStart) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  ASSERT_EQ(Acquire({"email", PartitionOf("orders", 0)}, 3), 3u);
  const std::vector<std::string> open = Open();
  Stop();
  Start();
  EXPECT_THAT(Reads("email"), ElementsAre("orders:0@0", "orders:1@0"));
  EXPECT_EQ(Open(), open);
}

TEST_F(ShareGroupsTest, AGroupThatComesAgainBeginsAnew) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  const SharePartitionId id{"email", PartitionOf("orders", 0)};
  ASSERT_EQ(Acquire(id, 10), 10u);
  ASSERT_TRUE(Delete("email").ok());
  EXPECT_EQ(Acquire(id, 10), 0u);
  Advance(absl::Milliseconds(5));
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  EXPECT_EQ(Acquire(id, 10), 10u);
}

TEST_F(ShareGroupsTest, BeforeTheStartNothingIsOpened) {
  Stop();
  broker_ = std::make_unique<Broker>(this);
  broker_->shares.UseShards(broker_->groups->shards());
  ASSERT_TRUE(broker_->groups->Load().ok());
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  EXPECT_THAT(Reads("email"), IsEmpty());
  broker_->directory.Start(&broker_->shares, /*admin=*/nullptr, &timers_, &executor_);
  Pump();
  EXPECT_THAT(Reads("email"), ElementsAre("orders:0@0", "orders:1@0"));
}

// --- The gate ---

TEST_F(ShareGroupsTest, ALogThatNobodyReadsMayGo) {
  EXPECT_EQ(Clear(PartitionOf("orders", 0), Offset{10}), "ok");
}

TEST_F(ShareGroupsTest, JobsThatWereNeverHandedOutGoWithTheLog) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  EXPECT_EQ(Clear(PartitionOf("orders", 0), Offset{10}), "ok");
  EXPECT_THAT(Open(), ::testing::Contains("email orders:0@10"));
}

TEST_F(ShareGroupsTest, TheLogKeepsJobsUntilTheirDeadLettersAreWritten) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  ASSERT_TRUE(Create("receipts", {{"orders"}, ""}).ok());
  const SharePartitionId id{"email", PartitionOf("orders", 0)};
  ASSERT_EQ(Acquire(id, 3), 3u);
  EXPECT_EQ(Clear(id.partition, Offset{10}), "JOBS_PENDING");
  EXPECT_EQ(Clear(PartitionOf("orders", 1), Offset{10}), "ok") << "another partition";
  // They are cancelled, and need none.
  const auto cancelled =
      Ask<int64_t>(id, [&](ShareMachine& machine, const MachineTime& now, Reply<int64_t> reply) {
        return machine.admin().CancelJobs(now, id, Offset{10}, {Offset{0}, Offset{1}, Offset{2}},
                                          std::move(reply));
      });
  ASSERT_TRUE(cancelled.ok());
  EXPECT_EQ(*cancelled, 3);
  EXPECT_EQ(Clear(id.partition, Offset{10}), "ok");
}

TEST_F(ShareGroupsTest, JobsBelowGoOnDyingUntilNoneIsLeft) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  const SharePartitionId id{"email", PartitionOf("orders", 0)};
  ASSERT_EQ(Acquire(id, 3), 3u);
  ASSERT_EQ(Clear(id.partition, Offset{10}), "JOBS_PENDING");
  ASSERT_TRUE(
      Ask<int64_t>(id, [&](ShareMachine& machine, const MachineTime& now, Reply<int64_t> reply) {
        return machine.admin().CancelJobs(now, id, Offset{10}, {Offset{0}, Offset{1}, Offset{2}},
                                          std::move(reply));
      }).ok());
  Advance(absl::Milliseconds(limits::kExpirePauseMs));
  EXPECT_THAT(Open(), ::testing::Contains("email orders:0@10")) << "nobody asked again";
}

TEST_F(ShareGroupsTest, AStoppedGateLetsNothingGo) {
  ASSERT_TRUE(Create("email", {{"orders"}, ""}).ok());
  broker_->gate->Stop();
  EXPECT_EQ(Clear(PartitionOf("orders", 0), Offset{10}), "SHUTTING_DOWN");
}

}  // namespace
}  // namespace weir
