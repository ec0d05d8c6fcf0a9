// The golden files hold SampleRecords with SampleOptions, one file per codec. They never change:
// what was written once must be read for ever. They were written by BuildBatch itself and checked
// with python3-kafka.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/base/limits.h"
#include "storage/record/compression.h"
#include "tests/unit/record_samples.h"

namespace weir {
namespace {

std::string GoldenFile(Compression codec) {
  const std::string path =
      absl::StrCat(WEIR_GOLDEN_DIR, "/record_batch_", CompressionName(codec), ".bin");
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class GoldenRecordBatchTest : public ::testing::TestWithParam<Compression> {};

INSTANTIATE_TEST_SUITE_P(Codecs, GoldenRecordBatchTest, ::testing::ValuesIn(kAllCodecs),
                         [](const auto& info) { return std::string(CompressionName(info.param)); });

TEST_P(GoldenRecordBatchTest, IsReadAsItWasWritten) {
  const std::string batch = GoldenFile(GetParam());
  const auto header = ValidateBatch(absl::string_view(batch), limits::kMaxMessageBytesDefault);
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->compression(), GetParam());
  EXPECT_EQ(ReadBatch(batch).value(), SampleRecords(Offset(0x0102030405)));
}

// Only uncompressed to the byte: another version of a compression library may find a shorter form.
// Of the others everything that does not depend on the compressed bytes.
TEST_P(GoldenRecordBatchTest, IsWrittenAsItWas) {
  const std::string golden = GoldenFile(GetParam());
  const std::string batch = BuildBatch(SampleRecords(), SampleOptions(GetParam()));
  if (GetParam() == Compression::kNone) {
    EXPECT_EQ(batch, golden);
  }
  RecordBatchHeader expected = DecodeBatchHeader(golden.data());
  const RecordBatchHeader header = DecodeBatchHeader(batch.data());
  expected.batch_length = header.batch_length;
  expected.crc = header.crc;
  EXPECT_EQ(header, expected);
}

}  // namespace
}  // namespace weir
