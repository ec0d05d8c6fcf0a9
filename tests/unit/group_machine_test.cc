// The machine of consumer groups on the real shard and the real log: what is told when, and what
// comes back after a start or a failed append. How groups behave is in tests/scripts/group.
#include "broker/group/group_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "broker/runtime/shard.h"
#include "storage/base/error.h"
#include "tests/support/group_text.h"
#include "tests/support/group_world.h"
#include "tests/support/inline_executor.h"
#include "tests/support/log_world.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class GroupMachineTest : public ::testing::Test, public GroupListener, public ShareHeadListener {
 protected:
  GroupMachineTest()
      : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{})) {
    world_->CreateTopic(kId.topic);
    EXPECT_TRUE(world_->Open().ok());
    topics_.Set("orders", 2);
    Start();
  }
  ~GroupMachineTest() override { Stop(); }

  void Start() {
    machine_ = std::make_unique<GroupMachine>(GroupMachineOptions{
        .shard = kId.partition, .topics = &topics_, .listener = this, .share_heads = this});
    shard_ = std::make_unique<Shard>(ShardOptions{.log = *world_->GetLog(kId),
                                                  .logs = &world_->log(),
                                                  .store = &store_,
                                                  .executor = &executor_,
                                                  .timers = &timers_,
                                                  .clock = &world_->clock()},
                                     machine_.get());
    machine_->UseTimers(shard_.get());
    ASSERT_TRUE(shard_->Load().ok());
    Pump();
    heard_.clear();
  }
  void Stop() {
    shard_->Stop([] {});
    Pump();
    shard_ = nullptr;
  }
  void Join(const std::string& member, MemberEpoch epoch = MemberEpoch{0}) {
    JoinRequest request{.group = "email",
                        .member_id = member,
                        .epoch = epoch,
                        .session = SessionId{++sessions_},
                        .subscription = {.topics = {"orders"}, .prefix = ""},
                        .start = GroupStart::kEarliest};
    shard_->Submit(
        [this, request](const MachineTime& now) {
          return machine_->membership().Join(now, request, [this](absl::StatusOr<Joined> joined) {
            heard_.push_back(absl::StrCat("joined ", Text(joined.status())));
          });
        },
        [](const absl::Status& why) { FAIL() << why; });
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
  const Member* Find(const std::string& member) const {
    const Group* const group = machine_->groups().Find("email");
    return group == nullptr ? nullptr : group->Find(member);
  }

  void OnNotice(const Notice& notice) override { heard_.push_back(Text(notice, topics_)); }
  void OnSessionsDropped() override { heard_.emplace_back("sessions dropped"); }
  void OnShareHead(ShareHeadPtr) override {}
  void OnShareHeadGone(const std::string&) override {}
  void OnShareHeadsLoaded(PartitionIndex, std::vector<ShareHeadPtr>) override {}

  static constexpr TopicPartition kId{TopicId{{1}}, PartitionIndex{3}};
  std::unique_ptr<LogWorld> world_;
  InlineExecutor executor_;
  TimerQueue timers_{&world_->clock(), TimerQueue::Drive::kManual};
  FakeStateStore store_;
  FakeTopics topics_;
  std::unique_ptr<GroupMachine> machine_;
  std::unique_ptr<Shard> shard_;
  uint64_t sessions_ = 0;
  std::vector<std::string> heard_;
};

TEST_F(GroupMachineTest, NobodyHearsOfWhatIsNotDurable) {
  Join("a");
  executor_.RunAll();
  ASSERT_NE(Find("a"), nullptr) << "replayed at once";
  EXPECT_THAT(heard_, IsEmpty());
  Pump();
  EXPECT_THAT(heard_,
              ElementsAre("joined ok", "a epoch=1 has nothing", "a epoch=2 has orders:0,1"));
}

TEST_F(GroupMachineTest, TimersOfTheShardFenceAndAssign) {
  Join("a");
  Pump();
  Join("b");
  Pump();
  Advance(absl::Milliseconds(50));
  EXPECT_EQ(heard_.back(), "a epoch=3 has orders:1 gives up orders:0");
  Advance(absl::Seconds(60));
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_EQ(heard_[heard_.size() - 2], "a fenced");
  EXPECT_EQ(heard_.back(), "b epoch=4 has orders:0,1");
}

TEST_F(GroupMachineTest, AFailedAppendTakesTheJoinWithItAndDropsSessions) {
  Join("a");
  Pump();
  // What is journaled waits for room in its segment, and what comes behind it is refused.
  world_->disk().FailNext(OperationKind::kWrite, ".log", Fault::kNoSpace, Repeat::kForever);
  Join("c");
  Pump();
  ASSERT_NE(Find("c"), nullptr);
  heard_.clear();
  Join("b");
  Pump();
  EXPECT_THAT(heard_, ElementsAre("joined DISK_LOW"));
  world_->disk().ClearFaults();
  Advance(absl::Seconds(1));
  EXPECT_THAT(heard_, ElementsAre("joined DISK_LOW", "sessions dropped"));
  EXPECT_EQ(Find("b"), nullptr);
  EXPECT_NE(Find("c"), nullptr);
  ASSERT_NE(Find("a"), nullptr);
  heard_.clear();
  Join("a", Find("a")->epoch);
  Pump();
  ASSERT_EQ(heard_.size(), 2u);
  EXPECT_EQ(heard_[0], "joined ok");
  EXPECT_THAT(heard_[1], ::testing::StartsWith("a epoch="));
  Advance(absl::Seconds(50));
  EXPECT_NE(Find("a"), nullptr);
  EXPECT_EQ(Find("c"), nullptr) << "it did not come back within its session timeout";
}

TEST_F(GroupMachineTest, ARestartBringsBackWhatTheLogAndTheStoreHold) {
  Join("a");
  Pump();
  Join("b");
  Pump();
  Advance(absl::Seconds(2));  // the store is written
  const Member a = *Find("a");
  const Member b = *Find("b");
  for (const bool from_log_alone : {false, true}) {
    Stop();
    if (from_log_alone) store_ = FakeStateStore();
    Start();
    EXPECT_EQ(*Find("a"), a);
    EXPECT_EQ(*Find("b"), b);
    EXPECT_EQ(machine_->groups().Find("email")->head().epoch, MemberEpoch{3});
  }
  Join("a", MemberEpoch{3});
  Pump();
  Advance(absl::Seconds(45));
  EXPECT_NE(Find("a"), nullptr);
  EXPECT_EQ(Find("b"), nullptr) << "it has not come back";
}

}  // namespace
}  // namespace weir
