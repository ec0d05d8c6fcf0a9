// The consumer: what it gives, from where, and what it does when the broker or the log does not
// stand still.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_batch_builder.h"
#include "tests/unit/client_fake_broker.h"
#include "weir/client.h"
#include "weir/consumer.h"
#include "weir/producer.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using FetchFate = FakeBroker::FetchFate;

constexpr absl::Duration kLong = absl::Minutes(1);  // never waited for

class ConsumerTest : public testing::Test {
 protected:
  ConsumerTest() { broker_.AddTopic("one", 1); }

  static AssignedPartition One(Position position, bool until_end = true) {
    return {.topic = "one",
            .partition = PartitionIndex(0),
            .position = position,
            .until_end = until_end};
  }
  // Appends the numbers from `begin` to `end` - 1 in batches of `batch` records; number n gets
  // offset n.
  void AppendNumbers(int begin, int end, int batch = 10) {
    for (int i = begin; i < end; i += batch) {
      std::vector<std::string> values;
      for (int n = i; n < std::min(end, i + batch); ++n) values.push_back(absl::StrCat(n));
      broker_.Append("one", 0, values);
    }
  }
  // Appends a batch with a right CRC whose records make no sense from number `sound` on.
  void AppendBadBatch(int count, int sound) {
    RecordBatchBuilder builder;
    for (int i = 0; i < count; ++i) builder.Append(0, std::nullopt, "value");
    std::string batch = builder.Finish({});
    const size_t record_bytes = (batch.size() - kBatchHeaderBytes) / static_cast<size_t>(count);
    batch[kBatchHeaderBytes + static_cast<size_t>(sound) * record_bytes] = 0x7f;  // its length: -64
    SealBatch(DecodeBatchHeader(batch.data()), batch.data(), batch.size());
    broker_.AppendBatch("one", 0, batch);
  }
  static std::vector<std::string> Numbers(int begin, int end) {
    std::vector<std::string> numbers;
    for (int i = begin; i < end; ++i) numbers.push_back(absl::StrCat(i));
    return numbers;
  }
  static std::vector<std::string> ValuesOf(RecordSet& records) {
    std::vector<std::string> values;
    RecordView record;
    while (records.Next(&record)) values.emplace_back(record.value.value_or("(none)"));
    EXPECT_TRUE(records.status().ok()) << records.status();
    return values;
  }
  // All values until the consumer is at its end.
  static std::vector<std::string> ReadAll(Consumer& consumer) {
    std::vector<std::string> all;
    while (!consumer.AtEnd()) {
      auto records = consumer.Poll(kLong);
      EXPECT_TRUE(records.ok()) << records.status();
      if (!records.ok()) break;
      for (std::string& value : ValuesOf(*records)) all.push_back(std::move(value));
    }
    return all;
  }

  FakeBroker broker_;
  Client client_{{.broker = broker_.address(),
                  .backoff = {.first = absl::Milliseconds(1), .largest = absl::Milliseconds(10)}}};
};

TEST_F(ConsumerTest, ReadsAPartitionFromItsStartToItsEnd) {
  AppendNumbers(0, 1'000);
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(0, 1'000));
  EXPECT_EQ(consumer.position("one", PartitionIndex(0)), Offset(1'000));
  EXPECT_EQ(consumer.high_watermark("one", PartitionIndex(0)), Offset(1'000));
  EXPECT_TRUE(consumer.CaughtUp());
}

TEST_F(ConsumerTest, AnEmptyPartitionIsAtItsEndAtOnce) {
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  EXPECT_THAT(ReadAll(consumer), IsEmpty());
  EXPECT_TRUE(consumer.CaughtUp());
}

TEST_F(ConsumerTest, GivesEveryPartOfARecord) {
  Producer producer(client_);
  const HeaderView headers[] = {{.key = "h", .value = "x"}};
  ASSERT_TRUE(
      producer.SendAndWait({.topic = "one", .key = "k", .headers = headers, .timestamp_ms = 42})
          .ok());
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  auto records = consumer.Poll(kLong);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(records->topic(), "one");
  EXPECT_EQ(records->partition(), PartitionIndex(0));
  EXPECT_EQ(records->next_offset(), Offset(1));
  RecordView record;
  ASSERT_TRUE(records->Next(&record));
  EXPECT_EQ(record.offset, Offset(0));
  EXPECT_EQ(record.timestamp_ms, 42);
  EXPECT_EQ(record.key, absl::string_view("k"));
  EXPECT_FALSE(record.value.has_value());
  EXPECT_THAT(record.headers.Decode(), ElementsAre(HeaderView{.key = "h", .value = "x"}));
  EXPECT_FALSE(records->Next(&record));
}

TEST_F(ConsumerTest, ReadsCompressedBatches) {
  for (const Compression codec :
       {Compression::kGzip, Compression::kSnappy, Compression::kLz4, Compression::kZstd}) {
    Producer producer(client_, {.compression = codec, .linger = absl::Seconds(1)});
    const std::string value = std::string(500, 'v') + absl::StrCat(static_cast<int>(codec));
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(producer.Send({.topic = "one", .value = value}).ok());
    ASSERT_TRUE(producer.Flush().ok());
  }
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  const std::vector<std::string> values = ReadAll(consumer);
  ASSERT_THAT(values, SizeIs(80));
  for (size_t i = 0; i < 80; ++i) EXPECT_EQ(values[i].back(), static_cast<char>('1' + i / 20));
}

TEST_F(ConsumerTest, BeginsInTheMiddleOfABatch) {
  AppendNumbers(0, 100, 50);
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Offset(33))).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(33, 100));
}

TEST_F(ConsumerTest, BeginsAtATime) {
  Producer producer(client_);
  for (int i = 0; i < 5; ++i) {
    const std::string value = absl::StrCat(i);
    ASSERT_TRUE(
        producer.SendAndWait({.topic = "one", .value = value, .timestamp_ms = 1'000 * i}).ok());
  }
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(absl::FromUnixMillis(2'000))).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(2, 5));
  // One nanosecond later the third is too old.
  ASSERT_TRUE(
      consumer.Seek("one", PartitionIndex(0), absl::FromUnixMillis(2'000) + absl::Nanoseconds(1))
          .ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(3, 5));
}

TEST_F(ConsumerTest, LatestGivesOnlyWhatIsWrittenLater) {
  AppendNumbers(0, 100);
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Latest(), /*until_end=*/false)).ok());
  while (!consumer.position("one", PartitionIndex(0)).has_value()) {
    auto nothing = consumer.Poll(absl::Milliseconds(1));
    ASSERT_TRUE(nothing.ok() && nothing->empty());
  }
  EXPECT_TRUE(consumer.CaughtUp());
  AppendNumbers(100, 110);
  auto records = consumer.Poll(kLong);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(ValuesOf(*records), Numbers(100, 110));
}

TEST_F(ConsumerTest, FollowsTheLogAsItGrows) {
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest(), /*until_end=*/false)).ok());
  for (int i = 0; i < 50; ++i) {
    AppendNumbers(i, i + 1);
    auto records = consumer.Poll(kLong);
    ASSERT_TRUE(records.ok()) << records.status();
    EXPECT_EQ(ValuesOf(*records), Numbers(i, i + 1));
  }
  EXPECT_FALSE(consumer.AtEnd());
}

TEST_F(ConsumerTest, UntilEndStopsThereThoughMoreIsWritten) {
  AppendNumbers(0, 100);
  Consumer consumer(client_, {.fetch_bytes = 1});
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  auto first = consumer.Poll(kLong);
  ASSERT_TRUE(first.ok()) << first.status();
  std::vector<std::string> all = ValuesOf(*first);
  AppendNumbers(100, 200);
  for (std::string& value : ReadAll(consumer)) all.push_back(std::move(value));
  EXPECT_EQ(all, Numbers(0, 100));
  EXPECT_EQ(consumer.position("one", PartitionIndex(0)), Offset(100));
}

TEST_F(ConsumerTest, ManyPartitionsEachKeepTheirOrder) {
  broker_.AddTopic("many", 40);
  for (int i = 0; i < 400; ++i) broker_.Append("many", i % 40, {absl::StrCat(i)});
  for (const int max_streams : {256, 7}) {  // with seven they take turns
    Consumer consumer(client_, {.max_streams = max_streams});
    for (int32_t p = 0; p < 40; ++p) {
      ASSERT_TRUE(consumer
                      .Assign({.topic = "many",
                               .partition = PartitionIndex(p),
                               .position = Earliest(),
                               .until_end = true})
                      .ok());
    }
    std::map<int32_t, std::vector<std::string>> values;
    while (!consumer.AtEnd()) {
      auto records = consumer.Poll(kLong);
      ASSERT_TRUE(records.ok()) << records.status();
      for (std::string& value : ValuesOf(*records))
        values[records->partition().value()].push_back(std::move(value));
    }
    ASSERT_THAT(values, SizeIs(40));
    for (const auto& [partition, found] : values) {
      ASSERT_THAT(found, SizeIs(10));
      for (int i = 0; i < 10; ++i)
        EXPECT_EQ(found[static_cast<size_t>(i)], absl::StrCat(partition + 40 * i));
    }
  }
}

TEST_F(ConsumerTest, IdlePartitionsGiveTheirStreamsToOthers) {
  broker_.AddTopic("three", 3);
  Consumer consumer(client_, {.max_streams = 1});
  for (int32_t p = 0; p < 3; ++p) {
    ASSERT_TRUE(consumer.Assign({.topic = "three", .partition = PartitionIndex(p)}).ok());
  }
  for (int round = 0; round < 2; ++round) {
    for (int32_t p = 2; p >= 0; --p) {
      broker_.Append("three", p, {absl::StrCat(round)});
      auto records = consumer.Poll(kLong);
      ASSERT_TRUE(records.ok()) << records.status();
      EXPECT_EQ(records->partition(), PartitionIndex(p));
      EXPECT_THAT(ValuesOf(*records), ElementsAre(absl::StrCat(round)));
    }
  }
}

TEST_F(ConsumerTest, GoesOnWhereItWasWhenStreamsBreak) {
  AppendNumbers(0, 1'000);
  broker_.OnFetch(
      [](int message) { return message % 3 == 1 ? FetchFate::kBreak : FetchFate::kSend; });
  Consumer consumer(client_, {.fetch_bytes = 1});
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(0, 1'000));
  EXPECT_GT(broker_.calls("FetchStream"), 5);
}

TEST_F(ConsumerTest, SurvivesARestartOfTheBroker) {
  AppendNumbers(0, 10);
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest(), /*until_end=*/false)).ok());
  auto records = consumer.Poll(kLong);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(ValuesOf(*records), Numbers(0, 10));
  broker_.Stop();
  while (consumer.last_error().ok()) ASSERT_TRUE(consumer.Poll(absl::Milliseconds(1)).ok());
  broker_.Start();
  AppendNumbers(10, 20);
  records = consumer.Poll(kLong);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(ValuesOf(*records), Numbers(10, 20));
  EXPECT_TRUE(consumer.last_error().ok());
}

TEST_F(ConsumerTest, TroubleWithTheLookupIsOvercome) {
  AppendNumbers(0, 10);
  broker_.FailNext("ListOffsets", absl::UnavailableError("not yet"));
  broker_.FailNext("FetchStream", MakeError(Reason::kTooManyRequests, "not yet"));
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(0, 10));
}

TEST_F(ConsumerTest, SeekGoesBackAndForth) {
  AppendNumbers(0, 100);
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Offset(90))).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(90, 100));
  ASSERT_TRUE(consumer.Seek("one", PartitionIndex(0), Offset(50)).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(50, 100));
  ASSERT_TRUE(consumer.Seek("one", PartitionIndex(0), Earliest()).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(0, 100));
}

TEST_F(ConsumerTest, SeekDropsWhatWasFetchedAhead) {
  AppendNumbers(0, 1'000);
  Consumer consumer(client_, {.fetch_bytes = 1});
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  ASSERT_TRUE(consumer.Poll(kLong).ok());
  ASSERT_TRUE(consumer.Seek("one", PartitionIndex(0), Offset(500)).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(500, 1'000));
}

TEST_F(ConsumerTest, AnOffsetOutOfRangeIsAnErrorOnce) {
  AppendNumbers(0, 100);
  broker_.SetLogStart("one", 0, Offset(50));
  for (const int64_t offset : {0, 200}) {
    Consumer consumer(client_);
    ASSERT_TRUE(consumer.Assign(One(Offset(offset))).ok());
    const auto records = consumer.Poll(kLong);
    EXPECT_EQ(ReasonOf(records.status()), Reason::kOffsetOutOfRange);
    EXPECT_THAT(std::string(records.status().message()), HasSubstr("one/0: "));
    EXPECT_TRUE(consumer.AtEnd());
    EXPECT_TRUE(consumer.Poll(kLong)->empty());
    ASSERT_TRUE(consumer.Seek("one", PartitionIndex(0), Earliest()).ok());
    EXPECT_EQ(ReadAll(consumer), Numbers(50, 100));
  }
}

TEST_F(ConsumerTest, AnOffsetOutOfRangeMovesOnlyWhenAskedTo) {
  AppendNumbers(0, 100);
  broker_.SetLogStart("one", 0, Offset(50));
  Consumer earliest(client_, {.when_out_of_range = WhenOutOfRange::kEarliest});
  ASSERT_TRUE(earliest.Assign(One(Offset(0))).ok());
  EXPECT_EQ(ReadAll(earliest), Numbers(50, 100));

  Consumer latest(client_, {.when_out_of_range = WhenOutOfRange::kLatest});
  ASSERT_TRUE(latest.Assign(One(Offset(0))).ok());
  EXPECT_THAT(ReadAll(latest), IsEmpty());
  EXPECT_EQ(latest.position("one", PartitionIndex(0)), Offset(100));
}

TEST_F(ConsumerTest, ACorruptBatchIsToldBehindTheSoundOnes) {
  AppendNumbers(0, 30);  // three batches in one message, the last one damaged
  broker_.OnFetch([](int) { return FetchFate::kCorrupt; });
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  auto records = consumer.Poll(kLong);
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(ValuesOf(*records), Numbers(0, 20));
  EXPECT_EQ(ReasonOf(consumer.Poll(kLong).status()), Reason::kCorruptBatch);
  EXPECT_EQ(consumer.position("one", PartitionIndex(0)), Offset(20));
  broker_.OnFetch(nullptr);
  ASSERT_TRUE(consumer.Seek("one", PartitionIndex(0), Offset(20)).ok());
  EXPECT_EQ(ReadAll(consumer), Numbers(20, 30));
}

TEST_F(ConsumerTest, ABatchThatCannotBeDecodedCostsOnlyItsOwnRecords) {
  AppendNumbers(0, 10);
  AppendBadBatch(5, 2);  // offsets 10 to 14; two of its records are sound
  AppendNumbers(15, 25);
  AppendBadBatch(5, 0);
  AppendNumbers(30, 40);  // all of them come in one message
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Offset(3))).ok());
  auto records = consumer.Poll(kLong);
  ASSERT_TRUE(records.ok()) << records.status();
  std::vector<int64_t> offsets;
  RecordView record;
  while (records->Next(&record)) offsets.push_back(record.offset.value());
  std::vector<int64_t> good;
  for (int64_t i = 3; i < 40; ++i) {
    if (i < 12 || (i >= 15 && i < 25) || i >= 30) good.push_back(i);
  }
  EXPECT_EQ(offsets, good);
  EXPECT_EQ(ReasonOf(records->status()), Reason::kCorruptBatch);
  const std::string told(records->status().message());
  EXPECT_THAT(told, testing::StartsWith("one/0: offsets 12 to 14 cannot be read: record 2 of 5: "));
  EXPECT_THAT(told, HasSubstr("goes on at offset 15"));
  EXPECT_EQ(records->passed_over(), 2);
  EXPECT_EQ(records->next_offset(), Offset(40));
  EXPECT_TRUE(consumer.AtEnd());
}

TEST_F(ConsumerTest, ABadBatchBehindTheEndIsNobodysTrouble) {
  AppendNumbers(0, 10);
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  std::atomic<bool> looked_up = false;
  std::atomic<bool> appended = false;
  broker_.OnFetch([&](int) {
    looked_up = true;  // and with it, where the end is
    return appended ? FetchFate::kSend : FetchFate::kBreak;
  });
  while (!looked_up) ASSERT_TRUE(consumer.Poll(absl::ZeroDuration()).ok());
  AppendBadBatch(5, 0);
  appended = true;
  EXPECT_EQ(ReadAll(consumer), Numbers(0, 10));
}

TEST_F(ConsumerTest, APartitionThatIsNotThereIsAnErrorAndOthersGoOn) {
  AppendNumbers(0, 10);
  Consumer consumer(client_);
  ASSERT_TRUE(
      consumer.Assign({.topic = "nowhere", .partition = PartitionIndex(0), .until_end = true})
          .ok());
  ASSERT_TRUE(
      consumer.Assign({.topic = "one", .partition = PartitionIndex(9), .until_end = true}).ok());
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  std::vector<std::optional<Reason>> reasons;
  std::vector<std::string> values;
  while (!consumer.AtEnd()) {
    auto records = consumer.Poll(kLong);
    if (records.ok()) {
      for (std::string& value : ValuesOf(*records)) values.push_back(std::move(value));
    } else {
      reasons.push_back(ReasonOf(records.status()));
    }
  }
  EXPECT_EQ(values, Numbers(0, 10));
  EXPECT_THAT(reasons,
              testing::UnorderedElementsAre(Reason::kUnknownTopic, Reason::kUnknownPartition));
}

TEST_F(ConsumerTest, PollReturnsEmptyWhenItsTimeIsUp) {
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest(), /*until_end=*/false)).ok());
  const auto records = consumer.Poll(absl::Milliseconds(1));
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_TRUE(records->empty());
  EXPECT_EQ(records->topic(), "");
}

TEST_F(ConsumerTest, WakeEndsAWaitingPoll) {
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest(), /*until_end=*/false)).ok());
  std::thread waker([&] { consumer.Wake(); });
  const auto records = consumer.Poll(kLong);
  waker.join();
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_TRUE(records->empty());
}

TEST_F(ConsumerTest, AssignmentsAreKeptApart) {
  Consumer consumer(client_);
  EXPECT_EQ(ReasonOf(consumer.Poll(kLong).status()), Reason::kInvalidRequest);
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  EXPECT_EQ(ReasonOf(consumer.Assign(One(Earliest()))), Reason::kInvalidRequest);
  EXPECT_EQ(ReasonOf(consumer.Seek("one", PartitionIndex(1), Earliest())), Reason::kInvalidRequest);
  ASSERT_TRUE(consumer.Unassign("one", PartitionIndex(0)).ok());
  EXPECT_EQ(ReasonOf(consumer.Unassign("one", PartitionIndex(0))), Reason::kInvalidRequest);
  EXPECT_EQ(ReasonOf(consumer.Poll(kLong).status()), Reason::kInvalidRequest);
  EXPECT_EQ(consumer.position("one", PartitionIndex(0)), std::nullopt);
}

TEST_F(ConsumerTest, UnassignEndsTheStream) {
  AppendNumbers(0, 10);
  Consumer consumer(client_);
  ASSERT_TRUE(consumer.Assign(One(Earliest(), /*until_end=*/false)).ok());
  ASSERT_TRUE(consumer.Poll(kLong).ok());
  broker_.AwaitFetchStreams(1);
  ASSERT_TRUE(consumer.Unassign("one", PartitionIndex(0)).ok());
  broker_.AwaitFetchStreams(0);
}

TEST_F(ConsumerTest, ADestroyedConsumerEndsItsStreams) {
  AppendNumbers(0, 1'000);
  {
    Consumer consumer(client_, {.fetch_bytes = 1});
    ASSERT_TRUE(consumer.Assign(One(Earliest(), /*until_end=*/false)).ok());
    ASSERT_TRUE(consumer.Poll(kLong).ok());
  }
  broker_.AwaitFetchStreams(0);
}

TEST_F(ConsumerTest, ASlowReaderHoldsNoMoreThanItsBuffer) {
  for (int i = 0; i < 200; ++i) broker_.Append("one", 0, {std::string(50'000, 'x')});
  int sent = 0;
  broker_.OnFetch([&](int message) {
    sent = message + 1;
    return FetchFate::kSend;
  });
  Consumer consumer(client_, {.fetch_bytes = 1, .buffer_bytes = 200'000});
  ASSERT_TRUE(consumer.Assign(One(Earliest())).ok());
  size_t records = 0;
  while (!consumer.AtEnd()) {
    auto polled = consumer.Poll(kLong);
    ASSERT_TRUE(polled.ok()) << polled.status();
    records += ValuesOf(*polled).size();
  }
  EXPECT_EQ(records, 200u);
  EXPECT_GE(sent, 100) << "each answer carries little";
}

}  // namespace
}  // namespace weir
