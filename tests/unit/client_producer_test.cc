// The producer against a broker that does what it should: order, partitions, batches, waiting,
// closing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/error.h"
#include "storage/record/key_partitioner.h"
#include "tests/unit/client_fake_broker.h"
#include "weir/client.h"
#include "weir/producer.h"

namespace weir {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> Numbers(int count) {
  std::vector<std::string> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(absl::StrCat(i));
  return numbers;
}

class ProducerTest : public testing::Test {
 protected:
  ProducerTest() { broker_.AddTopic("one", 1); }
  ~ProducerTest() override { EXPECT_THAT(broker_.complaints(), IsEmpty()); }

  static ProducerRecord Record(const std::string& value) {
    return {.topic = "one", .value = value};
  }
  // Sends the numbers from `begin` to `end` - 1 to topic "one".
  static void SendNumbers(Producer& producer, int begin, int end) {
    for (int i = begin; i < end; ++i) ASSERT_TRUE(producer.Send(Record(absl::StrCat(i))).ok());
  }
  std::vector<int32_t> BatchSizes() {
    std::vector<int32_t> sizes;
    for (const auto& produced : broker_.produced()) sizes.push_back(produced.header.record_count);
    return sizes;
  }

  FakeBroker broker_;
  Client client_{{.broker = broker_.address()}};
};

TEST_F(ProducerTest, RecordsOfAPartitionKeepTheirOrder) {
  Producer producer(client_);
  std::vector<int64_t> offsets;
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_TRUE(producer
                    .Send(Record(absl::StrCat(i)),
                          [&](const absl::StatusOr<RecordPosition>& position) {
                            ASSERT_TRUE(position.ok()) << position.status();
                            offsets.push_back(position->offset.value());
                          })
                    .ok());
  }
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(5'000));
  ASSERT_THAT(offsets, SizeIs(5'000));
  for (int i = 0; i < 5'000; ++i) EXPECT_EQ(offsets[static_cast<size_t>(i)], i);
}

TEST_F(ProducerTest, EveryPartOfARecordArrives) {
  Producer producer(client_);
  const HeaderView headers[] = {{.key = "a", .value = "1"}, {.key = "b"}};
  ASSERT_TRUE(
      producer.SendAndWait({.topic = "one", .key = "k", .headers = headers, .timestamp_ms = 42})
          .ok());
  const auto produced = broker_.produced();
  ASSERT_THAT(produced, SizeIs(1));
  EXPECT_EQ(produced[0].header.base_timestamp_ms, 42);
  EXPECT_TRUE(produced[0].header.has_producer());
  EXPECT_THAT(broker_.Keys("one", 0), ElementsAre("k"));
  EXPECT_THAT(broker_.Values("one", 0), ElementsAre("(none)"));
}

TEST_F(ProducerTest, KeysDecideThePartition) {
  broker_.AddTopic("twelve", 12);
  Producer producer(client_);
  for (int i = 0; i < 500; ++i) {
    const std::string key = absl::StrCat("key-", i);
    ASSERT_TRUE(producer.Send({.topic = "twelve", .key = key, .value = "v"}).ok());
  }
  ASSERT_TRUE(producer.Flush().ok());
  size_t total = 0;
  for (int32_t partition = 0; partition < 12; ++partition) {
    for (const std::string& key : broker_.Keys("twelve", partition)) {
      EXPECT_EQ(PartitionForKey(key, 12), PartitionIndex(partition)) << key;
      ++total;
    }
  }
  EXPECT_EQ(total, 500u);
}

TEST_F(ProducerTest, APartitionThatIsNamedIsUsed) {
  broker_.AddTopic("twelve", 12);
  Producer producer(client_);
  const auto position =
      producer.SendAndWait({.topic = "twelve", .key = "k", .partition = PartitionIndex(7)});
  ASSERT_TRUE(position.ok()) << position.status();
  EXPECT_EQ(*position, (RecordPosition{PartitionIndex(7), Offset(0)}));
}

TEST_F(ProducerTest, RecordsWithoutKeyFillOnePartitionsBatchAfterTheOther) {
  broker_.AddTopic("twelve", 12);
  Producer producer(client_, {.batch_bytes = 1'000});
  ASSERT_TRUE(producer.SendAndWait({.topic = "twelve", .value = "first"}).ok());
  broker_.Hold();
  const std::string value(100, 'v');
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(producer.Send({.topic = "twelve", .value = value}).ok());
  broker_.AwaitProduced(5);
  broker_.Release();
  ASSERT_TRUE(producer.Flush().ok());
  const auto produced = broker_.produced();
  for (size_t i = 1; i < produced.size(); ++i) {
    EXPECT_EQ(produced[i].partition, (produced[i - 1].partition + 1) % 12);
    if (i > 1 && i + 1 < produced.size()) EXPECT_GT(produced[i].header.size_bytes(), 800);
  }
}

TEST_F(ProducerTest, TheFirstRecordGoesAtOnceAndOthersGatherBehindIt) {
  Producer producer(client_);
  broker_.Hold();
  SendNumbers(producer, 0, 1);
  broker_.AwaitProduced(1);
  SendNumbers(producer, 1, 11);
  broker_.Release();
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_THAT(BatchSizes(), ElementsAre(1, 10));
}

TEST_F(ProducerTest, FullBatchesGoWhileOthersAreUnansweredButNoMoreThanFive) {
  Producer producer(client_, {.batch_bytes = 1'000, .batch_bytes_largest = 1'000});
  broker_.Hold();
  SendNumbers(producer, 0, 3'000);
  broker_.AwaitProduced(5);
  broker_.Release();  // six would be complained of
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(3'000));
  for (const auto& produced : broker_.produced()) EXPECT_LE(produced.header.size_bytes(), 1'000);
}

TEST_F(ProducerTest, BatchesGrowWhileTheirPartitionIsCongested) {
  Producer producer(client_, {.batch_bytes = 1'000, .batch_bytes_largest = 8'000});
  broker_.Hold();
  SendNumbers(producer, 0, 3'000);
  broker_.AwaitProduced(5);
  broker_.Release();
  ASSERT_TRUE(producer.Flush().ok());
  int64_t largest = 0;
  for (const auto& produced : broker_.produced())
    largest = std::max(largest, produced.header.size_bytes());
  EXPECT_GT(largest, 7'000);
  EXPECT_LE(largest, 8'000);
}

TEST_F(ProducerTest, BatchesStayBelowTheTopicsLimit) {
  broker_.AddTopic("small", 1, {{"max.message.bytes", "700"}});
  Producer producer(client_);
  ASSERT_TRUE(producer.SendAndWait({.topic = "small", .value = "first"}).ok());
  broker_.Hold();
  const std::string value(100, 'v');
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(producer.Send({.topic = "small", .value = value}).ok());
  broker_.Release();
  ASSERT_TRUE(producer.Flush().ok());
  for (const auto& produced : broker_.produced()) EXPECT_LE(produced.header.size_bytes(), 700);
  EXPECT_EQ(broker_.EndOf("small", 0), Offset(51));
}

TEST_F(ProducerTest, ARecordLargerThanABatchHasOneOfItsOwn) {
  Producer producer(client_, {.batch_bytes = 1'000});
  broker_.Hold();
  SendNumbers(producer, 0, 1);
  broker_.AwaitProduced(1);
  SendNumbers(producer, 1, 2);
  ASSERT_TRUE(producer.Send(Record(std::string(100'000, 'x'))).ok());
  SendNumbers(producer, 3, 4);
  broker_.Release();
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_THAT(BatchSizes(), ElementsAre(1, 1, 1, 1));
}

TEST_F(ProducerTest, FlushCutsLingeringShort) {
  Producer producer(client_, {.linger = absl::Seconds(1)});
  SendNumbers(producer, 0, 3);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_THAT(BatchSizes(), ElementsAre(3));
}

TEST_F(ProducerTest, LingeringEndsByItself) {
  Producer producer(client_, {.linger = absl::Milliseconds(1)});
  ASSERT_TRUE(producer.SendAndWait(Record("0")).ok());
}

TEST_F(ProducerTest, AFullBatchDoesNotLinger) {
  Producer producer(client_, {.batch_bytes = 500, .linger = absl::Seconds(1)});
  SendNumbers(producer, 0, 1'000);
  broker_.AwaitProduced(3);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(1'000));
}

TEST_F(ProducerTest, CompressedBatchesArriveWhole) {
  for (const Compression codec :
       {Compression::kGzip, Compression::kSnappy, Compression::kLz4, Compression::kZstd}) {
    const std::string topic = absl::StrCat("codec-", static_cast<int>(codec));
    broker_.AddTopic(topic, 1);
    Producer producer(client_, {.compression = codec, .linger = absl::Seconds(1)});
    const std::string value(1'000, 'v');
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(producer.Send({.topic = topic, .value = value}).ok());
    ASSERT_TRUE(producer.Flush().ok());
    EXPECT_EQ(broker_.produced().back().header.compression(), codec);
    EXPECT_THAT(broker_.Values(topic, 0), testing::AllOf(SizeIs(30), Each(value)));
  }
}

TEST_F(ProducerTest, ThreadsThatWaitForTheirRecordsEachGetTheirOwnOffset) {
  Producer producer(client_);
  absl::Mutex mu;
  std::vector<int64_t> offsets;
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string value = absl::StrCat(t, "-", i);
        const auto position = producer.SendAndWait(Record(value));
        ASSERT_TRUE(position.ok()) << position.status();
        absl::MutexLock lock(&mu);
        offsets.push_back(position->offset.value());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::sort(offsets.begin(), offsets.end());
  ASSERT_THAT(offsets, SizeIs(1'600));
  for (int64_t i = 0; i < 1'600; ++i) EXPECT_EQ(offsets[static_cast<size_t>(i)], i);
  EXPECT_THAT(broker_.Values("one", 0), SizeIs(1'600));
}

TEST_F(ProducerTest, SendFailsFastWhenTheBufferIsFull) {
  Producer producer(client_, {.buffer_bytes = 1'000, .when_full = WhenFull::kFail});
  broker_.Hold();
  const std::string value(100, 'v');
  absl::Status status;
  int taken = 0;
  while ((status = producer.Send(Record(value))).ok()) ++taken;
  EXPECT_EQ(ReasonOf(status), Reason::kBufferFull);
  EXPECT_GT(taken, 5);
  EXPECT_LE(producer.counters().buffered_bytes, 1'000);
  broker_.Release();
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(producer.counters().buffered_bytes, 0);
  EXPECT_EQ(broker_.EndOf("one", 0), Offset(taken));
}

TEST_F(ProducerTest, SendWaitsForRoom) {
  Producer producer(client_, {.batch_bytes = 200, .buffer_bytes = 1'000});
  broker_.Hold();
  std::thread sender([&] { SendNumbers(producer, 0, 500); });
  broker_.AwaitProduced(1);
  broker_.Release();
  sender.join();
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(500));
}

TEST_F(ProducerTest, SendWaitsForRoomThoughRecordsLinger) {
  Producer producer(client_, {.linger = absl::Seconds(1), .buffer_bytes = 1'000});
  SendNumbers(producer, 0, 300);
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(300));
}

TEST_F(ProducerTest, ARecordLargerThanTheBufferIsRefused) {
  Producer producer(client_, {.buffer_bytes = 1'000});
  EXPECT_EQ(ReasonOf(producer.Send(Record(std::string(2'000, 'x')))), Reason::kMessageTooLarge);
}

TEST_F(ProducerTest, ARecordThatMakesNoSenseIsRefused) {
  Producer producer(client_);
  const std::vector<HeaderView> headers(1'001, HeaderView{.key = "h"});
  EXPECT_EQ(ReasonOf(producer.Send({.topic = "one", .headers = headers})), Reason::kInvalidRequest);
  EXPECT_EQ(ReasonOf(producer.Send({.topic = "one", .partition = PartitionIndex(-1)})),
            Reason::kInvalidRequest);
  EXPECT_EQ(producer.counters().pending, 0);
}

TEST_F(ProducerTest, CloseMakesAWaitingSendReturn) {
  Producer producer(client_, {.buffer_bytes = 200});
  broker_.Hold();
  std::atomic<int> taken = 0;
  std::thread sender([&] {
    absl::Status status;
    while ((status = producer.Send(Record(std::string(60, 'v')))).ok()) ++taken;
    EXPECT_EQ(ReasonOf(status), Reason::kClientClosed);
  });
  broker_.AwaitProduced(1);
  producer.Close(absl::ZeroDuration()).IgnoreError();
  sender.join();
  const ProducerCounters counters = producer.counters();
  EXPECT_EQ(counters.failed + counters.uncertain, taken);
  EXPECT_EQ(counters.pending, 0);
}

TEST_F(ProducerTest, CloseSendsWhatIsLeft) {
  Producer producer(client_, {.linger = absl::Seconds(1)});
  SendNumbers(producer, 0, 10);
  ASSERT_TRUE(producer.Close().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(10));
  EXPECT_EQ(ReasonOf(producer.Send(Record("x"))), Reason::kClientClosed);
}

TEST_F(ProducerTest, WhatCloseGivesUpIsToldApart) {
  std::vector<std::optional<Reason>> outcomes;
  const auto note = [&](const absl::StatusOr<RecordPosition>& position) {
    outcomes.push_back(ReasonOf(position.status()));
  };
  Producer producer(client_);
  broker_.Hold();
  ASSERT_TRUE(producer.Send(Record("sent"), note).ok());
  broker_.AwaitProduced(1);
  ASSERT_TRUE(producer.Send(Record("gathering"), note).ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(producer.Close(absl::Milliseconds(1))));
  EXPECT_THAT(outcomes, ElementsAre(Reason::kCommitUncertain, Reason::kClientClosed));
  const ProducerCounters counters = producer.counters();
  EXPECT_EQ(counters.uncertain, 1);
  EXPECT_EQ(counters.failed, 1);
}

TEST_F(ProducerTest, ADestroyedProducerTellsEveryOutcome) {
  int told = 0;
  {
    Producer producer(client_);
    broker_.Hold();
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(
          producer.Send(Record("v"), [&](const absl::StatusOr<RecordPosition>&) { ++told; }).ok());
    }
  }
  EXPECT_EQ(told, 10);
}

TEST_F(ProducerTest, FlushGivesUpWhenItsTimeHasPassedAndTheRecordsGoOn) {
  Producer producer(client_);
  broker_.Hold();
  SendNumbers(producer, 0, 10);
  EXPECT_TRUE(absl::IsDeadlineExceeded(producer.Flush(absl::Milliseconds(1))));
  broker_.Release();
  EXPECT_TRUE(producer.Flush().ok());
  EXPECT_EQ(broker_.Values("one", 0), Numbers(10));
}

TEST_F(ProducerTest, CountersTellWhatHasBecomeOfRecords) {
  Producer producer(client_);
  broker_.Hold();
  SendNumbers(producer, 0, 3);
  EXPECT_EQ(producer.counters().pending, 3);
  broker_.Release();
  ASSERT_TRUE(producer.Flush().ok());
  EXPECT_EQ(producer.counters().pending, 0);
  EXPECT_EQ(producer.counters().acknowledged, 3);
}

TEST_F(ProducerTest, ManyTopicsAtOnce) {
  for (int i = 0; i < 20; ++i) broker_.AddTopic(absl::StrCat("topic-", i), 3);
  Producer producer(client_);
  for (int i = 0; i < 600; ++i) {
    const std::string topic = absl::StrCat("topic-", i % 20);
    const std::string key = absl::StrCat(i);
    ASSERT_TRUE(producer.Send({.topic = topic, .key = key, .value = "v"}).ok());
  }
  ASSERT_TRUE(producer.Flush().ok());
  for (int i = 0; i < 20; ++i) {
    int64_t records = 0;
    for (int32_t p = 0; p < 3; ++p) records += broker_.EndOf(absl::StrCat("topic-", i), p).value();
    EXPECT_EQ(records, 30);
  }
}

}  // namespace
}  // namespace weir
