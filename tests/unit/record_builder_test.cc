#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "absl/strings/escaping.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch_builder.h"
#include "tests/unit/record_samples.h"

namespace weir {
namespace {

class RecordBatchBuilderTest : public ::testing::TestWithParam<Compression> {
 protected:
  // What comes back when `records` go through a batch with the codec under test.
  static std::vector<OwnedRecord> RoundTrip(const std::vector<OwnedRecord>& records) {
    const std::string batch =
        BuildBatch(records, {.compression = GetParam(), .base_offset = records.front().offset});
    const auto header = ValidateBatch(absl::string_view(batch), limits::kMaxMessageBytesLargest);
    EXPECT_TRUE(header.ok()) << header.status();
    auto read = ReadBatch(batch);
    EXPECT_TRUE(read.ok()) << read.status();
    return read.ok() ? *std::move(read) : std::vector<OwnedRecord>();
  }
};

INSTANTIATE_TEST_SUITE_P(Codecs, RecordBatchBuilderTest, ::testing::ValuesIn(kAllCodecs));

TEST_P(RecordBatchBuilderTest, GivesBackTheSamples) {
  EXPECT_EQ(RoundTrip(SampleRecords(Offset(77))), SampleRecords(Offset(77)));
}

TEST_P(RecordBatchBuilderTest, CompressesTheSamples) {
  const std::string batch = BuildBatch(SampleRecords(), {.compression = GetParam()});
  EXPECT_EQ(DecodeBatchHeader(batch.data()).compression(), GetParam());
}

TEST_P(RecordBatchBuilderTest, TellsNullFromEmpty) {
  const std::vector<OwnedRecord> records = {
      {.offset = Offset(0), .key = std::nullopt, .value = ""},
      {.offset = Offset(1), .key = "", .value = std::nullopt}};
  EXPECT_EQ(RoundTrip(records), records);
}

TEST_P(RecordBatchBuilderTest, GivesBackManyRecords) {
  std::vector<OwnedRecord> records;
  for (int i = 0; i < 70'000; ++i) {
    records.push_back(
        {.offset = Offset(i), .timestamp_ms = 1'000'000 - i, .value = std::to_string(i)});
  }
  EXPECT_EQ(RoundTrip(records), records);
}

TEST_P(RecordBatchBuilderTest, GivesBackALargeRecord) {
  std::string value;
  for (int64_t i = 0; value.size() < 3'000'000; ++i) value += std::to_string(i * 7919 % 10007);
  const std::vector<OwnedRecord> records = {
      {.offset = Offset(5), .key = std::string(100'000, 'k'), .value = value},
      {.offset = Offset(6), .value = "behind it"}};
  EXPECT_EQ(RoundTrip(records), records);
}

TEST_P(RecordBatchBuilderTest, GivesBackAsManyHeadersAsARecordMayHave) {
  OwnedRecord record;
  for (int i = 0; i < limits::kHeadersPerRecord + limits::kHeadersOfWeir; ++i)
    record.headers.emplace_back("name", std::to_string(i));
  EXPECT_EQ(RoundTrip({record}), std::vector{record});
}

TEST_P(RecordBatchBuilderTest, GivesBackAbsurdTimestamps) {
  const std::vector<OwnedRecord> records = {
      {.offset = Offset(0), .timestamp_ms = std::numeric_limits<int64_t>::max()},
      {.offset = Offset(1), .timestamp_ms = std::numeric_limits<int64_t>::min()},
      {.offset = Offset(2), .timestamp_ms = -1},
      {.offset = Offset(3), .timestamp_ms = 0}};
  EXPECT_EQ(RoundTrip(records), records);
}

TEST_P(RecordBatchBuilderTest, LeavesRecordsAloneThatDoNotCompress) {
  const std::string batch = BuildBatch({{.value = "?"}}, {.compression = GetParam()});
  EXPECT_EQ(DecodeBatchHeader(batch.data()).compression(), Compression::kNone);
  EXPECT_EQ(batch, BuildBatch({{.value = "?"}}, {}));
}

// zstd makes 20,000 times less of this, and the reader would have to take it for a bomb.
TEST_P(RecordBatchBuilderTest, NeverCompressesSoMuchThatTheReaderRefusesIt) {
  const std::vector<OwnedRecord> records = {{.value = std::string(5'000'000, '\0')}};
  EXPECT_EQ(RoundTrip(records), records);
}

TEST_P(RecordBatchBuilderTest, ShowsTheAppendTimeForEveryRecordWhenAsked) {
  const std::string batch = BuildBatch(
      SampleRecords(), {.compression = GetParam(), .log_append_time_ms = 1'800'000'000'000});
  const RecordBatchHeader header = DecodeBatchHeader(batch.data());
  EXPECT_EQ(header.timestamp_type(), TimestampType::kLogAppendTime);
  EXPECT_EQ(header.max_timestamp_ms, 1'800'000'000'000);
  const auto records = ReadBatch(batch);
  ASSERT_TRUE(records.ok()) << records.status();
  for (const OwnedRecord& record : *records) EXPECT_EQ(record.timestamp_ms, 1'800'000'000'000);
}

TEST(RecordBatchBuilderBytesTest, WritesARecordAsKafkaDrawsIt) {
  RecordBatchBuilder builder;
  const HeaderView headers[] = {{"h", "v"}, {"n", std::nullopt}};
  builder.Append(1000, "k", "val", headers);
  builder.Append(998, std::nullopt, std::nullopt);
  const std::string batch = builder.Finish({});
  EXPECT_EQ(absl::BytesToHexString(absl::string_view(batch).substr(kBatchHeaderBytes)),
            "22"        // the body has 17 bytes
            "00"        // attributes
            "00"        // timestamp delta 0
            "00"        // offset delta 0
            "026b"      // key of 1 byte
            "0676616c"  // value of 3 bytes
            "04"        // 2 headers
            "0268"
            "0276"
            "026e"
            "01"  // null
            "0c"  // the body has 6 bytes
            "00"
            "03"    // timestamp delta -2
            "02"    // offset delta 1
            "01"    // null key
            "01"    // null value
            "00");  // no headers
}

TEST(RecordBatchBuilderHeaderTest, NotesWhatItWasAsked) {
  const std::string batch = BuildBatch(SampleRecords(), SampleOptions(Compression::kNone));
  const RecordBatchHeader header = DecodeBatchHeader(batch.data());
  EXPECT_EQ(header.base_offset, Offset(0x0102030405));
  EXPECT_EQ(header.leader_epoch, LeaderEpoch(7));
  EXPECT_EQ(header.attributes, 0);
  EXPECT_EQ(header.last_offset_delta, 14);
  EXPECT_EQ(header.record_count, 15);
  EXPECT_EQ(header.base_timestamp_ms, 1'700'000'000'000) << "the first record's";
  EXPECT_EQ(header.max_timestamp_ms, 1'700'000'070'000) << "the largest, not the last";
  EXPECT_EQ(header.producer_id, ProducerId(4711));
  EXPECT_EQ(header.producer_epoch, ProducerEpoch(3));
  EXPECT_EQ(header.base_sequence, 1000);
}

TEST(RecordBatchBuilderHeaderTest, HasNoProducerUnlessAsked) {
  const std::string batch = BuildBatch(SampleRecords(), {});
  const RecordBatchHeader header = DecodeBatchHeader(batch.data());
  EXPECT_FALSE(header.has_producer());
  EXPECT_EQ(header.producer_epoch, ProducerEpoch(-1));
  EXPECT_EQ(header.base_sequence, -1);
}

TEST(RecordBatchBuilderSizeTest, KnowsTheSizeOfTheBatchAllTheTime) {
  RecordBatchBuilder builder(/*expected_bytes=*/100);
  EXPECT_EQ(builder.size_bytes(), kBatchHeaderBytes);
  EXPECT_TRUE(builder.empty());
  for (const OwnedRecord& record : SampleRecords()) {
    AppendTo(&builder, record);
    EXPECT_EQ(builder.FinishInPlace({}).size(), builder.size_bytes());
  }
  EXPECT_EQ(builder.record_count(), 15);
}

TEST(RecordBatchBuilderSizeTest, NeverAddsMoreThanTheBound) {
  RecordBatchBuilder builder;
  for (const OwnedRecord& record : SampleRecords()) {
    std::vector<HeaderView> headers;
    for (const auto& [key, value] : record.headers) {
      headers.push_back(
          {key, value.has_value() ? std::optional<absl::string_view>(*value) : std::nullopt});
    }
    const size_t before = builder.size_bytes();
    const std::optional<absl::string_view> key =
        record.key ? std::optional<absl::string_view>(*record.key) : std::nullopt;
    const std::optional<absl::string_view> value =
        record.value ? std::optional<absl::string_view>(*record.value) : std::nullopt;
    builder.Append(record.timestamp_ms, key, value, headers);
    const size_t bound = RecordBatchBuilder::RecordSizeBound(key, value, headers);
    EXPECT_LE(builder.size_bytes() - before, bound);
    EXPECT_GE(builder.size_bytes() - before + 17, bound) << "and the bound is no wild guess";
  }
}

TEST(RecordBatchBuilderReuseTest, StartsAnewAfterReset) {
  RecordBatchBuilder builder;
  builder.Append(5, "old", "old");
  (void)builder.Finish({.compression = Compression::kZstd});
  builder.Reset();
  EXPECT_TRUE(builder.empty());
  EXPECT_EQ(builder.size_bytes(), kBatchHeaderBytes);
  for (const OwnedRecord& record : SampleRecords()) AppendTo(&builder, record);
  EXPECT_EQ(builder.Finish({}), BuildBatch(SampleRecords(), {}));
}

TEST(RecordBatchBuilderReuseTest, FinishesTheSameRecordsAgainWithOtherOptions) {
  RecordBatchBuilder builder;
  for (const OwnedRecord& record : SampleRecords()) AppendTo(&builder, record);
  for (const Compression codec : kAllCodecs) {
    EXPECT_EQ(builder.Finish(SampleOptions(codec)),
              BuildBatch(SampleRecords(), SampleOptions(codec)));
  }
  EXPECT_EQ(builder.Finish({}), BuildBatch(SampleRecords(), {}));
}

}  // namespace
}  // namespace weir
