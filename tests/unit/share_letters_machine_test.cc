// Dead letters with the real machine of share groups, run by its shard over the real log: a job's
// death and its letter stay one through postponements, driving and restarts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/runtime/shard.h"
#include "broker/share/dead_letter_writer.h"
#include "broker/share/letter_driver.h"
#include "broker/share/letter_shards.h"
#include "broker/share/share_shards.h"
#include "storage/base/error.h"
#include "tests/support/fake_state_store.h"
#include "tests/support/letter_world.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kLetters = LetterWorld::kLetters;
constexpr char kRedrive[] = "redrive.orders.email";

// Answers come while the caller waits: everything runs on its thread.
class PumpedMachines : public LetterShards {
 public:
  PumpedMachines(ShareShards* shards, std::function<void()> pump)
      : LetterShards(shards), pump_(std::move(pump)) {}

  void Mark(MarkRequest request, Reply<std::vector<Offset>> reply) override {
    LetterShards::Mark(std::move(request), std::move(reply));
    pump_();
  }
  void Marked(const SharePartitionId& id, std::vector<Offset> offsets,
              Reply<std::vector<Offset>> reply) override {
    LetterShards::Marked(id, std::move(offsets), std::move(reply));
    pump_();
  }

 private:
  const std::function<void()> pump_;
};

class LettersMachineTest : public ::testing::Test, public ShareListener {
 protected:
  LettersMachineTest() : timers_(&world_.clock(), TimerQueue::Drive::kManual) {
    world_.Create("orders");
    world_.Create(kLetters);
    orders_ = world_.Id("orders");
    marks_ = world_.Id(kLetters);
    groups_ = *world_.catalog().RequireInternal({.name = "__weir_groups", .partitions = 1});
    Start();
    Open(orders_);
    Open(marks_);
  }
  ~LettersMachineTest() override { Stop(); }

  void OnAvailable(const SharePartitionId&) override {}
  void OnDying(const SharePartitionId& id) override {
    if (writing_) writer_->OnDying(id);
  }
  void OnOutcomes(const SharePartitionId&, const ShareOutcomes&) override {}
  void OnLocksForgotten() override {}

  void Start() {
    shares_ = std::make_unique<ShareShards>(
        ShareShards::Options{.partitions = 1,
                             .epoch = LeaderEpoch{++epoch_},
                             .settings = &world_.directory(),
                             .listener = [this](PartitionIndex) { return this; },
                             .random = [] { return 0; }});
    const auto found = world_.partitions().Find(groups_, PartitionIndex{0});
    shard_ = std::make_unique<Shard>(ShardOptions{.log = *found->partition->OpenLog(),
                                                  .logs = &world_.log().log(),
                                                  .store = &store_,
                                                  .executor = &executor_,
                                                  .timers = &timers_,
                                                  .clock = &world_.clock()},
                                     shares_->machine(PartitionIndex{0}));
    shares_->UseShards({shard_.get()});
    machines_ = std::make_unique<PumpedMachines>(shares_.get(), [this] { Pump(); });
    writer_ = world_.NewWriter(machines_.get());
    ASSERT_TRUE(shard_->Load().ok());
    writer_->Start();
    Pump();
  }
  void Stop() {
    writer_->Stop();
    bool stopped = false;
    shard_->Stop([&] { stopped = true; });
    Pump();
    EXPECT_TRUE(stopped);
    shard_.reset();
  }
  void Restart() {
    Stop();
    Start();
  }
  void Pump() {
    do {
      world_.Run();
      world_.log().Pump();
      timers_.RunDue();
    } while (executor_.RunAll() > 0);
  }

  template <typename T>
  T Ask(ShareShards::Question<T> question) {
    absl::StatusOr<T> answer = absl::UnknownError("no answer");
    shares_->Ask<T>(PartitionIndex{0}, std::move(question),
                    [&answer](absl::StatusOr<T> given) { answer = std::move(given); });
    Pump();
    EXPECT_TRUE(answer.ok()) << answer.status();
    return *std::move(answer);
  }
  void Open(const SharePartitionId& id) {
    Ask<Offset>([&](ShareMachine& machine, const MachineTime& now, Reply<Offset> reply) {
      return machine.admin().Open(now, id, Offset{0}, std::move(reply));
    });
  }
  SharePartitionDescription Describe(const SharePartitionId& id) {
    return Ask<SharePartitionDescription>(
        [&](ShareMachine& machine, const MachineTime& now, Reply<SharePartitionDescription> reply) {
          return machine.admin().Describe(now, id, std::move(reply));
        });
  }
  // The records are acquired, and rejected.
  void Reject(const std::vector<std::string>& values) {
    const int64_t first = static_cast<int64_t>(world_.Records("orders").size());
    const auto count = static_cast<int64_t>(values.size());
    world_.AppendValues("orders", 0, values);
    const Acquired acquired =
        Ask<Acquired>([&](ShareMachine& machine, const MachineTime& now, Reply<Acquired> reply) {
          AcquireRequest request{
              .id = orders_,
              .session = ShareSessionId{1},
              .worker = "w",
              .max_jobs = count,
              .scan = ShareScan{.from = Offset{first},
                                .to = Offset{first + count},
                                .ranges = {{Offset{first}, Offset{first + count - 1}}}}};
          return machine.acquisition().Acquire(now, std::move(request), std::move(reply));
        });
    AcknowledgeRequest request{.id = orders_, .log_end = Offset{first + count}};
    for (const AcquiredJobs& jobs : acquired.jobs) {
      request.items.push_back({.first = jobs.first,
                               .last = jobs.last,
                               .token = jobs.token,
                               .outcome = AckOutcome::kReject,
                               .error = "bad payload"});
    }
    const std::vector<AckResult> results = Ask<std::vector<AckResult>>(
        [&](ShareMachine& machine, const MachineTime& now, Reply<std::vector<AckResult>> reply) {
          return machine.acknowledgement().Acknowledge(now, std::move(request), std::move(reply));
        });
    for (const AckResult& result : results) EXPECT_EQ(result.code, AckCode::kOk);
  }
  absl::StatusOr<DriveOutcome> Drive(const DriveOrder& order = {}) {
    const DeadLetterLog log({.group = LetterWorld::kGroup,
                             .topic = world_.catalog().Find(kLetters),
                             .partitions = &world_.partitions(),
                             .machines = machines_.get(),
                             .memory = &world_.memory()});
    return LetterDriver({.group = LetterWorld::kGroup,
                         .letters = &log,
                         .machines = machines_.get(),
                         .directory = &world_.directory(),
                         .catalog = &world_.catalog(),
                         .partitions = &world_.partitions(),
                         .clock = &world_.clock()})
        .Drive(order);
  }
  std::vector<std::string> Values(const std::string& topic) {
    std::vector<std::string> values;
    for (const ReadRecord& record : world_.Records(topic)) values.push_back(*record.value);
    return values;
  }

  LetterWorld world_;
  TimerQueue timers_;
  InlineExecutor executor_;
  FakeStateStore store_;
  TopicPtr groups_;
  SharePartitionId orders_;
  SharePartitionId marks_;
  int32_t epoch_ = 0;
  bool writing_ = true;
  std::unique_ptr<ShareShards> shares_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<PumpedMachines> machines_;
  std::unique_ptr<DeadLetterWriter> writer_;
};

TEST_F(LettersMachineTest, ARejectedJobIsDeadAndItsLetterSaysWhy) {
  Reject({"a", "b"});
  const SharePartitionDescription described = Describe(orders_);
  EXPECT_EQ(described.jobs.dying, 0);
  EXPECT_EQ(described.counts.died[static_cast<size_t>(DeathReason::kRejected) - 1], 2);
  const std::vector<ReadRecord> letters = world_.Records(kLetters);
  ASSERT_THAT(letters, SizeIs(2));
  EXPECT_EQ(letters[0].value, "a");
  EXPECT_EQ(letters[0].Header("weir-dlq-reason"), "REJECTED");
  EXPECT_EQ(letters[0].Header("weir-dlq-error"), "bad payload");
  EXPECT_EQ(letters[0].Header("weir-dlq-attempts"), "1");
  EXPECT_THAT(*letters[0].Header("weir-dlq-history"), HasSubstr(R"("ended":"REJECTED")"));
}

TEST_F(LettersMachineTest, WhatIsDyingAtAStopHasItsLetterAfterTheStart) {
  writing_ = false;
  Reject({"a", "b"});
  EXPECT_EQ(Describe(orders_).jobs.dying, 2);
  EXPECT_THAT(world_.Records(kLetters), IsEmpty());
  writing_ = true;
  Restart();
  EXPECT_EQ(Describe(orders_).jobs.dying, 0);
  EXPECT_THAT(Values(kLetters), ElementsAre("a", "b"));
  Restart();
  EXPECT_THAT(Values(kLetters), ElementsAre("a", "b"));
}

TEST_F(LettersMachineTest, ALetterThatCannotBeWrittenIsTriedAgainAndDescribeSaysWhy) {
  ASSERT_TRUE(world_.catalog().AlterConfig(kLetters, {{"max.message.bytes", "100"}}, {}).ok());
  Reject({"a"});
  EXPECT_EQ(Describe(orders_).jobs.dying, 1);
  EXPECT_THAT(Describe(orders_).dead_letter_error, HasSubstr("max.message.bytes"));
  ASSERT_TRUE(world_.catalog().AlterConfig(kLetters, {}, {"max.message.bytes"}).ok());
  world_.clock().Advance(absl::Minutes(10));
  Pump();
  EXPECT_EQ(Describe(orders_).jobs.dying, 0);
  EXPECT_EQ(Describe(orders_).dead_letter_error, "");
  EXPECT_THAT(Values(kLetters), ElementsAre("a"));
}

TEST_F(LettersMachineTest, ATopicThatIsDeletedUnderAWriterIsMadeAnew) {
  ASSERT_TRUE(world_.partitions().DeleteTopic(kLetters).ok());
  Reject({"a"});
  world_.clock().Advance(absl::Minutes(10));
  Pump();
  EXPECT_EQ(Describe(orders_).jobs.dying, 0);
  EXPECT_THAT(Values(kLetters), ElementsAre("a"));
}

TEST_F(LettersMachineTest, ALetterIsDrivenOnceAlsoBehindARestart) {
  Reject({"a", "b", "c"});
  ASSERT_EQ(Drive({.filter = {.key = "k1"}})->driven, 1);
  Restart();
  const absl::StatusOr<DriveOutcome> rest = Drive();
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_EQ(rest->driven, 2);
  EXPECT_EQ(rest->already, 1);
  EXPECT_EQ(Drive()->driven, 0);
  EXPECT_THAT(Values(kRedrive), ::testing::UnorderedElementsAre("a", "b", "c"));
}

TEST_F(LettersMachineTest, AFullDiskRefusesWhatIsDrivenAndMarksNothing) {
  Reject({"a"});
  world_.log().log().RefuseAppends(MakeError(Reason::kDiskLow, "the disk is full"));
  EXPECT_EQ(ReasonOf(Drive().status()), Reason::kDiskLow);
  world_.log().log().RefuseAppends(absl::OkStatus());
  EXPECT_EQ(Drive()->driven, 1);
}

}  // namespace
}  // namespace weir
