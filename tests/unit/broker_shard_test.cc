// A shard: what it appends, when it answers, what it does when an append fails, and what the next
// start finds. On the real log over the simulated disk; the machine is the smallest that can be
// wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "broker/runtime/shard.h"
#include "storage/base/error.h"
#include "storage/record/record_batch_builder.h"
#include "tests/support/fake_state_store.h"
#include "tests/support/inline_executor.h"
#include "tests/support/log_world.h"
#include "tests/support/word_machine.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class ShardTest : public ::testing::Test {
 protected:
  ShardTest()
      : world_(std::make_unique<LogWorld>(std::make_unique<SimFileSystem>(), Ledger{},
                                          LogWorldOptions{.journal_file_bytes = limits::kMiB})) {
    for (const TopicPartition& id : {kId, kDead, kOther}) world_->CreateTopic(id.topic);
    EXPECT_TRUE(world_->Open().ok());
    Start();
  }
  ~ShardTest() override { Stop(); }

  void Start() {
    machine_ = std::make_unique<WordMachine>();
    shard_ = std::make_unique<Shard>(ShardOptions{.log = *world_->GetLog(kId),
                                                  .logs = &world_->log(),
                                                  .store = &store_,
                                                  .executor = &executor_,
                                                  .timers = &timers_,
                                                  .clock = &world_->clock()},
                                     machine_.get());
    loaded_ = shard_->Load();
  }
  void Stop() {
    if (shard_ == nullptr) return;
    bool stopped = false;
    shard_->Stop([&] { stopped = true; });
    Pump();
    EXPECT_TRUE(stopped);
    shard_ = nullptr;
  }
  void Restart() {
    Stop();
    Start();
    executor_.RunAll();
  }
  // What the machine decides is one record for each of `words`; `name` is noted with how it is
  // answered.
  void Submit(const std::string& name, std::vector<std::string> words) {
    shard_->Submit(
        [this, name, words](const MachineTime&) {
          Decision decision;
          for (const std::string& word : words)
            decision.records.push_back({.kind = 1, .payload = word});
          decision.answer = [this, name](const absl::Status& status) {
            answers_.push_back(absl::StrCat(name, ":", Text(status)));
          };
          return decision;
        },
        [this, name](const absl::Status& why) {
          answers_.push_back(absl::StrCat(name, " refused:", Text(why)));
        });
  }
  // As Submit, with a batch of one record for each of `parts`; while those are refused, `instead`
  // is written.
  void SubmitWith(const std::string& name, const std::string& word,
                  const std::vector<TopicPartition>& parts, const std::string& instead = "",
                  size_t bytes = 10) {
    std::vector<BatchAppend> appends;
    for (const TopicPartition& part : parts) appends.push_back(Batch(part, bytes));
    SubmitBatches(name, word, std::move(appends), instead);
  }
  BatchAppend Batch(const TopicPartition& part, size_t bytes = 10) {
    RecordBatchBuilder builder;
    builder.Append(1, std::nullopt, std::string(bytes, 'd'));
    std::string batch = builder.Finish({});
    const RecordBatchHeader header = DecodeBatchHeader(batch.data());
    return {.log = *world_->GetLog(part),
            .header = header,
            .bytes = SharedBytes::FromString(std::move(batch)),
            .internal = true};
  }
  void SubmitBatches(const std::string& name, const std::string& word,
                     std::vector<BatchAppend> appends, const std::string& instead) {
    const auto answer = [this](const std::string& who) {
      return [this, who](const absl::Status& status) {
        answers_.push_back(absl::StrCat(who, ":", Text(status)));
        why_ = status;
      };
    };
    shard_->Submit(
        [=, this](const MachineTime&) {
          Decision decision{.records = {{.kind = 1, .payload = word}},
                            .appends = appends,
                            .log_starts = log_starts_,
                            .answer = answer(name)};
          if (instead.empty()) return decision;
          decision.instead = [=, this](const MachineTime&, const absl::Status& refusal) {
            why_ = refusal;
            return Decision{.records = {{.kind = 1, .payload = instead}},
                            .answer = answer(name + " instead")};
          };
          return decision;
        },
        [](const absl::Status&) { FAIL(); });
  }
  int64_t End(const TopicPartition& id) { return (*world_->GetLog(id))->high_watermark().value(); }
  static std::string Text(const absl::Status& status) {
    return status.ok() ? "ok" : std::string(InfoOf(*ReasonOf(status)).name);
  }
  // A record of this kind, appended by somebody else.
  void AppendForeign(uint16_t kind, const std::string& payload) {
    const InternalRecord record{.kind = kind, .payload = payload};
    std::string bytes = EncodeInternalBatch(absl::MakeConstSpan(&record, 1), 0);
    AppendRequest request;
    const RecordBatchHeader header = DecodeBatchHeader(bytes.data());
    request.batches.push_back({.log = *world_->GetLog(kId),
                               .header = header,
                               .bytes = SharedBytes::FromString(std::move(bytes))});
    request.done = [](const absl::StatusOr<std::vector<AppendResult>>& results) {
      EXPECT_TRUE(results.ok());
    };
    world_->log().Append(std::move(request));
    Pump();
  }
  void Pump() {
    do {
      world_->Pump();
    } while (executor_.RunAll() > 0);
  }
  void Advance(absl::Duration by) {
    world_->clock().Advance(by);
    timers_.RunDue();
    Pump();
  }

  static constexpr TopicPartition kId{TopicId{{1}}, PartitionIndex{3}};
  static constexpr TopicPartition kDead{TopicId{{2}}, PartitionIndex{0}};  // of another topic
  static constexpr TopicPartition kOther{TopicId{{3}}, PartitionIndex{0}};
  std::unique_ptr<LogWorld> world_;
  InlineExecutor executor_;
  TimerQueue timers_{&world_->clock(), TimerQueue::Drive::kManual};
  FakeStateStore store_;
  std::unique_ptr<WordMachine> machine_;
  std::unique_ptr<Shard> shard_;
  absl::Status loaded_;
  std::vector<std::string> answers_;
  std::vector<LogStartMove> log_starts_;  // of the decisions of SubmitWith
  absl::Status why_;                      // of the last of them
};

TEST_F(ShardTest, AnswersWhenTheRecordsAreDurable) {
  Submit("a", {"x=1"});
  executor_.RunAll();
  EXPECT_THAT(machine_->words, ElementsAre(Pair("x", "1"))) << "replayed at once";
  EXPECT_THAT(answers_, IsEmpty());
  Pump();
  EXPECT_THAT(answers_, ElementsAre("a:ok"));
}

TEST_F(ShardTest, AReaderWaitsForWhatItHasSeen) {
  Submit("reader before", {});
  executor_.RunAll();
  EXPECT_THAT(answers_, ElementsAre("reader before:ok")) << "it saw nothing that could be lost";
  Submit("writer", {"x=1"});
  Submit("reader", {});
  executor_.RunAll();
  EXPECT_EQ(answers_.size(), 1u);
  Pump();
  EXPECT_THAT(answers_, ElementsAre("reader before:ok", "writer:ok", "reader:ok"));
}

TEST_F(ShardTest, AMachineReadsItsStateAsItIsReplayedHoweverFarTheStoreIs) {
  Submit("stored", {"a=1", "b=1", "c=1"});
  Pump();
  shard_->WriteStore([](const absl::Status&) {});
  Pump();
  Submit("durable", {"b=2"});
  Pump();
  Submit("under way", {"c=3"});
  Submit("gathering", {"d=4"});
  std::vector<std::pair<std::string, std::string>> seen;
  std::string one;
  shard_->Submit(
      [&](const MachineTime&) {
        EXPECT_TRUE(shard_
                        ->Scan(StateFamily::kGroups, "", "",
                               [&seen](absl::string_view key, absl::string_view value) {
                                 seen.emplace_back(key, value);
                                 return true;
                               })
                        .ok());
        one = shard_->Get(StateFamily::kGroups, "c").value_or("none");
        return Decision{};
      },
      [](const absl::Status&) { FAIL(); });
  executor_.RunAll();
  EXPECT_THAT(seen, ElementsAre(Pair("a", "1"), Pair("b", "2"), Pair("c", "3"), Pair("d", "4")));
  EXPECT_EQ(one, "3");
  EXPECT_EQ(store_.Get(StateFamily::kGroups, "b").value_or(""), "1");
}

TEST_F(ShardTest, DecisionsGatherBehindTheAppendUnderWay) {
  for (int i = 0; i < 10; ++i) Submit(absl::StrCat(i), {absl::StrCat("x=", i)});
  Pump();
  EXPECT_EQ(answers_.size(), 10u);
  EXPECT_EQ(machine_->words["x"], "9");
  EXPECT_EQ((*world_->GetLog(kId))->high_watermark(), Offset{10});
}

TEST_F(ShardTest, RecordsComeBackFromTheLogAlone) {
  Submit("a", {"x=1", "y=2"});
  Submit("b", {"x=3"});
  Pump();
  store_.Crash();
  Restart();
  ASSERT_TRUE(loaded_.ok()) << loaded_;
  EXPECT_THAT(machine_->words, ElementsAre(Pair("x", "3"), Pair("y", "2")));
  EXPECT_EQ(machine_->begun, 1);
  Submit("c", {"z=4"});
  Pump();
  EXPECT_EQ(answers_.back(), "c:ok");
}

TEST_F(ShardTest, TheStoreHoldsOnlyWhatIsDurableWithHowFarThatGoes) {
  Submit("a", {"x=1"});
  Pump();
  Submit("b", {"y=2"});
  executor_.RunAll();  // replayed, not durable
  world_->clock().Advance(absl::Seconds(2));
  timers_.RunDue();
  executor_.RunAll();
  EXPECT_EQ(store_.Get(StateFamily::kGroups, "x").value_or(""), "1");
  EXPECT_FALSE(store_.Get(StateFamily::kGroups, "y").ok());
  EXPECT_EQ(*AppliedOffset(store_, kId), Offset{1});
  Pump();
  Advance(absl::Seconds(2));
  EXPECT_EQ(store_.Get(StateFamily::kGroups, "y").value_or(""), "2");
  EXPECT_EQ(*AppliedOffset(store_, kId), Offset{2});
}

TEST_F(ShardTest, OnlyTheLastValueOfAKeyIsWritten) {
  for (int i = 0; i < 100; ++i) Submit("a", {absl::StrCat("x=", i)});
  Pump();
  bool written = false;
  shard_->WriteStore([&](const absl::Status& status) { written = status.ok(); });
  Pump();
  EXPECT_TRUE(written);
  EXPECT_EQ(store_.content().size(), 2u) << "the word, and how far the log is applied";
  EXPECT_EQ(*AppliedOffset(store_, kId), Offset{100});
}

TEST_F(ShardTest, ARefusedAppendTakesEverythingWithItThatWasDecidedBehindIt) {
  Submit("before", {"x=1"});
  Pump();
  // Clients' produces stop first; what the broker itself must remember is still taken.
  world_->log().RefuseAppends(MakeError(Reason::kDiskLow, "the disk is low"));
  Submit("on a low disk", {"x=2"});
  Pump();
  EXPECT_EQ(answers_.back(), "on a low disk:ok");
  world_->disk().FailNext(OperationKind::kWrite, ".log", Fault::kNoSpace, Repeat::kForever);
  Submit("on a full disk", {"x=3"});
  Pump();
  EXPECT_EQ(answers_.back(), "on a full disk:ok") << "it is in the journal";
  answers_.clear();
  Submit("refused", {"x=4"});
  Submit("behind", {"y=1"});
  Submit("reader", {});
  Pump();
  EXPECT_THAT(answers_, ElementsAre("refused:DISK_LOW", "behind:DISK_LOW", "reader:DISK_LOW"));
  EXPECT_EQ(machine_->begun, 1) << "what is durable cannot be read yet";
  world_->disk().ClearFaults();
  Advance(absl::Seconds(1));
  EXPECT_EQ(machine_->begun, 2) << "loaded again";
  EXPECT_THAT(machine_->words, ElementsAre(Pair("x", "3")));
  Submit("after", {"x=5"});
  Pump();
  EXPECT_EQ(answers_.back(), "after:ok");
  EXPECT_EQ((*world_->GetLog(kId))->high_watermark(), Offset{4}) << "nothing of it was appended";
}

TEST_F(ShardTest, WhatADecisionAppendsElsewhereIsDurableWithItsRecords) {
  SubmitWith("before", "x=0", {kOther});
  Pump();
  log_starts_ = {{.log = *world_->GetLog(kOther), .start = Offset{1}}};
  Submit("a", {"x=1"});
  SubmitWith("b", "x=2", {kDead, kDead});
  Submit("c", {"x=3"});
  executor_.RunAll();
  EXPECT_THAT(machine_->words, ElementsAre(Pair("x", "3")));
  EXPECT_EQ(End(kDead), 0);
  Pump();
  EXPECT_THAT(answers_, ElementsAre("before:ok", "a:ok", "b:ok", "c:ok"));
  EXPECT_EQ(End(kId), 4);
  EXPECT_EQ(End(kDead), 2);
  EXPECT_EQ((*world_->GetLog(kOther))->log_start(), Offset{1});
  store_.Crash();
  Restart();
  EXPECT_THAT(machine_->words, ElementsAre(Pair("x", "3")));
}

TEST_F(ShardTest, DecisionThatAnotherPartitionWouldRefuseIsTakenBackBeforeAnybodySeesIt) {
  std::vector<BatchAppend> batches = {Batch(kOther), Batch(kDead)};
  ASSERT_TRUE(world_->DeleteTopic(kDead.topic).ok());
  Submit("before", {"x=1"});
  SubmitBatches("dies", "x=dead", batches, "x=delayed");
  SubmitBatches("dies too", "y=dead", batches, "");
  Submit("behind", {"z=1"});
  Pump();
  EXPECT_THAT(answers_,
              ElementsAre("before:ok", "dies instead:ok", "dies too:UNKNOWN_TOPIC", "behind:ok"));
  EXPECT_EQ(RefusedPart(why_), kDead);
  EXPECT_THAT(machine_->words, ElementsAre(Pair("x", "delayed"), Pair("z", "1")));
  EXPECT_EQ(machine_->loads, 1) << "nothing had to be undone";
  EXPECT_EQ(End(kOther), 0);
}

// The topic goes between the look and the append.
TEST_F(ShardTest, DecisionThatIsRefusedLateIsUndoneWithWhatWasDecidedBehindIt) {
  SubmitWith("first", "x=1", {kOther});
  SubmitWith("dies", "x=dead", {kOther, kDead}, "x=delayed");
  SubmitWith("behind", "y=1", {kOther});
  Submit("reader", {});
  executor_.RunAll();
  ASSERT_THAT(machine_->words, ElementsAre(Pair("x", "dead"), Pair("y", "1")));
  ASSERT_TRUE(world_->DeleteTopic(kDead.topic).ok());
  Pump();
  EXPECT_THAT(answers_, ElementsAre("first:ok", "dies:UNKNOWN_TOPIC", "behind:TOO_MANY_REQUESTS",
                                    "reader:TOO_MANY_REQUESTS"));
  EXPECT_THAT(machine_->words, ElementsAre(Pair("x", "1")));
  EXPECT_EQ(machine_->loads, 2);
  EXPECT_EQ(End(kOther), 1);
  Submit("after", {"x=2"});
  Pump();
  EXPECT_EQ(answers_.back(), "after:ok");
}

TEST_F(ShardTest, DecisionsGatherUpToWhatOneAtomicAppendMayHold) {
  Submit("under way", {"x=0"});
  const std::vector<TopicPartition> many(limits::kDecisionAppendParts / 2, kDead);
  for (int i = 1; i <= 5; ++i) SubmitWith(absl::StrCat(i), absl::StrCat("x=", i), many);
  Pump();
  EXPECT_THAT(answers_, ElementsAre("under way:ok", "1:ok", "2:ok", "3:ok", "4:ok", "5:ok"));
  EXPECT_EQ(End(kDead), 5 * static_cast<int64_t>(many.size()));
  EXPECT_EQ(End(kId), 6);
}

TEST_F(ShardTest, DecisionThatIsTooLargeForOneAppendIsRefused) {
  SubmitWith("bytes", "x=1", {kDead, kDead}, "x=smaller",
             static_cast<size_t>(limits::kDecisionAppendBytes / 2));
  SubmitWith("parts", "x=2", std::vector(limits::kDecisionAppendParts + 1, kDead));
  Pump();
  EXPECT_THAT(answers_, ElementsAre("bytes instead:ok", "parts:MESSAGE_TOO_LARGE"));
  EXPECT_EQ(RefusedPart(why_), std::nullopt);
  EXPECT_EQ(End(kDead), 0);
}

TEST_F(ShardTest, TimersRunAsRequestsAndCanBeCancelled) {
  const auto timer = [this](const std::string& word) {
    return
        [word](const MachineTime&) { return Decision{.records = {{.kind = 1, .payload = word}}}; };
  };
  const absl::Duration now = world_->clock().Monotonic();
  shard_->Submit(
      [&](const MachineTime&) {
        shard_->SetTimer("kept", now + absl::Seconds(10), timer("kept=1"));
        shard_->SetTimer("cancelled", now + absl::Seconds(10), timer("cancelled=1"));
        shard_->SetTimer("moved", now + absl::Seconds(10), timer("moved=1"));
        shard_->SetTimer("moved", now + absl::Seconds(20), timer("moved=2"));
        shard_->CancelTimer("cancelled");
        return Decision{};
      },
      [](const absl::Status&) { FAIL(); });
  Pump();
  Advance(absl::Seconds(9));
  EXPECT_THAT(machine_->words, IsEmpty());
  Advance(absl::Seconds(1));
  EXPECT_THAT(machine_->words, ElementsAre(Pair("kept", "1")));
  Advance(absl::Seconds(10));
  EXPECT_THAT(machine_->words, ElementsAre(Pair("kept", "1"), Pair("moved", "2")));
}

TEST_F(ShardTest, ATimerThatIsDueAndThenCancelledDoesNotRun) {
  shard_->Submit(
      [&](const MachineTime& now) {
        shard_->SetTimer("t", now.monotonic + absl::Seconds(1), [](const MachineTime&) {
          return Decision{.records = {{.kind = 1, .payload = "t=1"}}};
        });
        return Decision{};
      },
      [](const absl::Status&) { FAIL(); });
  Pump();
  world_->clock().Advance(absl::Seconds(1));
  shard_->Submit(
      [&](const MachineTime&) {
        timers_.RunDue();  // its task is queued behind this one
        shard_->CancelTimer("t");
        return Decision{};
      },
      [](const absl::Status&) { FAIL(); });
  Pump();
  EXPECT_THAT(machine_->words, IsEmpty());
}

TEST_F(ShardTest, AStoreAheadOfTheLogIsRefused) {
  Submit("a", {"x=1"});
  Pump();
  Stop();
  std::string applied(8, '\0');
  applied[7] = 5;
  for (const auto& [place, value] : FakeStateStore::Content(store_.content())) {
    if (place.first == StateFamily::kApplied) {
      const StateChange change{place.first, place.second, applied};
      ASSERT_TRUE(store_.Write(absl::MakeConstSpan(&change, 1)).ok());
    }
  }
  Start();
  EXPECT_TRUE(absl::IsDataLoss(loaded_));
  EXPECT_THAT(std::string(loaded_.message()), HasSubstr("its log ends at 1"));
}

TEST_F(ShardTest, AStoreBehindTheLogsStartIsRefused) {
  Submit("a", {"x=1", "x=2"});
  Pump();
  world_->log().DeleteRecords(*world_->GetLog(kId), Offset{2}, [](absl::StatusOr<Offset>) {});
  Pump();
  Stop();
  store_ = FakeStateStore();
  Start();
  EXPECT_TRUE(absl::IsDataLoss(loaded_));
  EXPECT_THAT(std::string(loaded_.message()), HasSubstr("begins at 2"));
}

TEST_F(ShardTest, ARecordOfANewerVersionIsRefusedAndNotPassedOver) {
  AppendForeign(7, "x=1");
  Restart();
  EXPECT_TRUE(absl::IsDataLoss(loaded_));
  EXPECT_THAT(std::string(loaded_.message()), HasSubstr("unknown kind 7"));
  EXPECT_EQ(*AppliedOffset(store_, kId), Offset{0});
}

TEST_F(ShardTest, AStoppingShardRefusesAndFinishesWhatIsUnderWay) {
  Submit("a", {"x=1"});
  executor_.RunAll();
  bool stopped = false;
  shard_->Stop([&] { stopped = true; });
  Submit("b", {"x=2"});
  executor_.RunAll();
  EXPECT_FALSE(stopped);
  EXPECT_THAT(answers_, ElementsAre("b refused:SHUTTING_DOWN"));
  Pump();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(answers_.back(), "a:ok");
  EXPECT_EQ(*AppliedOffset(store_, kId), Offset{1}) << "and the store is written";
  shard_ = nullptr;
}

}  // namespace
}  // namespace weir
