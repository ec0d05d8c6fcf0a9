#include "storage/record/record_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "absl/strings/escaping.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "tests/unit/record_samples.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMaxBytes = limits::kMaxMessageBytesDefault;

// "" for success, otherwise the reason and the message.
std::string Verdict(const absl::Status& status) {
  if (status.ok()) return "";
  const auto reason = ReasonOf(status);
  return std::string(reason.has_value() ? InfoOf(*reason).name : "NO ROW") + ": " +
         std::string(status.message());
}

RecordBatchHeader GoodHeader() {
  return {.base_offset = Offset(10),
          .batch_length = 49 + 7 * 3,
          .last_offset_delta = 2,
          .record_count = 3};
}

std::string HeaderVerdict(const RecordBatchHeader& header, bool compacted = false) {
  return Verdict(ValidateBatchHeader(header, kMaxBytes, compacted));
}

TEST(SequenceTest, BeginsAgainAtZeroBehindTheLargest) {
  EXPECT_EQ(SequenceAfter(0, 0), 0);
  EXPECT_EQ(SequenceAfter(7, 3), 10);
  EXPECT_EQ(SequenceAfter(INT32_MAX - 1, 1), INT32_MAX);
  EXPECT_EQ(SequenceAfter(INT32_MAX, 1), 0);
  EXPECT_EQ(SequenceAfter(INT32_MAX, INT32_MAX), INT32_MAX - 1);
}

TEST(RecordBatchHeaderTest, LiesInTheBytesAsKafkaDrawsThem) {
  const RecordBatchHeader header{.base_offset = Offset(0x0102030405060708),
                                 .batch_length = 0x11121314,
                                 .leader_epoch = LeaderEpoch(0x21222324),
                                 .magic = 2,
                                 .crc = 0xa1a2a3a4,
                                 .attributes = 0x3132,
                                 .last_offset_delta = 0x41424344,
                                 .base_timestamp_ms = 0x5152535455565758,
                                 .max_timestamp_ms = 0x6162636465666768,
                                 .producer_id = ProducerId(-2),
                                 .producer_epoch = ProducerEpoch(0x7172),
                                 .base_sequence = 0x01020304,
                                 .record_count = -1};
  char bytes[kBatchHeaderBytes];
  EncodeBatchHeader(header, bytes);
  EXPECT_EQ(absl::BytesToHexString(absl::string_view(bytes, kBatchHeaderBytes)),
            "0102030405060708"
            "11121314"
            "21222324"
            "02"
            "a1a2a3a4"
            "3132"
            "41424344"
            "5152535455565758"
            "6162636465666768"
            "fffffffffffffffe"
            "7172"
            "01020304"
            "ffffffff");
  EXPECT_EQ(DecodeBatchHeader(bytes), header);
}

TEST(RecordBatchHeaderTest, CountsOffsetsAndBytes) {
  const RecordBatchHeader header = GoodHeader();
  EXPECT_EQ(header.size_bytes(), 61 + 21);
  EXPECT_EQ(header.last_offset(), Offset(12));
  EXPECT_EQ(header.next_offset(), Offset(13));
}

TEST(RecordBatchHeaderTest, KeepsTheOtherAttributesWhenOneIsSet) {
  RecordBatchHeader header{.attributes = 0x47};
  header.set_timestamp_type(TimestampType::kLogAppendTime);
  header.set_compression(Compression::kZstd);
  EXPECT_EQ(header.attributes, 0x4c);
  EXPECT_EQ(header.compression(), Compression::kZstd);
  EXPECT_EQ(header.timestamp_type(), TimestampType::kLogAppendTime);
  header.set_timestamp_type(TimestampType::kCreateTime);
  EXPECT_EQ(header.attributes, 0x44);
}

TEST(ValidateBatchHeaderTest, AcceptsAGoodHeader) { EXPECT_EQ(HeaderVerdict(GoodHeader()), ""); }

TEST(ValidateBatchHeaderTest, RefusesAnotherMagic) {
  RecordBatchHeader header = GoodHeader();
  header.magic = 1;
  EXPECT_THAT(HeaderVerdict(header), HasSubstr("CORRUPT_BATCH: magic 1 is not 2"));
}

TEST(ValidateBatchHeaderTest, RefusesLengthsOutOfBounds) {
  RecordBatchHeader header = GoodHeader();
  for (const int32_t length : {std::numeric_limits<int32_t>::min(), -1, 0, 48}) {
    header.batch_length = length;
    EXPECT_THAT(HeaderVerdict(header), HasSubstr("CORRUPT_BATCH: batch length ")) << length;
  }
  header.batch_length = kMaxBytes - 12;
  EXPECT_EQ(HeaderVerdict(header), "");
  for (const int32_t length :
       {static_cast<int32_t>(kMaxBytes) - 11, std::numeric_limits<int32_t>::max()}) {
    header.batch_length = length;
    EXPECT_THAT(HeaderVerdict(header), HasSubstr("MESSAGE_TOO_LARGE: ")) << length;
  }
}

TEST(ValidateBatchHeaderTest, RefusesCountsThatDisagree) {
  for (const auto& [count, delta] : {std::pair{0, -1},
                                     {0, 0},
                                     {2, 2},
                                     {4, 2},
                                     {-1, -2},
                                     {1, std::numeric_limits<int32_t>::max()}}) {
    RecordBatchHeader header = GoodHeader();
    header.record_count = count;
    header.last_offset_delta = delta;
    EXPECT_THAT(HeaderVerdict(header), HasSubstr("CORRUPT_BATCH: ")) << count << " " << delta;
  }
}

TEST(ValidateBatchHeaderTest, AllowsHolesWhereCompactionHasBeen) {
  RecordBatchHeader header = GoodHeader();
  header.record_count = 0;
  EXPECT_EQ(HeaderVerdict(header, /*compacted=*/true), "");
  header.record_count = 2;
  EXPECT_EQ(HeaderVerdict(header, /*compacted=*/true), "");
  header.record_count = 4;
  EXPECT_THAT(HeaderVerdict(header, /*compacted=*/true), HasSubstr("CORRUPT_BATCH: "));
  header.record_count = -1;
  EXPECT_THAT(HeaderVerdict(header, /*compacted=*/true), HasSubstr("CORRUPT_BATCH: "));
}

TEST(ValidateBatchHeaderTest, RefusesMoreRecordsThanTheBytesCanHold) {
  RecordBatchHeader header = GoodHeader();
  header.record_count = 4;
  header.last_offset_delta = 3;
  EXPECT_THAT(HeaderVerdict(header),
              HasSubstr("CORRUPT_BATCH: record count 4 does not fit the 21 bytes"));
  header.set_compression(Compression::kZstd);
  EXPECT_EQ(HeaderVerdict(header), "");
  header.record_count = limits::kRecordsPerBatch + 1;
  header.last_offset_delta = limits::kRecordsPerBatch;
  EXPECT_THAT(HeaderVerdict(header), HasSubstr("MESSAGE_TOO_LARGE: "));
}

TEST(ValidateBatchHeaderTest, RefusesOffsetsThatNoPartitionHas) {
  RecordBatchHeader header = GoodHeader();
  header.base_offset = Offset(-1);
  EXPECT_THAT(HeaderVerdict(header), HasSubstr("CORRUPT_BATCH: base offset -1"));
  header.base_offset = Offset(std::numeric_limits<int64_t>::max() - 3);
  EXPECT_EQ(HeaderVerdict(header), "");
  header.base_offset = Offset(std::numeric_limits<int64_t>::max() - 2);
  EXPECT_THAT(HeaderVerdict(header), HasSubstr("CORRUPT_BATCH: base offset "));
}

TEST(ValidateBatchHeaderTest, RefusesCodecsThatDoNotExist) {
  RecordBatchHeader header = GoodHeader();
  for (const int16_t codec : {5, 6, 7}) {
    header.attributes = codec;
    EXPECT_THAT(HeaderVerdict(header), HasSubstr("UNSUPPORTED_COMPRESSION: codec ")) << codec;
  }
}

TEST(ValidateBatchHeaderTest, RefusesControlAndTransactionalBatches) {
  RecordBatchHeader header = GoodHeader();
  for (const int16_t bit : {0x10, 0x20}) {
    header.attributes = bit;
    EXPECT_THAT(HeaderVerdict(header), HasSubstr("CORRUPT_BATCH: attributes 0x00")) << bit;
  }
}

class ValidateBatchTest : public ::testing::Test {
 protected:
  static std::string Verdict(absl::string_view batch) {
    return weir::Verdict(ValidateBatch(batch, kMaxBytes).status());
  }

  const std::string batch_ = BuildBatch(SampleRecords(), SampleOptions(Compression::kNone));
};

TEST_F(ValidateBatchTest, GivesTheHeaderOfAGoodBatch) {
  const auto header = ValidateBatch(absl::string_view(batch_), kMaxBytes);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(*header, DecodeBatchHeader(batch_.data()));
  EXPECT_EQ(header->record_count, 15);
  EXPECT_EQ(header->base_sequence, 1000);
}

TEST_F(ValidateBatchTest, ReadsABatchInPiecesLikeOneInOnePiece) {
  for (size_t first = 0; first <= 80; ++first) {
    for (const size_t second : {size_t{0}, size_t{1}, size_t{20}, size_t{61}}) {
      const absl::string_view all = batch_;
      const SharedBytes pieces(
          {all.substr(0, first), all.substr(first, second), all.substr(first + second)}, nullptr);
      EXPECT_TRUE(ValidateBatch(pieces, kMaxBytes).ok()) << first << " " << second;
      EXPECT_EQ(BatchCrc(pieces), BatchCrc(all));
    }
  }
}

TEST_F(ValidateBatchTest, SaysWhatTheCrcShouldHaveBeen) {
  std::string batch = batch_;
  batch.back() ^= 1;
  EXPECT_THAT(Verdict(batch), HasSubstr("CORRUPT_BATCH: the header's CRC-32C is "));
}

TEST_F(ValidateBatchTest, DetectsEveryTruncationAndEveryExtraByte) {
  for (size_t n = 0; n < batch_.size(); ++n) {
    EXPECT_THAT(Verdict(absl::string_view(batch_).substr(0, n)), HasSubstr("CORRUPT_BATCH: ")) << n;
  }
  EXPECT_THAT(Verdict(batch_ + '\0'), HasSubstr("CORRUPT_BATCH: the header gives the batch "));
  EXPECT_THAT(Verdict(batch_ + batch_), HasSubstr("CORRUPT_BATCH: "));
}

// Base offset (bytes 0 to 7) and leader epoch (12 to 15) lie outside the CRC, because the broker
// sets them in a finished batch; it is recovery and fetch that compare them with what the partition
// says. The fields between and behind them, batch length, magic and the CRC itself, lie outside the
// CRC too, but cannot change unnoticed.
TEST_F(ValidateBatchTest, DetectsEveryFlippedBitOutsideTheFieldsThatTheBrokerSets) {
  for (size_t bit = 0; bit < batch_.size() * 8; ++bit) {
    std::string batch = batch_;
    batch[bit / 8] = static_cast<char>(batch[bit / 8] ^ 1 << bit % 8);
    const size_t byte = bit / 8;
    const bool broker_sets_it = byte < 8 || (byte >= 12 && byte < 16);
    // The sign bit of the base offset makes it negative, which no offset is.
    EXPECT_EQ(Verdict(batch).empty(), broker_sets_it && bit != 7) << "bit " << bit;
    if (!broker_sets_it) continue;
    SetBaseOffset(batch.data(), Offset(0x0102030405));
    SetLeaderEpoch(batch.data(), LeaderEpoch(7));
    EXPECT_EQ(batch, batch_) << "bit " << bit << ": the flip touched nothing else";
  }
}

TEST_F(ValidateBatchTest, HoldsAfterTheBrokerHasSetOffsetAndEpoch) {
  std::string batch = batch_;
  SetBaseOffset(batch.data(), Offset(123456789));
  SetLeaderEpoch(batch.data(), LeaderEpoch(99));
  const auto header = ValidateBatch(absl::string_view(batch), kMaxBytes);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->base_offset, Offset(123456789));
  EXPECT_EQ(header->leader_epoch, LeaderEpoch(99));
}

}  // namespace
}  // namespace weir
