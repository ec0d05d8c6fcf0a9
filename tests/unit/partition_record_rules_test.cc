// What clients may say in headers: in plain records, and in batches that are decoded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "broker/partition/partitioner.h"
#include "broker/partition/record_rules.h"
#include "storage/base/error.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_reader.h"
#include "storage/record/reencode.h"
#include "storage/record/weir_headers.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr int64_t kNowMs = 1'000'000;
constexpr RecordRules kTakesDelays{
    .delays = {.delayed_delivery = true, .retention_ms = 500, .now_ms = kNowMs}};
constexpr RecordRules kTakesNone{.delays = {.now_ms = kNowMs}};

std::string Refusal(const absl::Status& status) {
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidRequest) << status;
  return std::string(status.message());
}

// One batch of one record with these headers.
std::string BatchWith(const std::vector<HeaderView>& headers) {
  RecordBatchBuilder builder;
  builder.Append(kNowMs, "k", "v", headers);
  return builder.Finish({});
}

absl::Status CheckBatch(const RecordRules& rules, const std::vector<HeaderView>& headers) {
  const ReencodeOptions options{
      .compression = Compression::kZstd,
      .check = [&](const RecordView& record) { return rules.CheckInBatch(record); }};
  return Reencode(BatchWith(headers), options).status();
}

TEST(RecordRulesTest, HeadersOfClientsDoNotBeginWithWeir) {
  EXPECT_TRUE(kTakesNone.CheckHeaders({}).ok());
  EXPECT_TRUE(kTakesNone.CheckHeaders({{"weir", "1"}, {"Weir-x", "1"}, {"", "1"}}).ok());
  EXPECT_THAT(Refusal(kTakesNone.CheckHeaders({{"a", "1"}, {"weir-dlq-topic", "orders"}})),
              AllOf(HasSubstr("'weir-dlq-topic'"), HasSubstr("the broker's own")));
  EXPECT_THAT(Refusal(kTakesNone.CheckHeaders({{"weir-\n", std::nullopt}})),
              HasSubstr("'weir-\\n'"));
  EXPECT_THAT(Refusal(kTakesDelays.CheckHeaders({{"weir-deliver-at", "1"}})),
              HasSubstr("set the field deliver_at_ms instead"));
}

TEST(RecordRulesTest, ATimeOfDeliveryLiesWithinTheTopicsRetention) {
  EXPECT_TRUE(kTakesDelays.delays.Check(0).ok());
  EXPECT_TRUE(kTakesDelays.delays.Check(kNowMs + 500).ok());
  EXPECT_THAT(Refusal(kTakesDelays.delays.Check(kNowMs + 501)),
              AllOf(HasSubstr("1000501, 501 ms from now"), HasSubstr("500 ms (retention.ms)")));
  EXPECT_THAT(Refusal(kTakesDelays.delays.Check(-1)), HasSubstr("-1; it must be 0 or more"));
  const RecordRules for_ever{.delays = {.delayed_delivery = true, .now_ms = kNowMs}};
  EXPECT_TRUE(for_ever.delays.Check(std::numeric_limits<int64_t>::max()).ok());
}

TEST(RecordRulesTest, OnlyTopicsThatAreSetSoTakeATimeOfDelivery) {
  EXPECT_THAT(Refusal(kTakesNone.delays.Check(kNowMs)), HasSubstr("its delayed.delivery is false"));
}

TEST(RecordRulesTest, InBatchesThatAreDecodedTheTimeOfDeliveryIsTheOnlyHeaderOfWeirs) {
  EXPECT_TRUE(CheckBatch(kTakesDelays, {{"a", "1"}, {"weir-deliver-at", "1000500"}}).ok());
  EXPECT_THAT(Refusal(CheckBatch(kTakesDelays, {{"weir-redrive-count", "1"}})),
              HasSubstr("'weir-redrive-count'"));
  EXPECT_THAT(Refusal(CheckBatch(kTakesDelays, {{"weir-deliver-at", "1000501"}})),
              HasSubstr("501 ms from now"));
  EXPECT_THAT(Refusal(CheckBatch(kTakesNone, {{"weir-deliver-at", "1"}})),
              HasSubstr("takes no delays"));
  for (const absl::string_view bad : {"", "-1", "+1", " 1", "1 ", "0x1", "1.5", "soon",
                                      "9223372036854775808", "99999999999999999999999"}) {
    EXPECT_THAT(Refusal(CheckBatch(kTakesDelays, {{"weir-deliver-at", bad}})),
                HasSubstr(absl::string_view("whole number of milliseconds")))
        << bad;
  }
  EXPECT_THAT(Refusal(CheckBatch(kTakesDelays, {{"weir-deliver-at", std::nullopt}})),
              HasSubstr("whole number"));
}

TEST(RecordRulesTest, ABatchThatStaysAsItIsIsNotOpened) {
  const std::string batch = BatchWith({{"weir-redrive-count", "1"}});
  const ReencodeOptions options{.check = [](const RecordView&) {
    ADD_FAILURE() << "it was opened";
    return absl::OkStatus();
  }};
  EXPECT_EQ(Reencode(batch, options).value(), batch);
}

TEST(RecordRulesTest, TheFieldBecomesTheLastHeader) {
  const std::vector<PlainRecord> records = {
      {.key = "k", .value = "v", .headers = {{"a", "1"}}, .deliver_at_ms = kNowMs + 7},
      {.value = "too late", .deliver_at_ms = kNowMs + 1'000},
      {.value = "not a client's", .headers = {{"weir-dlq-topic", "orders"}}}};
  const PartitionedRecords formed = PartitionRecords(
      records, {.max_batch_bytes = 1'000, .now_ms = kNowMs, .rules = kTakesDelays});
  ASSERT_THAT(formed.batches, SizeIs(1));
  EXPECT_THAT(formed.batches[0].records, ElementsAre(0));
  ASSERT_THAT(formed.refused, SizeIs(2));
  EXPECT_EQ(formed.refused[0].record, 1);
  EXPECT_THAT(Refusal(formed.refused[0].reason), HasSubstr("1000 ms from now"));
  EXPECT_EQ(formed.refused[1].record, 2);
  Refusal(formed.refused[1].reason);

  RecordReader reader(formed.batches[0].bytes);
  RecordView record;
  ASSERT_TRUE(reader.Next(&record));
  const std::vector<HeaderView> headers = record.headers.Decode();
  EXPECT_THAT(headers, ElementsAre(HeaderView{"a", "1"}, HeaderView{"weir-deliver-at", "1000007"}));
  EXPECT_EQ(DeliverAtMs(headers), kNowMs + 7);
}

TEST(RecordRulesTest, TheHeaderCountsAmongTheRecords) {
  PlainRecord record{.value = "v", .deliver_at_ms = kNowMs};
  record.headers.resize(1'000, {.key = "h"});
  const PartitionedRecords formed = PartitionRecords(
      {record}, {.max_batch_bytes = 100'000, .now_ms = kNowMs, .rules = kTakesDelays});
  ASSERT_THAT(formed.refused, SizeIs(1));
  EXPECT_THAT(Refusal(formed.refused[0].reason), HasSubstr("1001 headers; at most 1000"));
}

}  // namespace
}  // namespace weir
