#include "storage/record/record_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/varint.h"
#include "tests/unit/record_samples.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Varint(int64_t value) {
  char bytes[kMaxVarint64Bytes];
  return std::string(bytes, WriteVarint(value, bytes));
}

// A record whose body is what is given, behind its true length.
std::string Record(const std::string& body) {
  return Varint(static_cast<int64_t>(body.size())) + body;
}
// Attributes, timestamp delta 0 and the offset delta.
std::string Front(int64_t offset_delta = 0) { return std::string(2, '\0') + Varint(offset_delta); }
const std::string kNull = Varint(-1);
const std::string kNoHeaders = Varint(0);

// What the reader says to a batch that claims to hold `count` records in these bytes; "" when it
// reads them.
std::string Verdict(const std::string& section, int32_t count = 1) {
  RecordBatchHeader header{.last_offset_delta = count - 1, .record_count = count};
  const absl::Status status = ReadBatch(RawBatch(section, header)).status();
  if (status.ok()) return "";
  EXPECT_EQ(ReasonOf(status), Reason::kCorruptBatch) << status;
  return std::string(status.message());
}

TEST(RecordReaderTest, ReadsAHandmadeRecord) {
  EXPECT_EQ(Verdict(Record(Front() + kNull + kNull + kNoHeaders)), "");
}

TEST(RecordReaderTest, GivesOffsetsFromTheBaseOffset) {
  const std::string batch =
      BuildBatch(SampleRecords(Offset(1'000'000)), {.base_offset = Offset(1'000'000)});
  RecordReader reader(batch);
  RecordView record;
  for (int64_t offset = 1'000'000; reader.Next(&record); ++offset)
    EXPECT_EQ(record.offset, Offset(offset));
  EXPECT_EQ(record.offset, Offset(1'000'014));
  EXPECT_TRUE(reader.status().ok()) << reader.status();
  EXPECT_FALSE(reader.Next(&record)) << "the end stays the end";
  EXPECT_TRUE(reader.status().ok());
}

TEST(RecordReaderTest, BorrowsFromAnUncompressedBatch) {
  const std::string batch = BuildBatch({{.key = "key", .value = "value"}}, {});
  RecordReader reader(batch);
  RecordView record;
  ASSERT_TRUE(reader.Next(&record));
  EXPECT_GE(record.value->data(), batch.data());
  EXPECT_LE(record.value->data() + record.value->size(), batch.data() + batch.size());
}

TEST(RecordReaderTest, KeepsDecompressedRecordsWhenItIsMoved) {
  const std::string batch = BuildBatch(SampleRecords(), {.compression = Compression::kLz4});
  RecordReader first(batch);
  RecordView record;
  ASSERT_TRUE(first.Next(&record));
  RecordReader second(std::move(first));
  EXPECT_EQ(Own(record), SampleRecords()[0]);
  ASSERT_TRUE(second.Next(&record));
  EXPECT_EQ(Own(record), SampleRecords()[1]);
}

TEST(RecordReaderTest, SeesTheHolesThatCompactionLeft) {
  const std::string section =
      Record(Front(2) + kNull + kNull + kNoHeaders) + Record(Front(7) + kNull + kNull + kNoHeaders);
  const auto records = ReadBatch(
      RawBatch(section, {.base_offset = Offset(100), .last_offset_delta = 9, .record_count = 2}));
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_EQ(records->size(), 2);
  EXPECT_EQ((*records)[0].offset, Offset(102));
  EXPECT_EQ((*records)[1].offset, Offset(107));
}

TEST(RecordReaderTest, ReadsABatchThatCompactionHasEmptied) {
  const auto records = ReadBatch(RawBatch("", {.last_offset_delta = 9, .record_count = 0}));
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(*records, ElementsAre());
}

TEST(RecordReaderTest, ReadsTheLargestOffsetsThereAre) {
  constexpr int32_t kDelta = std::numeric_limits<int32_t>::max();
  const Offset base(std::numeric_limits<int64_t>::max() - kDelta - 1);
  const auto records =
      ReadBatch(RawBatch(Record(Front(kDelta) + kNull + kNull + kNoHeaders),
                         {.base_offset = base, .last_offset_delta = kDelta, .record_count = 1}));
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(records->front().offset, base + int64_t{kDelta});
}

TEST(RecordReaderTest, IgnoresAttributesThatHaveNoMeaning) {
  EXPECT_EQ(Verdict(Record("\xff" + Front().substr(1) + kNull + kNull + kNoHeaders)), "");
}

TEST(RecordReaderTest, RefusesBytesThatAreNoBatch) {
  EXPECT_EQ(ReasonOf(ReadBatch("").status()), Reason::kCorruptBatch);
  EXPECT_EQ(ReasonOf(ReadBatch(std::string(60, '\0')).status()), Reason::kCorruptBatch);
  EXPECT_EQ(ReasonOf(ReadBatch(std::string(200, '\0')).status()), Reason::kCorruptBatch);
  const std::string batch = BuildBatch(SampleRecords(), {});
  EXPECT_EQ(ReasonOf(ReadBatch(batch + "x").status()), Reason::kCorruptBatch);
  EXPECT_EQ(ReasonOf(ReadBatch(absl::string_view(batch).substr(0, batch.size() - 1)).status()),
            Reason::kCorruptBatch);
}

TEST(RecordReaderTest, RefusesCodecsThatDoNotExist) {
  const auto records = ReadBatch(RawBatch("1234567", {.attributes = 5, .record_count = 1}));
  EXPECT_EQ(ReasonOf(records.status()), Reason::kUnsupportedCompression);
}

TEST(RecordReaderTest, RefusesAFalseRecordLength) {
  const std::string body = Front() + kNull + kNull + kNoHeaders;
  EXPECT_THAT(Verdict(Varint(7) + body),
              HasSubstr("record 0 of 1: its length 7 is outside 0 to 6"));
  EXPECT_THAT(Verdict(Varint(-1) + body), HasSubstr("its length -1 is outside 0 to 6"));
  EXPECT_THAT(Verdict(Varint(std::numeric_limits<int32_t>::max()) + body),
              HasSubstr("its length 2147483647 is outside 0 to 6"));
  EXPECT_THAT(Verdict(Varint(std::numeric_limits<int32_t>::min()) + body),
              HasSubstr("its length -2147483648 is outside"));
  EXPECT_THAT(Verdict(Varint(int64_t{1} << 33) + body),
              HasSubstr("its length is cut off or no varint"));
  EXPECT_THAT(Verdict(std::string(7, '\xff')), HasSubstr("its length is cut off or no varint"));
  EXPECT_THAT(Verdict(Varint(0) + body), HasSubstr("it has no attributes"));
}

TEST(RecordReaderTest, RefusesABodyThatEndsTooEarly) {
  const std::string body = Front() + Varint(3) + "key" + Varint(5) + "value" + Varint(1) +
                           Varint(1) + "h" + Varint(1) + "v";
  ASSERT_EQ(Verdict(Record(body)), "");
  const std::string behind(20, '\0');  // must not be taken for the rest of the body
  for (size_t n = 0; n < body.size(); ++n)
    EXPECT_NE(Verdict(Record(body.substr(0, n)) + behind), "") << n;
}

TEST(RecordReaderTest, RefusesABodyThatIsTooLong) {
  EXPECT_THAT(Verdict(Record(Front() + kNull + kNull + kNoHeaders + "xyz")),
              HasSubstr("it has 3 bytes behind its last header"));
}

TEST(RecordReaderTest, RefusesFalseLengthsOfKeyAndValue) {
  EXPECT_THAT(Verdict(Record(Front() + Varint(3) + kNull + kNoHeaders)),
              HasSubstr("the length of its key, 3, is outside -1 to 2"));
  EXPECT_THAT(Verdict(Record(Front() + Varint(-2) + kNull + kNoHeaders)),
              HasSubstr("the length of its key, -2, is outside -1 to 2"));
  EXPECT_THAT(Verdict(Record(Front() + kNull + Varint(2) + kNoHeaders)),
              HasSubstr("the length of its value, 2, is outside -1 to 1"));
  EXPECT_THAT(
      Verdict(Record(Front() + kNull + Varint(std::numeric_limits<int32_t>::max()) + kNoHeaders)),
      HasSubstr("the length of its value, 2147483647, is outside -1 to 1"));
}

TEST(RecordReaderTest, RefusesFalseHeaders) {
  const std::string front = Front() + kNull + kNull;
  EXPECT_THAT(Verdict(Record(front + Varint(-1))),
              HasSubstr("its header count -1 is outside 0 to 1032"));
  EXPECT_THAT(Verdict(Record(front + Varint(1033))),
              HasSubstr("its header count 1033 is outside 0 to 1032"));
  EXPECT_THAT(Verdict(Record(front + Varint(2) + Varint(0) + kNull)),
              HasSubstr("the length of its header key is cut off"));
  EXPECT_THAT(Verdict(Record(front + Varint(1) + kNull + kNull)),
              HasSubstr("the key of a header is null"));
  EXPECT_THAT(Verdict(Record(front + Varint(1) + Varint(9) + "h" + kNull)),
              HasSubstr("the length of its header key, 9, is outside -1 to 2"));
  EXPECT_THAT(Verdict(Record(front + Varint(1) + Varint(1) + "h" + Varint(-3))),
              HasSubstr("the length of its header value, -3, is outside -1 to 0"));
}

TEST(RecordReaderTest, RefusesOffsetsThatDoNotRise) {
  const std::string rest = kNull + kNull + kNoHeaders;
  EXPECT_THAT(Verdict(Record(Front(0) + rest) + Record(Front(0) + rest), 2),
              HasSubstr("record 1 of 2: its offset delta 0 is outside 1 to 1"));
  EXPECT_THAT(Verdict(Record(Front(1) + rest) + Record(Front(0) + rest), 2),
              HasSubstr("record 1 of 2: its offset delta 0 is outside 2 to 1"));
  EXPECT_THAT(Verdict(Record(Front(1) + rest)), HasSubstr("its offset delta 1 is outside 0 to 0"));
  EXPECT_THAT(Verdict(Record(Front(-1) + rest)),
              HasSubstr("its offset delta -1 is outside 0 to 0"));
}

TEST(RecordReaderTest, RefusesMoreOrFewerRecordsThanTheHeaderCounts) {
  const std::string first = Record(Front(0) + kNull + Varint(10) + "0123456789" + kNoHeaders);
  const std::string second = Record(Front(1) + kNull + kNull + kNoHeaders);
  ASSERT_EQ(Verdict(first + second, 2), "");
  EXPECT_THAT(Verdict(first + second, 1), HasSubstr("7 bytes follow the last of 1 records"));
  EXPECT_THAT(Verdict(first + second, 3), HasSubstr("record 2 of 3: its length is cut off"));
}

// Without the CRC's protection: nothing that a flipped bit does may lead the reader out of its
// bytes.
TEST(RecordReaderTest, SurvivesEveryFlippedBitOfTheRecords) {
  const std::string batch = BuildBatch(SampleRecords(), {});
  for (size_t bit = 0; bit < batch.size() * 8; ++bit) {
    std::string flipped = batch;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto records = ReadBatch(flipped);
    if (records.ok()) {
      EXPECT_EQ(records->size(), 15) << bit;
    } else {
      EXPECT_TRUE(ReasonOf(records.status()).has_value()) << bit;
    }
  }
}

}  // namespace
}  // namespace weir
