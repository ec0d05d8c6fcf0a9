// GroupConsumer and GroupAdmin against a whole broker in this process: who gets what, what is
// committed, and what a member is told.
#include "weir/group_consumer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/server.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "tests/unit/meta_temp_dir.h"
#include "weir/admin.h"
#include "weir/group_admin.h"
#include "weir/producer.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

// Far more than anything here takes.
constexpr int kPolls = 10'000;
constexpr absl::Duration kPause = absl::Milliseconds(20);

class GroupConsumerTest : public ::testing::Test {
 protected:
  GroupConsumerTest() { Start(); }

  void Start() {
    BrokerConfig config;
    config.data_dir = directory_ / "data";
    config.listen = {"127.0.0.1", port_};
    config.http = {"127.0.0.1", 0};
    config.memory_limit = 256 << 20;
    config.disk_low = config.disk_ok = 0;
    auto started = Server::Start(config, [](const absl::Status& why) { WEIR_CHECK(why.ok()); });
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    port_ = server_->grpc().port;
    client_ = std::make_unique<Client>(ClientOptions{.broker = server_->grpc().ToString()});
  }
  void Restart() {
    ASSERT_TRUE(server_->Stop(absl::Seconds(10)).ok());
    server_ = nullptr;
    Start();
  }

  void Fill(const std::string& topic, int32_t partitions, int each) {
    if (!Admin(*client_).DescribeTopic(topic).ok()) {
      ASSERT_TRUE(Admin(*client_).CreateTopic({.name = topic, .partitions = partitions}).ok());
    }
    Producer producer(*client_);
    for (int32_t p = 0; p < partitions; ++p) {
      for (int i = 0; i < each; ++i)
        ASSERT_TRUE(
            producer.Send({.topic = topic, .value = "v", .partition = PartitionIndex{p}}).ok());
    }
    ASSERT_TRUE(producer.Flush().ok());
  }
  std::unique_ptr<GroupConsumer> Join(const std::string& name, GroupConsumerOptions options = {}) {
    options.group = "group";
    if (options.topics.empty()) options.topics = {"orders"};
    options.start = GroupStart::kEarliest;
    const auto note = [this, name](const char* what) {
      return [this, name, what](const std::vector<NamedPartition>& partitions) {
        told_.push_back(absl::StrCat(name, " ", what, " ", partitions.size()));
      };
    };
    options.on_assigned = note("got");
    options.on_revoked = note("gave");
    options.on_lost = note("lost");
    return std::make_unique<GroupConsumer>(*client_, std::move(options));
  }
  // Polls all of them in turn until `done`.
  void PollUntil(const std::vector<GroupConsumer*>& consumers, const std::function<bool()>& done) {
    for (int i = 0; i < kPolls && !done(); ++i) {
      for (GroupConsumer* const consumer : consumers) {
        absl::StatusOr<RecordSet> records = consumer->Poll(kPause);
        ASSERT_TRUE(records.ok()) << records.status();
        RecordView record;
        while (records->Next(&record))
          ++seen_[{std::string(records->topic()), records->partition()}][record.offset];
      }
    }
    ASSERT_TRUE(done());
  }
  // Every record of the topic was seen, this often.
  bool SawAll(int32_t partitions, int64_t each, int times = 1) {
    for (int32_t p = 0; p < partitions; ++p) {
      const auto& offsets = seen_[{"orders", PartitionIndex{p}}];
      if (static_cast<int64_t>(offsets.size()) != each) return false;
      for (const auto& [offset, count] : offsets) {
        if (count != times) return false;
      }
    }
    return true;
  }
  std::map<int32_t, int64_t> Committed() {
    std::map<int32_t, int64_t> committed;
    const auto described = GroupAdmin(*client_).Describe("group");
    EXPECT_TRUE(described.ok()) << described.status();
    for (const GroupAdmin::PartitionDescription& p : described->partitions) {
      if (p.committed.has_value()) committed[p.partition.partition.value()] = p.committed->value();
    }
    return committed;
  }

  TempDir directory_;
  int port_ = 0;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
  std::map<NamedPartition, std::map<Offset, int>> seen_;
  std::vector<std::string> told_;
};

TEST_F(GroupConsumerTest, WhatWasPolledIsCommittedAtTheEndAndNotSeenAgain) {
  Fill("orders", 3, 100);
  auto consumer = Join("a");
  PollUntil({consumer.get()}, [&] { return SawAll(3, 100); });
  EXPECT_THAT(told_, ElementsAre("a got 3"));
  EXPECT_TRUE(consumer->CaughtUp());
  ASSERT_TRUE(consumer->Close().ok());
  EXPECT_THAT(told_, ElementsAre("a got 3", "a gave 3"));
  EXPECT_THAT(ReasonOf(consumer->Poll(kPause).status()), Optional(Reason::kClientClosed));
  EXPECT_EQ(Committed(), (std::map<int32_t, int64_t>{{0, 100}, {1, 100}, {2, 100}}));
  auto next = Join("b");
  PollUntil({next.get()}, [&] { return next->CaughtUp() && !next->assignment().empty(); });
  EXPECT_TRUE(SawAll(3, 100)) << "nothing comes twice";
}

TEST_F(GroupConsumerTest, AMemberThatComesTakesItsShareAndOneThatLeavesGivesItBack) {
  Fill("orders", 4, 10);
  auto first = Join("a");
  PollUntil({first.get()}, [&] { return SawAll(4, 10); });
  auto second = Join("b");
  PollUntil({first.get(), second.get()},
            [&] { return first->assignment().size() == 2 && second->assignment().size() == 2; });
  EXPECT_THAT(told_, ElementsAre("a got 4", "a gave 2", "b got 2"));
  Fill("orders", 4, 10);
  PollUntil({first.get(), second.get()}, [&] { return SawAll(4, 20); });
  ASSERT_TRUE(second->Close().ok());
  PollUntil({first.get()}, [&] { return first->assignment().size() == 4; });
  Fill("orders", 4, 10);
  PollUntil({first.get()}, [&] { return SawAll(4, 30); });
  ASSERT_TRUE(first->Commit().ok());
  EXPECT_THAT(Committed(), SizeIs(4));
}

TEST_F(GroupConsumerTest, WithoutAutomaticCommitsOnlyWhatIsAskedForIsCommitted) {
  Fill("orders", 1, 10);
  auto consumer = Join("a", {.auto_commit = absl::InfiniteDuration()});
  const NamedPartition only{.topic = "orders", .partition = PartitionIndex{0}};
  EXPECT_THAT(ReasonOf(consumer->Commit({{.partition = only, .offset = Offset{1}}})),
              Optional(Reason::kUnknownMember))
      << "it has not joined: that would pass for a commit of somebody outside";
  PollUntil({consumer.get()}, [&] { return SawAll(1, 10); });
  EXPECT_THAT(Committed(), IsEmpty());
  ASSERT_TRUE(consumer->Commit({{.partition = only, .offset = Offset{4}, .metadata = "m"}}).ok());
  EXPECT_EQ(Committed()[0], 4);
  EXPECT_THAT(ReasonOf(consumer->Commit({{.partition = only, .offset = Offset{3}}})),
              Optional(Reason::kOffsetMovesBack));
  EXPECT_THAT(ReasonOf(consumer->Commit({{.partition = only, .offset = Offset{11}}})),
              Optional(Reason::kOffsetOutOfRange));
  const NamedPartition foreign{.topic = "orders", .partition = PartitionIndex{1}};
  EXPECT_THAT(ReasonOf(consumer->Commit({{.partition = foreign, .offset = Offset{0}}})),
              Optional(Reason::kUnknownPartition));
  EXPECT_EQ(Committed()[0], 4);
  ASSERT_TRUE(consumer->Close().ok());
  EXPECT_EQ(Committed()[0], 4);
}

TEST_F(GroupConsumerTest, SeekReadsAgainAndMovesNoGroupBack) {
  Fill("orders", 1, 10);
  auto consumer = Join("a");
  PollUntil({consumer.get()}, [&] { return SawAll(1, 10); });
  ASSERT_TRUE(consumer->Commit().ok());
  ASSERT_TRUE(consumer->Seek("orders", PartitionIndex{0}, Offset{0}).ok());
  PollUntil({consumer.get()}, [&] { return SawAll(1, 10, 2); });
  EXPECT_TRUE(consumer->Commit().ok());
  EXPECT_EQ(Committed()[0], 10);
  EXPECT_THAT(ReasonOf(consumer->Seek("orders", PartitionIndex{7}, Offset{0})),
              Optional(Reason::kInvalidRequest));
}

TEST_F(GroupConsumerTest, APausedPartitionRestsAndStaysTheMembers) {
  Fill("orders", 2, 5);
  auto consumer = Join("a");
  PollUntil({consumer.get()}, [&] { return SawAll(2, 5); });
  ASSERT_TRUE(consumer->Pause("orders", PartitionIndex{0}).ok());
  Fill("orders", 2, 5);
  const auto seen = [&](int32_t p) { return seen_[{"orders", PartitionIndex{p}}].size(); };
  PollUntil({consumer.get()}, [&] { return seen(1) == 10; });
  EXPECT_EQ(seen(0), 5u);
  EXPECT_THAT(consumer->assignment(), SizeIs(2));
  ASSERT_TRUE(consumer->Resume("orders", PartitionIndex{0}).ok());
  PollUntil({consumer.get()}, [&] { return SawAll(2, 10); });
}

TEST_F(GroupConsumerTest, APausedGroupRests) {
  Fill("orders", 1, 5);
  auto consumer = Join("a");
  PollUntil({consumer.get()}, [&] { return SawAll(1, 5); });
  ASSERT_TRUE(GroupAdmin(*client_).SetPaused("group", true).ok());
  PollUntil({consumer.get()}, [&] { return !consumer->CaughtUp(); });
  Fill("orders", 1, 5);
  EXPECT_TRUE(consumer->Poll(kPause)->empty());
  ASSERT_TRUE(GroupAdmin(*client_).SetPaused("group", false).ok());
  PollUntil({consumer.get()}, [&] { return SawAll(1, 10); });
}

TEST_F(GroupConsumerTest, MembersKeepTheirPartitionsThroughARestartOfTheBroker) {
  Fill("orders", 2, 10);
  auto first = Join("a");
  auto second = Join("b");
  PollUntil({first.get(), second.get()}, [&] {
    return SawAll(2, 10) && first->assignment().size() == 1 && second->assignment().size() == 1;
  });
  ASSERT_TRUE(first->Commit().ok());
  ASSERT_TRUE(second->Commit().ok());
  const std::string id = first->member_id();
  told_.clear();
  Restart();
  Fill("orders", 2, 10);
  PollUntil({first.get(), second.get()}, [&] { return SawAll(2, 20); });
  EXPECT_THAT(told_, IsEmpty()) << "nobody lost or got anything";
  EXPECT_EQ(first->member_id(), id);
  ASSERT_TRUE(first->Commit().ok()) << "under its old membership";
  ASSERT_TRUE(second->Commit().ok());
  EXPECT_EQ(Committed(), (std::map<int32_t, int64_t>{{0, 20}, {1, 20}}));
}

TEST_F(GroupConsumerTest, AMemberThatLeavesWhileItIsCutOffIsGoneAtOnceAllTheSame) {
  Fill("orders", 1, 1);
  ASSERT_TRUE(GroupAdmin(*client_)
                  .Create("group", GroupStart::kEarliest, {{"session.timeout.ms", "1800000"}})
                  .ok());
  auto consumer = Join("a");
  PollUntil({consumer.get()}, [&] { return SawAll(1, 1); });
  ASSERT_TRUE(server_->Stop(absl::Seconds(10)).ok());
  server_ = nullptr;
  PollUntil({consumer.get()}, [&] { return !consumer->last_error().ok(); });
  Start();
  consumer->Close().IgnoreError();  // the last commit may find no connection yet
  size_t members = 1;
  for (int i = 0; i < kPolls && members > 0; ++i)
    members = GroupAdmin(*client_).Describe("group")->members.size();
  EXPECT_EQ(members, 0u);
}

TEST_F(GroupConsumerTest, WhoIsRefusedHearsWhy) {
  Fill("orders", 1, 1);
  GroupConsumer nowhere(*client_, {.group = "nowhere", .topics = {"orders"}});
  absl::Status status;
  for (int i = 0; i < kPolls && status.ok(); ++i) status = nowhere.Poll(kPause).status();
  EXPECT_THAT(ReasonOf(status), Optional(Reason::kUnknownGroup));
  EXPECT_THAT(ReasonOf(nowhere.Poll(kPause).status()), Optional(Reason::kUnknownGroup))
      << "and again";
  ASSERT_TRUE(GroupAdmin(*client_).Create("nowhere", GroupStart::kNone).ok());
  status = absl::OkStatus();
  for (int i = 0; i < kPolls && ReasonOf(status) != Reason::kNoCommittedOffset; ++i)
    status = nowhere.Poll(kPause).status();
  EXPECT_THAT(ReasonOf(status), Optional(Reason::kNoCommittedOffset));
  ASSERT_TRUE(nowhere.Seek("orders", PartitionIndex{0}, Offset{0}).ok());
  int records = 0;
  for (int i = 0; i < kPolls && records == 0; ++i) {
    RecordSet set = *nowhere.Poll(kPause);
    RecordView record;
    while (set.Next(&record)) ++records;
  }
  EXPECT_EQ(records, 1);
}

TEST_F(GroupConsumerTest, AMemberThatIsNotHeardOfIsLostAndComesBackAnew) {
  Fill("orders", 2, 10);
  ASSERT_TRUE(GroupAdmin(*client_)
                  .Create("group", GroupStart::kEarliest, {{"rebalance.timeout.ms", "1000"}})
                  .ok());
  auto first = Join("a");
  PollUntil({first.get()}, [&] { return SawAll(2, 10); });
  const std::string id = first->member_id();
  auto second = Join("b");
  PollUntil({second.get()}, [&] { return second->assignment().size() == 2; });
  told_.clear();
  PollUntil({first.get(), second.get()},
            [&] { return first->assignment().size() == 1 && second->assignment().size() == 1; });
  EXPECT_THAT(told_, ElementsAre("a lost 2", "b gave 1", "a got 1"));
  EXPECT_NE(first->member_id(), id);
}

}  // namespace
}  // namespace weir
