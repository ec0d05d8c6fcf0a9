// The producer against everything that goes wrong: every record has one outcome, what succeeds is
// there once and in order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "tests/unit/client_fake_broker.h"
#include "weir/client.h"
#include "weir/producer.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using Fate = FakeBroker::Fate;
using Produced = FakeBroker::Produced;

class ProducerFailuresTest : public testing::Test {
 protected:
  ProducerFailuresTest() { broker_.AddTopic("one", 1); }
  ~ProducerFailuresTest() override { EXPECT_THAT(broker_.complaints(), IsEmpty()); }

  static std::vector<std::string> Numbers(int begin, int end) {
    std::vector<std::string> numbers;
    for (int i = begin; i < end; ++i) numbers.push_back(absl::StrCat(i));
    return numbers;
  }
  // Each number is a batch of its own; the broker gets as many at once as may be in flight.
  static ProducerOptions OneRecordPerBatch() {
    return {.batch_bytes = 1, .batch_bytes_largest = 1};
  }
  // The outcome is noted at the number's place.
  void Send(Producer& producer, int number) {
    const std::string value = absl::StrCat(number);
    ASSERT_TRUE(producer
                    .Send({.topic = "one", .value = value},
                          [this, number](const absl::StatusOr<RecordPosition>& position) {
                            EXPECT_FALSE(outcomes_.contains(number)) << "told twice";
                            outcomes_[number] = position;
                          })
                    .ok());
  }
  // The scripted fate of the n-th request, normal otherwise.
  void Script(std::map<int, Fate> fates) {
    broker_.OnProduce([fates = std::move(fates)](const Produced& produced) {
      const auto found = fates.find(produced.number);
      return found == fates.end() ? FakeBroker::Normal() : found->second;
    });
  }
  // Sends 0 to `count` - 1 while nothing is answered, then lets go.
  void SendTogether(Producer& producer, int count) {
    broker_.Hold();
    for (int i = 0; i < count; ++i) Send(producer, i);
    broker_.AwaitProduced(std::min(count - 1, 5));  // the last one gathers
    broker_.Release();
  }
  std::vector<int> FailedNumbers() const {
    std::vector<int> failed;
    for (const auto& [number, outcome] : outcomes_) {
      if (!outcome.ok()) failed.push_back(number);
    }
    return failed;
  }

  FakeBroker broker_;
  Client client_{{.broker = broker_.address(),
                  .backoff = {.first = absl::Milliseconds(1), .largest = absl::Milliseconds(10)}}};
  std::map<int, absl::StatusOr<RecordPosition>> outcomes_;
};

TEST_F(ProducerFailuresTest, ALostRequestIsSentAgain) {
  Producer producer(client_, OneRecordPerBatch());
  Script({{0, FakeBroker::LoseRequest()}});
  for (int i = 0; i < 10; ++i) Send(producer, i);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(0, 10));
  EXPECT_THAT(FailedNumbers(), IsEmpty());
}

TEST_F(ProducerFailuresTest, ALostAnswerMakesNoSecondCopy) {
  Producer producer(client_, OneRecordPerBatch());
  Script({{0, FakeBroker::LoseAnswer()}, {3, FakeBroker::LoseAnswer()}});
  for (int i = 0; i < 10; ++i) Send(producer, i);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(0, 10));
  ASSERT_THAT(outcomes_, SizeIs(10));
  for (const auto& [number, outcome] : outcomes_) {
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    EXPECT_EQ(outcome->offset, Offset(number));
  }
  // More, when answers that were on their way went with the stream.
  EXPECT_GE(producer.counters().duplicate_batches, 2);
}

TEST_F(ProducerFailuresTest, ABrokenStreamWithFiveInFlightLosesAndDoublesNothing) {
  Producer producer(client_, OneRecordPerBatch());
  broker_.Hold();
  for (int i = 0; i < 20; ++i) Send(producer, i);
  broker_.AwaitProduced(5);
  broker_.BreakStreams();
  broker_.Release();
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(0, 20));
  EXPECT_THAT(FailedNumbers(), IsEmpty());
  EXPECT_EQ(producer.counters().duplicate_batches, 5);
}

TEST_F(ProducerFailuresTest, ARefusalForAWhileIsTriedAgainInOrder) {
  for (const Reason reason : {Reason::kOverMemoryBudget, Reason::kDiskLow, Reason::kLogDirFenced,
                              Reason::kShuttingDown}) {
    const std::string topic = absl::StrCat("refusing-", InfoOf(reason).name);
    broker_.AddTopic(topic, 1);
    Producer producer(client_, OneRecordPerBatch());
    bool refused = false;
    broker_.OnProduce([&](const Produced& produced) {
      if (produced.header.base_sequence != 1 || std::exchange(refused, true))
        return FakeBroker::Normal();
      return FakeBroker::Refuse(MakeError(reason, "not now"));
    });
    broker_.Hold();
    for (int i = 0; i < 10; ++i) {
      const std::string value = absl::StrCat(i);
      ASSERT_TRUE(producer.Send({.topic = topic, .value = value}).ok());
    }
    broker_.Release();
    ASSERT_TRUE(producer.Flush().ok());
    EXPECT_EQ(broker_.Values(topic, 0), Numbers(0, 10)) << topic;
    EXPECT_TRUE(refused);
  }
}

TEST_F(ProducerFailuresTest, AnUncertainCommitIsSentAgainWhetherOrNotItHappened) {
  const absl::Status uncertain = MakeError(Reason::kCommitUncertain, "the disk failed");
  Producer producer(client_, OneRecordPerBatch());
  Script({{1, {.apply = false, .refusal = uncertain}}});
  SendTogether(producer, 10);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(0, 10));

  broker_.AddTopic("two", 1);
  int seen = 0;
  broker_.OnProduce([&](const Produced&) {
    return seen++ == 0 ? Fate{.break_stream = true} : FakeBroker::Normal();
  });
  ASSERT_TRUE(producer.Send({.topic = "two", .value = "v"}).ok());
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_THAT(broker_.Values("two", 0), ElementsAre("v"));
}

TEST_F(ProducerFailuresTest, ABatchThatIsRefusedForGoodFailsAlone) {
  Producer producer(client_, OneRecordPerBatch());
  Script({{2, FakeBroker::Refuse(MakeError(Reason::kMessageTooLarge, "too large"))}});
  SendTogether(producer, 20);
  ASSERT_TRUE(producer.Flush().ok());  // told by callback
  EXPECT_THAT(FailedNumbers(), ElementsAre(2));
  EXPECT_EQ(ReasonOf(outcomes_[2].status()), Reason::kMessageTooLarge);
  std::vector<std::string> rest = Numbers(0, 2);
  for (const std::string& number : Numbers(3, 20)) rest.push_back(number);
  EXPECT_EQ(broker_.Values("one", 0), rest);
  EXPECT_EQ(broker_.calls("InitProducer"), 2) << "the others begin a new epoch";
}

TEST_F(ProducerFailuresTest, OtherPartitionsGoOnWhileOneBeginsANewEpoch) {
  broker_.AddTopic("four", 4);
  Producer producer(client_, OneRecordPerBatch());
  broker_.OnProduce([](const Produced& produced) {
    return produced.partition == 2 && produced.header.base_sequence == 1 &&
                   produced.header.producer_epoch.value() == 0
               ? FakeBroker::Refuse(MakeError(Reason::kCorruptBatch, "says who"))
               : FakeBroker::Normal();
  });
  broker_.Hold();
  for (int i = 0; i < 40; ++i) {
    const std::string value = absl::StrCat(i);
    ASSERT_TRUE(
        producer.Send({.topic = "four", .value = value, .partition = PartitionIndex(i % 4)}).ok());
  }
  broker_.Release();
  EXPECT_EQ(ReasonOf(producer.Flush()), Reason::kCorruptBatch);
  EXPECT_TRUE(producer.Flush().ok()) << "an error is told once";
  EXPECT_THAT(broker_.Values("four", 2),
              ElementsAre("2", "10", "14", "18", "22", "26", "30", "34", "38"));
  for (int32_t partition : {0, 1, 3}) EXPECT_THAT(broker_.Values("four", partition), SizeIs(10));
  EXPECT_EQ(producer.counters().failed, 1);
}

TEST_F(ProducerFailuresTest, ABrokerThatForgotTheProducerIsGivenANewEpoch) {
  Producer producer(client_, OneRecordPerBatch());
  Send(producer, 0);
  ASSERT_TRUE(producer.Flush().ok());
  broker_.RemoveTopic("one");
  broker_.AddTopic("one", 1);  // expects sequence 0 now
  for (int i = 1; i < 5; ++i) Send(producer, i);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(1, 5));
  EXPECT_THAT(FailedNumbers(), IsEmpty());
}

TEST_F(ProducerFailuresTest, ANewIdIsTakenWhenTheOldOneGetsNoFurtherEpoch) {
  Producer producer(client_, OneRecordPerBatch());
  Script({{1, FakeBroker::Refuse(MakeError(Reason::kCorruptBatch, "says who"))}});
  Send(producer, 0);
  ASSERT_TRUE(producer.Flush().ok());
  broker_.FailNext("InitProducer", MakeError(Reason::kProducerFenced, "a newer epoch was given"));
  for (int i = 1; i < 5; ++i) Send(producer, i);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_THAT(FailedNumbers(), ElementsAre(1));
  EXPECT_THAT(broker_.Values("one", 0), ElementsAre("0", "2", "3", "4"));
  EXPECT_NE(broker_.produced().front().header.producer_id,
            broker_.produced().back().header.producer_id);
}

TEST_F(ProducerFailuresTest, AFencedProducerIsFinished) {
  Producer producer(client_, OneRecordPerBatch());
  Script({{1, FakeBroker::Refuse(MakeError(Reason::kProducerFenced, "somebody took over"))}});
  SendTogether(producer, 5);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_TRUE(outcomes_[0].ok());
  for (int i = 1; i < 5; ++i) EXPECT_FALSE(outcomes_[i].ok());
  EXPECT_EQ(ReasonOf(outcomes_[1].status()), Reason::kProducerFenced);
  EXPECT_EQ(ReasonOf(producer.Send({.topic = "one", .value = "v"})), Reason::kProducerFenced);
}

TEST_F(ProducerFailuresTest, RecordsSurviveARestartOfTheBroker) {
  Producer producer(client_, {.delivery_timeout = absl::InfiniteDuration()});
  Send(producer, 0);
  ASSERT_TRUE(producer.Flush().ok());
  broker_.Stop();
  for (int i = 1; i < 100; ++i) Send(producer, i);
  broker_.Start();
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(0, 100));
}

TEST_F(ProducerFailuresTest, WhatWasNeverSentTimesOutAsNotWritten) {
  Producer producer(client_, {.delivery_timeout = absl::Milliseconds(100)});
  Send(producer, 0);
  ASSERT_TRUE(producer.Flush().ok());
  broker_.Stop();
  // The loss of the connection is noticed by a first record, perhaps by sending it.
  Send(producer, 1);
  ASSERT_TRUE(producer.Flush().ok());
  Send(producer, 2);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_FALSE(outcomes_[1].ok());
  EXPECT_EQ(ReasonOf(outcomes_[2].status()), Reason::kDeliveryTimedOut) << outcomes_[2].status();
  EXPECT_EQ(EffectOf(outcomes_[2].status()), Effect::kNone);
}

TEST_F(ProducerFailuresTest, WhatWasSentAndNotAnsweredTimesOutAsUncertain) {
  ProducerOptions options = OneRecordPerBatch();
  options.delivery_timeout = absl::Seconds(1);  // enough for the second record
  Producer producer(client_, options);
  Script({{0, FakeBroker::Swallow()}});
  Send(producer, 0);
  broker_.AwaitProduced(1);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(ReasonOf(outcomes_[0].status()), Reason::kCommitUncertain);
  EXPECT_EQ(producer.counters().uncertain, 1);
  // Its number is missing at the broker; what follows lands all the same.
  Send(producer, 1);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_TRUE(outcomes_[1].ok()) << outcomes_[1].status();
  EXPECT_THAT(broker_.Values("one", 0), ElementsAre("1"));
}

TEST_F(ProducerFailuresTest, AConnectionWithoutAnswersIsGivenUp) {
  Producer producer(client_, {.request_timeout = absl::Milliseconds(50)});
  Script({{0, FakeBroker::Swallow()}});
  Send(producer, 0);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_TRUE(outcomes_[0].ok()) << outcomes_[0].status();
  EXPECT_THAT(broker_.Values("one", 0), ElementsAre("0"));
}

TEST_F(ProducerFailuresTest, WithoutIdempotenceAnUnknownOutcomeIsNotTriedAgain) {
  Producer producer(client_, {.idempotent = false});
  Script({{0, FakeBroker::LoseAnswer()}});
  Send(producer, 0);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(ReasonOf(outcomes_[0].status()), Reason::kCommitUncertain);
  Send(producer, 1);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_TRUE(outcomes_[1].ok());
  EXPECT_THAT(broker_.Values("one", 0), ElementsAre("0", "1"));
  EXPECT_FALSE(broker_.produced()[0].header.has_producer());
  EXPECT_EQ(broker_.calls("InitProducer"), 0);
}

TEST_F(ProducerFailuresTest, WithoutIdempotenceACertainRefusalIsTriedAgainInOrder) {
  ProducerOptions options = OneRecordPerBatch();
  options.idempotent = false;
  Producer producer(client_, options);
  Script({{1, FakeBroker::Refuse(MakeError(Reason::kOverMemoryBudget, "not now"))}});
  for (int i = 0; i < 10; ++i) Send(producer, i);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(0, 10));
}

TEST_F(ProducerFailuresTest, AnUnknownTopicIsRefusedAtOnce) {
  Producer producer(client_);
  EXPECT_EQ(ReasonOf(producer.Send({.topic = "nowhere", .value = "v"})), Reason::kUnknownTopic);
  broker_.AddTopic("nowhere", 1);
  EXPECT_TRUE(producer.SendAndWait({.topic = "nowhere", .value = "v"}).ok());
}

TEST_F(ProducerFailuresTest, RecordsForATopicThatIsDeletedFail) {
  Producer producer(client_);
  ASSERT_TRUE(producer.SendAndWait({.topic = "one", .value = "v"}).ok());
  broker_.RemoveTopic("one");
  EXPECT_EQ(ReasonOf(producer.SendAndWait({.topic = "one", .value = "v"}).status()),
            Reason::kUnknownTopic);
  EXPECT_EQ(ReasonOf(producer.Send({.topic = "one", .value = "v"})), Reason::kUnknownTopic);
  broker_.AddTopic("one", 1);
  EXPECT_TRUE(producer.SendAndWait({.topic = "one", .value = "v"}).ok());
}

TEST_F(ProducerFailuresTest, APartitionThatIsNotThereFailsItsRecordOnly) {
  Producer producer(client_);
  const auto position =
      producer.SendAndWait({.topic = "one", .value = "v", .partition = PartitionIndex(3)});
  EXPECT_EQ(ReasonOf(position.status()), Reason::kUnknownPartition);
  EXPECT_TRUE(producer.SendAndWait({.topic = "one", .value = "v"}).ok());
}

TEST_F(ProducerFailuresTest, TroubleBeforeTheFirstRecordIsOvercome) {
  broker_.FailNext("DescribeTopic", absl::UnavailableError("not yet"));
  broker_.FailNext("InitProducer", MakeError(Reason::kTooManyRequests, "not yet"));
  broker_.FailNext("ProduceStream", MakeError(Reason::kShuttingDown, "not yet"));
  Producer producer(client_);
  EXPECT_TRUE(producer.SendAndWait({.topic = "one", .value = "v"}).ok());
  EXPECT_EQ(broker_.calls("DescribeTopic"), 2);
  EXPECT_EQ(broker_.calls("InitProducer"), 2);
  EXPECT_EQ(broker_.calls("ProduceStream"), 2);
}

TEST_F(ProducerFailuresTest, ACallerThatMayNotProduceIsToldSo) {
  for (int i = 0; i < 100; ++i)
    broker_.FailNext("ProduceStream", absl::PermissionDeniedError("not you"));
  Producer producer(client_);
  const auto position = producer.SendAndWait({.topic = "one", .value = "v"});
  EXPECT_FALSE(position.ok());
  EXPECT_THAT(std::string(position.status().message()), testing::HasSubstr("not you"));
}

TEST_F(ProducerFailuresTest, NoBrokerAtAllIsToldWhenTheTimeIsUp) {
  broker_.Stop();
  Producer producer(client_, {.delivery_timeout = absl::Milliseconds(50)});
  EXPECT_TRUE(absl::IsUnavailable(producer.Send({.topic = "one", .value = "v"})));
}

// Whatever happens to whichever request: what is told as written is there once, what is told as not
// written is not, in order.
class ProducerChaosTest : public ProducerFailuresTest, public testing::WithParamInterface<int> {};

TEST_P(ProducerChaosTest, EveryOutcomeIsTrue) {
  SCOPED_TRACE(absl::StrCat("seed ", GetParam()));
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  broker_.OnProduce([&](const Produced&) -> Fate {
    switch (random() % 24) {
      case 0:
        return FakeBroker::LoseRequest();
      case 1:
        return FakeBroker::LoseAnswer();
      case 2:
        return FakeBroker::Refuse(MakeError(Reason::kOverMemoryBudget, "chaos"));
      case 3:
        return FakeBroker::Refuse(MakeError(Reason::kCommitUncertain, "chaos"));
      case 4:
        return FakeBroker::Refuse(MakeError(Reason::kMessageTooLarge, "chaos"));
      default:
        return FakeBroker::Normal();
    }
  });
  constexpr int kRecords = 600;
  {
    Producer producer(client_, {.batch_bytes = 200, .batch_bytes_largest = 300});
    for (int i = 0; i < kRecords; ++i) Send(producer, i);
    ASSERT_TRUE(producer.Flush().ok());
  }
  ASSERT_THAT(outcomes_, SizeIs(kRecords));
  std::vector<std::string> written;
  std::vector<std::string> perhaps;
  for (const auto& [number, outcome] : outcomes_) {
    if (outcome.ok()) written.push_back(absl::StrCat(number));
    if (EffectOf(outcome.status()) == Effect::kUnknown) perhaps.push_back(absl::StrCat(number));
  }
  std::vector<std::string> found = broker_.Values("one", 0);
  for (const std::string& number : perhaps) {
    EXPECT_LE(std::count(found.begin(), found.end(), number), 1);
    std::erase(found, number);
  }
  EXPECT_EQ(found, written);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ProducerChaosTest, testing::Range(0, 20));

}  // namespace
}  // namespace weir
