// What the client writes to the wire and how it reads errors, batches and times from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "client/src/fetch_wire.h"
#include "client/src/offset_lookup.h"
#include "client/src/produce_wire.h"
#include "client/src/random.h"
#include "client/src/wire_status.h"
#include "storage/base/error.h"
#include "storage/record/record_batch_builder.h"
#include "weir/client.h"
#include "weir/v1/log.pb.h"

namespace weir {
namespace {

using testing::HasSubstr;

std::string BatchAt(Offset offset, int records = 3) {
  RecordBatchBuilder builder;
  for (int i = 0; i < records; ++i) builder.Append(0, std::nullopt, "value");
  return builder.Finish({.base_offset = offset});
}

TEST(ProduceWireTest, TheHeadAndTheBatchAreOneRequest) {
  const std::string batch = BatchAt(Offset(0), 100);
  const std::string bytes = client::EncodeProduceHead({.topic = "orders",
                                                       .partition = PartitionIndex(0),
                                                       .durability = Durability::kWritten,
                                                       .client_tag = 1ull << 60,
                                                       .batch_bytes = batch.size()}) +
                            batch;
  v1::ProduceRequest request;
  ASSERT_TRUE(request.ParseFromString(bytes));
  EXPECT_EQ(request.topic(), "orders");
  EXPECT_TRUE(request.has_partition());
  EXPECT_EQ(request.partition(), 0);
  EXPECT_EQ(request.durability(), v1::WRITTEN);
  EXPECT_EQ(request.client_tag(), 1ull << 60);
  EXPECT_EQ(request.record_batch(), batch);
}

TEST(ProduceWireTest, AnAnswerThatIsNoneIsAnError) {
  EXPECT_EQ(ReasonOf(client::DecodeProduceAnswer(SharedBytes::FromString("\xff\xff")).status()),
            Reason::kInternal);
}

TEST(WireStatusTest, EveryReasonSurvivesTheWire) {
  for (const ErrorInfo& info : AllErrors()) {
    v1::Error error;
    error.set_reason(std::string(info.name));
    error.set_message("why");
    error.set_retry_after_ms(70);
    const absl::Status status = client::StatusOf(error);
    EXPECT_EQ(ReasonOf(status), info.reason);
    EXPECT_EQ(status.code(), info.code);
    EXPECT_EQ(status.message(), "why");
    EXPECT_EQ(RetryAfterOf(status), absl::Milliseconds(70));
    EXPECT_EQ(EffectOf(status), info.effect);
  }
}

TEST(WireStatusTest, AReasonOfANewerBrokerKeepsWhatMatters) {
  v1::Error error;
  error.set_reason("BRAND_NEW");
  error.set_message("why");
  EXPECT_TRUE(absl::IsFailedPrecondition(client::StatusOf(error)));
  EXPECT_THAT(std::string(client::StatusOf(error).message()), HasSubstr("BRAND_NEW"));
  error.set_effect(v1::Error::UNKNOWN);
  EXPECT_TRUE(absl::IsUnknown(client::StatusOf(error)));
  error.set_retryable(true);
  EXPECT_TRUE(client::MayBeTriedAgain(client::StatusOf(error)));
}

TEST(WireStatusTest, ACallsTrailerTellsMoreThanItsStatus) {
  v1::Error error;
  error.set_reason("TOPIC_EXISTS");
  EXPECT_EQ(ReasonOf(client::StatusOfCall(6, "text", error.SerializeAsString())),
            Reason::kTopicExists);
  EXPECT_TRUE(absl::IsUnavailable(client::StatusOfCall(14, "text", "")));
  EXPECT_TRUE(absl::IsUnavailable(client::StatusOfCall(14, "text", "\xff")));
  EXPECT_TRUE(client::StatusOfCall(0, "", "").ok());
}

TEST(WireStatusTest, TheTransportsErrorsLeaveTheEffectUnknown) {
  EXPECT_EQ(EffectOf(absl::UnavailableError("")), Effect::kUnknown);
  EXPECT_EQ(EffectOf(absl::OkStatus()), Effect::kNone);
  EXPECT_EQ(EffectOf(client::Certain(absl::UnimplementedError("no such call"))), Effect::kNone);
}

v1::FetchStreamResponse Answer(const std::string& batches) {
  v1::FetchStreamResponse response;
  response.set_high_watermark(100);
  response.set_log_start_offset(7);
  response.set_next_offset(60);
  response.set_record_batches(batches);
  return response;
}

TEST(FetchWireTest, AnAnswerIsReadWhereItLies) {
  const std::string batches = BatchAt(Offset(50));
  const auto answer =
      client::DecodeFetch(SharedBytes::FromString(Answer(batches).SerializeAsString()));
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->high_watermark, Offset(100));
  EXPECT_EQ(answer->log_start_offset, Offset(7));
  EXPECT_EQ(answer->next_offset, Offset(60));
  EXPECT_EQ(answer->batches, batches);
}

TEST(FetchWireTest, AnAnswerInPiecesIsPutTogether) {
  auto bytes = std::make_shared<std::string>(Answer(BatchAt(Offset(50))).SerializeAsString());
  const absl::string_view all = *bytes;
  const SharedBytes message({all.substr(0, 5), all.substr(5, 30), all.substr(35)}, bytes);
  const auto answer = client::DecodeFetch(message);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->batches, BatchAt(Offset(50)));
}

TEST(FetchWireTest, EveryTruncationIsAnErrorOrAShorterAnswer) {
  const std::string bytes = Answer(BatchAt(Offset(50))).SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto answer = client::DecodeFetch(SharedBytes::FromString(bytes.substr(0, size)));
    if (answer.ok()) {
      EXPECT_TRUE(answer->batches.empty());
    }
  }
}

TEST(FetchWireTest, PlainRecordsAreNotWhatWasAskedFor) {
  v1::FetchStreamResponse response;
  response.mutable_records()->add_records();
  EXPECT_EQ(
      ReasonOf(client::DecodeFetch(SharedBytes::FromString(response.SerializeAsString())).status()),
      Reason::kInternal);
}

TEST(FetchWireTest, WhatFollowsTheLastSoundBatchIsCutOff) {
  const std::string sound = BatchAt(Offset(0)) + BatchAt(Offset(3));
  for (const size_t damaged : {size_t{17}, size_t{70}, size_t{8}}) {
    std::string bad = BatchAt(Offset(6));
    bad[damaged] ^= 1;
    const std::string batches = sound + bad;
    client::FetchAnswer answer{.next_offset = Offset(9), .batches = batches};
    EXPECT_EQ(ReasonOf(client::KeepSoundBatches(&answer)).has_value(), true) << damaged;
    EXPECT_EQ(answer.batches, sound);
    EXPECT_EQ(answer.next_offset, Offset(6));
  }
}

TEST(FetchWireTest, ACutOffBatchIsNoBatch) {
  const std::string whole = BatchAt(Offset(0));
  for (size_t size = 1; size < whole.size(); ++size) {
    client::FetchAnswer answer{.next_offset = Offset(3),
                               .batches = absl::string_view(whole).substr(0, size)};
    EXPECT_FALSE(client::KeepSoundBatches(&answer).ok());
    EXPECT_TRUE(answer.batches.empty());
    EXPECT_EQ(answer.next_offset, Offset(-1));
  }
}

TEST(OffsetLookupTest, ATimeBetweenMillisecondsIsRoundedUp) {
  v1::ListOffsetsRequest request;
  client::AddQuery("t", PartitionIndex(0), absl::FromUnixMillis(5), &request);
  client::AddQuery("t", PartitionIndex(0), absl::FromUnixMillis(5) + absl::Nanoseconds(1),
                   &request);
  EXPECT_EQ(request.queries(0).timestamp_ms(), 5);
  EXPECT_EQ(request.queries(1).timestamp_ms(), 6);
}

TEST(BackoffTest, DoublesUpToItsLargestWithHalfOfItByChance) {
  const ClientOptions::Backoff backoff{.first = absl::Milliseconds(100),
                                       .largest = absl::Seconds(1)};
  for (int failures = 1; failures < 100; ++failures) {
    const absl::Duration whole =
        failures > 4 ? absl::Seconds(1) : absl::Milliseconds(100) * (1 << (failures - 1));
    const absl::Duration delay = client::BackoffDelay(backoff, failures);
    EXPECT_GE(delay, whole / 2);
    EXPECT_LE(delay, whole);
  }
}

}  // namespace
}  // namespace weir
