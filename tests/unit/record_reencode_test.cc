#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/reencode.h"
#include "tests/unit/record_samples.h"

namespace weir {
namespace {

constexpr int64_t kAppendTime = 1'800'000'000'000;

RecordBatchHeader ValidHeader(absl::string_view batch) {
  const auto header = ValidateBatch(batch, limits::kMaxMessageBytesDefault);
  EXPECT_TRUE(header.ok()) << header.status();
  return header.ok() ? *header : RecordBatchHeader();
}

std::string Reencoded(absl::string_view batch, const ReencodeOptions& options) {
  auto result = Reencode(batch, options);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : std::string(kBatchHeaderBytes, '\0');
}

TEST(ReencodeTest, GoesFromEveryCodecToEveryOther) {
  const auto records = SampleRecords(Offset(0x0102030405));
  for (const Compression from : kAllCodecs) {
    for (const Compression to : kAllCodecs) {
      const std::string batch =
          Reencoded(BuildBatch(records, SampleOptions(from)), {.compression = to});
      EXPECT_EQ(batch, BuildBatch(records, SampleOptions(to)));
      EXPECT_EQ(ValidHeader(batch).compression(), to);
      EXPECT_EQ(ReadBatch(batch).value(), records);
    }
  }
}

TEST(ReencodeTest, ChangesNothingWhenNothingIsAsked) {
  for (const Compression codec : kAllCodecs) {
    const std::string batch = BuildBatch(SampleRecords(), SampleOptions(codec));
    EXPECT_EQ(Reencoded(batch, {}), batch);
  }
}

TEST(ReencodeTest, SetsTheAppendTimeAndKeepsTheRest) {
  for (const Compression codec : kAllCodecs) {
    const std::string before = BuildBatch(SampleRecords(), SampleOptions(codec));
    const std::string after = Reencoded(before, {.log_append_time_ms = kAppendTime});
    RecordBatchHeader expected = DecodeBatchHeader(before.data());
    expected.set_timestamp_type(TimestampType::kLogAppendTime);
    expected.max_timestamp_ms = kAppendTime;
    expected.crc = BatchCrc(absl::string_view(after));
    EXPECT_EQ(ValidHeader(after), expected);
    EXPECT_EQ(after.substr(kBatchHeaderBytes), before.substr(kBatchHeaderBytes));
    const std::vector<OwnedRecord> records = ReadBatch(after).value();
    for (const OwnedRecord& record : records) EXPECT_EQ(record.timestamp_ms, kAppendTime);
  }
}

TEST(ReencodeTest, DoesBothAtOnce) {
  const std::string batch =
      Reencoded(BuildBatch(SampleRecords(), SampleOptions(Compression::kGzip)),
                {.compression = Compression::kZstd, .log_append_time_ms = kAppendTime});
  BatchOptions expected = SampleOptions(Compression::kZstd);
  expected.log_append_time_ms = kAppendTime;
  EXPECT_EQ(batch, BuildBatch(SampleRecords(), expected));
  EXPECT_EQ(ValidHeader(batch).producer_id, ProducerId(4711));
}

TEST(ReencodeTest, LeavesRecordsUncompressedThatDoNotCompress) {
  const std::string batch = BuildBatch({{.value = "?"}}, SampleOptions(Compression::kNone));
  EXPECT_EQ(Reencoded(batch, {.compression = Compression::kLz4}), batch);
}

TEST(ReencodeTest, KeepsTheHolesThatCompactionLeft) {
  const std::string source = BuildBatch(SampleRecords(), {});
  RecordBatchHeader header = DecodeBatchHeader(source.data());
  header.last_offset_delta = 99;
  const std::string batch =
      Reencoded(RawBatch(absl::string_view(source).substr(kBatchHeaderBytes), header),
                {.compression = Compression::kSnappy});
  EXPECT_EQ(DecodeBatchHeader(batch.data()).last_offset_delta, 99);
  EXPECT_EQ(ReadBatch(batch).value(), SampleRecords());
}

TEST(ReencodeTest, GivesNoNewCrcToMalformedRecords) {
  const std::string source = BuildBatch(SampleRecords(), SampleOptions(Compression::kNone));
  std::string section = source.substr(kBatchHeaderBytes);
  section[0] = 0x7e;  // the first record's length
  const std::string batch = RawBatch(section, DecodeBatchHeader(source.data()));
  ASSERT_TRUE(ValidateBatch(absl::string_view(batch), limits::kMaxMessageBytesDefault).ok());
  EXPECT_EQ(ReasonOf(Reencode(batch, {.compression = Compression::kZstd}).status()),
            Reason::kCorruptBatch);
}

}  // namespace
}  // namespace weir
