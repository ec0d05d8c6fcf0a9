// What the metrics page learns of share groups from real shards, and what that costs.
#include "broker/share_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/combined_machine.h"
#include "broker/group/group_shards.h"
#include "broker/share/share_records.h"
#include "broker/share/share_table.h"
#include "storage/base/limits.h"
#include "tests/unit/sampler_fixture.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class Deaf : public GroupListener, public ShareListener {
  void OnNotice(const Notice&) override {}
  void OnSessionsDropped() override {}
  void OnAvailable(const SharePartitionId&) override {}
  void OnDying(const SharePartitionId&) override {}
  void OnOutcomes(const SharePartitionId&, const ShareOutcomes&) override {}
  void OnLocksForgotten() override {}
};

// Groups that a test makes.
class FakeDirectory : public ShareDirectory {
 public:
  ShareGroup& Of(const std::string& group) {
    groups_[group].id = group;
    groups_[group].settings.incarnation = 1;
    return groups_[group];
  }

  std::shared_ptr<const ShareGroup> FindGroup(absl::string_view group) const override {
    const auto found = groups_.find(std::string(group));
    return found == groups_.end() ? nullptr : std::make_shared<const ShareGroup>(found->second);
  }
  std::vector<std::shared_ptr<const ShareGroup>> AllGroups() const override {
    std::vector<std::shared_ptr<const ShareGroup>> all;
    for (const auto& [id, group] : groups_) all.push_back(FindGroup(id));
    return all;
  }
  void AddListener(Listener) override {}
  void AwaitOpen(absl::string_view) override {}
  absl::StatusOr<ShareTopic> RequireDeadLetterTopic(const std::string&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<ShareTopic> RequireRedriveTopic(const std::string&, const std::string&) override {
    return absl::UnimplementedError("");
  }

 private:
  std::map<std::string, ShareGroup> groups_;
};

class ShareSamplerTest : public SamplerFixture {
 protected:
  // What the directory says of a group, and the state of its share-partitions, which the shards
  // will find: all begin at 0.
  void AddReads(const std::string& group, const std::string& topic) {
    const TopicView::Topic found = *topics_.Find(topic);
    ShareGroup& added = directory_.Of(group);
    for (int32_t i = 0; i < found.partitions; ++i) {
      const TopicPartition partition{found.id, PartitionIndex{i}};
      added.sources.push_back({.topic = topic, .partition = partition, .start = Offset{0}});
      Open({group, partition});
    }
  }
  ShareTable& TableOf(const SharePartitionId& id) {
    return tables_[static_cast<size_t>(
        ShardOfSharePartition(id, limits::kGroupPartitions).value())];
  }
  void Store(const SharePartitionId& id, const InternalRecord& record) {
    SamplerFixture::Store(record, &TableOf(id));
  }
  void Open(const SharePartitionId& id, int64_t incarnation = 1) {
    Store(id, ShareRecordOf(SharePartitionOpened{.number = TableOf(id).next_number(),
                                                 .id = id,
                                                 .incarnation = incarnation,
                                                 .start = Offset{0}}));
  }
  int64_t NumberOf(const SharePartitionId& id) { return TableOf(id).Find(id)->partition.number(); }
  void Finish(const SharePartitionId& id, int64_t first, int64_t last,
              FinishCause cause = FinishCause::kAccepted) {
    Store(id, ShareRecordOf(JobsFinished{.number = NumberOf(id),
                                         .cause = cause,
                                         .ranges = {{Offset{first}, Offset{last}}},
                                         .parked = {}}));
  }
  // Until an hour from now.
  ParkedJob Delay(const SharePartitionId& id, int64_t job) {
    ParkedJob parked{.offset = Offset{job}, .last = Offset{job}};
    parked.due_ms = world_.clock().NowMs() + 3'600'000;
    Store(id, ShareRecordOf(JobsParked{.number = NumberOf(id), .jobs = {parked}, .before = {}}));
    return parked;
  }

  void Start() {
    shares_ = std::make_unique<ShareShards>(
        ShareShards::Options{.partitions = limits::kGroupPartitions,
                             .epoch = LeaderEpoch{1},
                             .settings = &directory_,
                             .listener = [this](PartitionIndex) { return &listener_; },
                             .random = [] { return uint64_t{0}; }});
    OpenShards(&listener_, [this](PartitionIndex partition, GroupMachine* machine) {
      machines_.push_back(std::make_unique<CombinedMachine>(machine, kFirstShareRecordKind,
                                                            shares_->machine(partition)));
      return machines_.back().get();
    });
    ASSERT_NE(groups_, nullptr);
    shares_->UseShards(groups_->shards());
    ASSERT_TRUE(groups_->Load().ok());
  }
  // Jobs are a second old for each offset that they lie behind 100.
  ShareSampler Sampler(const Clock* clock) {
    return ShareSampler({.shards = shares_.get(),
                         .directory = &directory_,
                         .topics = &topics_,
                         .clock = clock,
                         .record_time = [this](const TopicPartition&, Offset offset) {
                           return std::optional<int64_t>(world_.clock().NowMs() -
                                                         1'000 * (100 - offset.value()));
                         }});
  }
  SharesSample Sample() { return Sampler(&world_.clock()).Sample(); }
  static size_t Topics(const SharesSample& sample) {
    size_t topics = 0;
    for (const ShareSample& group : sample.groups) topics += group.topics.size();
    return topics;
  }

  FakeDirectory directory_;
  std::vector<ShareTable> tables_ = Tables<ShareTable>();
  Deaf listener_;
  std::unique_ptr<ShareShards> shares_;
  std::vector<std::unique_ptr<CombinedMachine>> machines_;
};

TEST_F(ShareSamplerTest, PartitionsOfAllShardsAreAddedUpByGroupAndTopic) {
  constexpr int32_t kPartitions = 40;
  const TopicId orders = AddTopic("orders", kPartitions, 100);
  const TopicId events = AddTopic("events", 2, 10);
  for (const char* group : {"email", "receipts"}) AddReads(group, "orders");
  AddReads("email", "events");
  directory_.Of("receipts").settings.pause = SharePause::kPausedByBreaker;
  directory_.Of("idle").settings.pause = SharePause::kPaused;
  for (int32_t i = 0; i < kPartitions; ++i) {
    const SharePartitionId id{"email", {orders, PartitionIndex{i}}};
    Finish(id, 0, 29);
    Finish(id, 40, 49);
    Finish(id, 60, 60, FinishCause::kCancelled);
    Finish(id, 61, 62, FinishCause::kGone);
  }
  const SharePartitionId one{"email", {orders, PartitionIndex{7}}};
  const SharePartitionId other{"email", {orders, PartitionIndex{8}}};
  Finish(one, 30, 33);
  Finish(other, 30, 32);
  Delay(one, 34);
  ParkedJob dead = Delay(other, 33);
  ParkedJob dying = dead;
  dying.cause = ParkedCause::kDying;
  dying.reason = DeathReason::kRejected;
  Store(other,
        ShareRecordOf(JobsParked{.number = NumberOf(other), .jobs = {dying}, .before = {dead}}));
  Store(other, ShareRecordOf(JobsFinished{.number = NumberOf(other),
                                          .cause = FinishCause::kDied,
                                          .ranges = {},
                                          .parked = {dying}}));
  for (int32_t i = 0; i < 2; ++i) Finish({"email", {events, PartitionIndex{i}}}, 0, 9);
  Start();

  const SharesSample sample = Sample();
  EXPECT_THAT(sample.by_state,
              ElementsAre(Pair("paused", 1), Pair("paused_by_breaker", 1), Pair("running", 1)));
  ASSERT_EQ(sample.groups.size(), 3u);
  const ShareSample& email = sample.groups[0];
  EXPECT_EQ(email.group, "email");
  EXPECT_FALSE(email.paused || email.paused_by_breaker);
  ASSERT_EQ(email.topics.size(), 2u);
  const ShareSample::Topic& sum = email.topics[0];
  EXPECT_EQ(sum.name, "orders");
  EXPECT_EQ(sum.accepted, kPartitions * 40 + 4 + 3);
  EXPECT_EQ(sum.cancelled, kPartitions);
  EXPECT_EQ(sum.expired, 2 * kPartitions);
  EXPECT_THAT(sum.died, ElementsAre(Pair("EXPIRED", 0), Pair("MAX_ATTEMPTS", 0),
                                    Pair("REJECTED", 1), Pair("UNREADABLE", 0)));
  EXPECT_EQ(sum.delayed, 1);
  EXPECT_EQ(sum.unfinished, kPartitions * (100 - 43) - 4 - 3 - 1);
  EXPECT_EQ(sum.oldest_seconds, 70.0) << "of offset 30";
  EXPECT_EQ(email.topics[1].name, "events");
  EXPECT_EQ(email.topics[1].unfinished, 0);
  EXPECT_EQ(email.topics[1].oldest_seconds, 0.0);
  EXPECT_EQ(sample.groups[1].group, "idle");
  EXPECT_TRUE(sample.groups[1].paused);
  EXPECT_FALSE(sample.groups[1].paused_by_breaker);
  EXPECT_TRUE(sample.groups[1].topics.empty());
  EXPECT_TRUE(sample.groups[2].paused && sample.groups[2].paused_by_breaker);
  EXPECT_EQ(sample.groups[2].topics.at(0).unfinished, 100 * kPartitions);
  EXPECT_EQ(sample.omitted_groups + sample.omitted_topics + sample.omitted_ages, 0);
  EXPECT_EQ(sample.unanswered_shards, 0);
}

TEST_F(ShareSamplerTest, JobsThatWorkersHaveAreInFlightAndThoseBehindThemAvailable) {
  const TopicId orders = AddTopic("orders", 2, 100);
  AddReads("email", "orders");
  Start();
  for (int32_t i = 0; i < 2; ++i) {
    const SharePartitionId id{"email", {orders, PartitionIndex{i}}};
    const auto acquired = shares_->AskAndWait<Acquired>(
        shares_->PartitionOf(id),
        [id](ShareMachine& machine, const MachineTime& now, Reply<Acquired> reply) {
          AcquireRequest request{.id = id, .session = ShareSessionId{1}, .worker = "w"};
          request.max_jobs = 3;
          request.scan = ShareScan{.from = Offset{0},
                                   .to = Offset{10},
                                   .ranges = {{Offset{0}, Offset{9}, true}},
                                   .records = {}};
          return machine.acquisition().Acquire(now, std::move(request), std::move(reply));
        });
    ASSERT_TRUE(acquired.ok()) << acquired.status();
  }
  const SharesSample sample = Sample();
  const ShareSample::Topic& topic = sample.groups.at(0).topics.at(0);
  EXPECT_EQ(topic.in_flight, 6);
  EXPECT_EQ(topic.available, 14);
  EXPECT_EQ(topic.unfinished, 200);
}

TEST_F(ShareSamplerTest, ATopicOfWhichAPartitionIsMissingIsNotShownWithLess) {
  AddTopic("orders", 3, 100);
  AddTopic("events", 1, 100);
  AddReads("email", "orders");
  AddReads("email", "events");
  AddReads("receipts", "orders");
  const TopicPartition second{topics_.Find("orders")->id, PartitionIndex{1}};
  Store({"email", second}, SharePartitionRemovedRecord(NumberOf({"email", second})));
  Store({"receipts", second}, SharePartitionRemovedRecord(NumberOf({"receipts", second})));
  Open({"receipts", second}, /*incarnation=*/0);  // of an earlier group of the name
  Start();
  const SharesSample sample = Sample();
  ASSERT_EQ(sample.groups.size(), 2u);
  ASSERT_EQ(sample.groups[0].topics.size(), 1u);
  EXPECT_EQ(sample.groups[0].topics[0].name, "events");
  EXPECT_TRUE(sample.groups[1].topics.empty());
  EXPECT_EQ(sample.omitted_topics, 2);
}

TEST_F(ShareSamplerTest, WhatAGroupDoesNotReadIsNotItsBacklog) {
  AddTopic("orders", 1, 100);
  AddReads("email", "orders");
  const TopicId letters = AddTopic("dlq.orders.email", 1, 50);
  Open({"email", {letters, PartitionIndex{0}}});  // for marks
  const TopicId grown = topics_.Set("orders", 2);
  Open({"email", {grown, PartitionIndex{1}}});  // the directory does not show it yet
  AddTopic("gone", 1, 100);
  AddReads("email", "gone");
  Start();
  topics_.Delete("gone");
  const SharesSample sample = Sample();
  ASSERT_EQ(Topics(sample), 1u);
  EXPECT_EQ(sample.groups[0].topics[0].unfinished, 100);
  EXPECT_EQ(sample.omitted_topics, 0);
}

TEST_F(ShareSamplerTest, WhatIsBeyondTheBoundsIsCounted) {
  constexpr size_t kMore = 123;
  AddTopic("a", 1, 1);
  AddTopic("b", 1, 1);
  AddTopic("c", 1, 1);
  for (size_t i = 0; i < limits::kMetricGroups + kMore; ++i) {
    const std::string group = absl::StrFormat("g%05d", i);
    for (const char* topic : {"a", "b", "c"}) AddReads(group, topic);
  }
  Start();
  const SharesSample sample = Sample();
  ASSERT_EQ(sample.groups.size(), limits::kMetricGroups);
  for (size_t i = 0; i < sample.groups.size(); ++i)
    ASSERT_EQ(sample.groups[i].group, absl::StrFormat("g%05d", i));
  EXPECT_EQ(sample.omitted_groups, static_cast<int64_t>(kMore));
  EXPECT_EQ(sample.by_state.at("running"), static_cast<int64_t>(limits::kMetricGroups + kMore));
  EXPECT_EQ(Topics(sample), limits::kMetricShareTopics);
  EXPECT_EQ(sample.omitted_topics,
            static_cast<int64_t>(3 * limits::kMetricGroups - limits::kMetricShareTopics));
}

TEST_F(ShareSamplerTest, ShardsThatDoNotAnswerInTimeAreCountedAndTakeTheirTopicsWithThem) {
  AddTopic("orders", 1, 10);
  AddReads("email", "orders");
  Start();
  ASSERT_EQ(Topics(Sample()), 1u);
  HoldShards();
  const HastyClock hasty;
  const SharesSample sample = Sampler(&hasty).Sample();
  LetShardsGo();
  EXPECT_EQ(sample.unanswered_shards, limits::kGroupPartitions);
  EXPECT_EQ(sample.groups.size(), 1u) << "that it is there the directory knows";
  EXPECT_EQ(Topics(sample), 0u);
  EXPECT_EQ(sample.omitted_topics, 1);
  EXPECT_EQ(Topics(Sample()), 1u) << "answers that came too late are nobody's";
}

TEST_F(ShareSamplerTest, ARecordThatCannotBeReadTakesTheAgeOfItsTopic) {
  AddTopic("orders", 2, 10);
  AddReads("email", "orders");
  Start();
  ShareSampler sampler({.shards = shares_.get(),
                        .directory = &directory_,
                        .topics = &topics_,
                        .clock = &world_.clock(),
                        .record_time = [](const TopicPartition& partition, Offset) {
                          return partition.partition == PartitionIndex{1}
                                     ? std::nullopt
                                     : std::optional<int64_t>(0);
                        }});
  const SharesSample sample = sampler.Sample();
  ASSERT_EQ(Topics(sample), 1u);
  EXPECT_EQ(sample.groups[0].topics[0].unfinished, 20);
  EXPECT_EQ(sample.groups[0].topics[0].oldest_seconds, std::nullopt);
  EXPECT_EQ(sample.omitted_ages, 1);
}

// Prints times, and asserts none.
TEST_F(ShareSamplerTest, TwentyThousandSharePartitions) {
  constexpr int kGroups = 200;
  constexpr int32_t kPartitionsEach = 100;
  AddTopic("orders", kPartitionsEach, 10);
  for (int g = 0; g < kGroups; ++g) {
    const std::string group = absl::StrFormat("g%03d", g);
    AddReads(group, "orders");
    if (g % 4 > 0) continue;
    for (int32_t i = 0; i < kPartitionsEach; ++i)
      Delay({group, {topics_.Find("orders")->id, PartitionIndex{i}}}, 0);
  }
  Start();
  ASSERT_EQ(Topics(Sample()), static_cast<size_t>(kGroups));
  const Clock& clock = Clock::Real();
  absl::Duration since = clock.Monotonic();
  EXPECT_EQ(Topics(Sample()), static_cast<size_t>(kGroups));
  const absl::Duration all = clock.Monotonic() - since;
  since = clock.Monotonic();
  const auto page = shares_->AskAndWait<SharePage>(
      PartitionIndex{0}, [](ShareMachine& machine, const MachineTime&, Reply<SharePage> reply) {
        return machine.survey().Page(0, std::move(reply));
      });
  const absl::Duration visit = clock.Monotonic() - since;
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->next.has_value());
  std::printf(
      "20,000 share-partitions, 5,000 with parked jobs: %.0f ms for a page, %.2f ms for a visit of "
      "%zu\n",
      absl::ToDoubleMilliseconds(all), absl::ToDoubleMilliseconds(visit), page->partitions.size());
}

}  // namespace
}  // namespace weir
