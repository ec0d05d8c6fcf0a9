#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/compression.h"
#include "tests/unit/record_samples.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

constexpr Compression kCodecs[] = {Compression::kGzip, Compression::kSnappy, Compression::kLz4,
                                   Compression::kZstd};

// Text that compresses, but not to nothing.
std::string Text(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i)
    absl::StrAppend(&text, "status installed package-", i * i % 1009, "\n");
  text.resize(size);
  return text;
}

std::string Compressed(Compression codec, absl::string_view input,
                       std::optional<int> level = std::nullopt) {
  ByteBuffer out;
  EXPECT_TRUE(Compress(codec, level, input, &out)) << CompressionName(codec) << " " << input.size();
  return std::string(out.view());
}

absl::StatusOr<std::string> Decompressed(Compression codec, absl::string_view input) {
  ByteBuffer out;
  if (absl::Status status = Decompress(codec, input, &out); !status.ok()) return status;
  return std::string(out.view());
}

// The bomb's message; memory stays within what the bound explains.
std::string Defused(Compression codec, absl::string_view bomb) {
  ByteBuffer out;
  const absl::Status status = Decompress(codec, bomb, &out);
  EXPECT_EQ(ReasonOf(status), Reason::kCorruptBatch) << status;
  EXPECT_LE(out.capacity(), DecompressedBound(bomb.size()) + 1);
  return std::string(status.message());
}

class CompressionTest : public ::testing::TestWithParam<Compression> {};

INSTANTIATE_TEST_SUITE_P(Codecs, CompressionTest, ::testing::ValuesIn(kCodecs),
                         [](const auto& info) { return std::string(CompressionName(info.param)); });

TEST_P(CompressionTest, GivesBackWhatItWasGiven) {
  for (const size_t size :
       {200, 4096, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 64 * 1024 + 1, 1'000'000}) {
    const std::string text = Text(size);
    const std::string compressed = Compressed(GetParam(), text);
    EXPECT_LT(compressed.size(), text.size());
    const auto decompressed = Decompressed(GetParam(), compressed);
    ASSERT_TRUE(decompressed.ok()) << decompressed.status();
    EXPECT_EQ(*decompressed, text) << size;
  }
}

TEST_P(CompressionTest, TakesAnyLevel) {
  const std::string text = Text(100'000);
  for (const int level : {-1'000'000, -1, 0, 1, 3, 9, 12, 22, 1'000'000}) {
    ByteBuffer compressed;
    const bool smaller = Compress(GetParam(), level, text, &compressed);
    EXPECT_TRUE(smaller || level == -1'000'000)
        << level << ": only zstd's fastest finds nothing to save";
    if (!smaller) continue;
    const auto decompressed = Decompressed(GetParam(), compressed.view());
    ASSERT_TRUE(decompressed.ok()) << level << decompressed.status();
    EXPECT_EQ(*decompressed, text) << level;
  }
}

TEST_P(CompressionTest, AppendsToWhatIsThere) {
  ByteBuffer compressed;
  compressed.Append("front");
  ASSERT_TRUE(Compress(GetParam(), std::nullopt, Text(5000), &compressed));
  ByteBuffer out;
  out.Append("kept");
  ASSERT_TRUE(Decompress(GetParam(), compressed.view().substr(5), &out).ok());
  EXPECT_EQ(out.view(), "kept" + Text(5000));
}

TEST_P(CompressionTest, AppendsNothingWhenItSavesNothing) {
  std::mt19937 random(1);
  std::string noise(10'000, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  for (const std::string& input : {std::string(), std::string("?"), noise}) {
    ByteBuffer out;
    out.Append("front");
    EXPECT_FALSE(Compress(GetParam(), std::nullopt, input, &out));
    EXPECT_EQ(out.view(), "front");
  }
}

TEST_P(CompressionTest, RefusesEveryTruncation) {
  const std::string compressed = Compressed(GetParam(), Text(2000));
  for (size_t n = 0; n < compressed.size(); ++n) {
    // Cut right behind the xerial header nothing is left to miss: no blocks are no bytes, which the
    // record count will not fit.
    if (GetParam() == Compression::kSnappy && n == 16) continue;
    EXPECT_EQ(
        ReasonOf(Decompressed(GetParam(), absl::string_view(compressed).substr(0, n)).status()),
        Reason::kCorruptBatch)
        << n;
  }
}

TEST_P(CompressionTest, RefusesBytesBehindTheEnd) {
  const std::string compressed = Compressed(GetParam(), Text(2000));
  for (const char* extra : {"x", "12345678901234567890"}) {
    EXPECT_EQ(ReasonOf(Decompressed(GetParam(), compressed + extra).status()),
              Reason::kCorruptBatch);
  }
}

TEST_P(CompressionTest, SurvivesEveryFlippedBitAndWorksAfterwards) {
  const std::string text = Text(300);
  const std::string compressed = Compressed(GetParam(), text);
  for (size_t bit = 0; bit < compressed.size() * 8; ++bit) {
    std::string flipped = compressed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto decompressed = Decompressed(GetParam(), flipped);
    if (!decompressed.ok()) {
      EXPECT_EQ(ReasonOf(decompressed.status()), Reason::kCorruptBatch) << bit;
    }
  }
  EXPECT_EQ(Decompressed(GetParam(), compressed).value(), text)
      << "a failed stream leaves nothing behind in the context";
}

TEST_P(CompressionTest, RefusesWhatAnotherCodecWrote) {
  for (const Compression other : kCodecs) {
    if (other == GetParam()) continue;
    EXPECT_EQ(ReasonOf(Decompressed(GetParam(), Compressed(other, Text(2000))).status()),
              Reason::kCorruptBatch);
  }
}

TEST(CompressionBoundTest, IsTheRatioBetweenAFloorAndACeiling) {
  EXPECT_EQ(DecompressedBound(0), limits::kDecompressedAlways);
  EXPECT_EQ(DecompressedBound(100), limits::kDecompressedAlways);
  EXPECT_EQ(DecompressedBound(5000), 5000 * limits::kDecompressionRatio);
  EXPECT_EQ(DecompressedBound(1 << 20), limits::kDecompressedBatch);
  EXPECT_EQ(DecompressedBound(~size_t{0}), limits::kDecompressedBatch);
}

TEST(CompressionBombTest, AGzipBombIsDefused) {
  const std::string zeros(limits::kDecompressedBatch + 1, '\0');
  std::string bomb(limits::kMiB, '\0');
  z_stream stream{};
  ASSERT_EQ(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
  stream.avail_in = zeros.size();
  stream.next_out = reinterpret_cast<Bytef*>(bomb.data());
  stream.avail_out = bomb.size();
  ASSERT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  bomb.resize(stream.total_out);
  deflateEnd(&stream);
  EXPECT_THAT(Defused(Compression::kGzip, bomb), HasSubstr("decompress to more than 134217728"));
}

TEST(CompressionBombTest, ASnappyBombIsDefused) {
  std::string block;
  snappy::Compress(std::string(32 * 1024, '\0').data(), 32 * 1024, &block);
  std::string bomb("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
  for (int i = 0; i < 4097; ++i) {
    char length[4];
    StoreBig(length, static_cast<int32_t>(block.size()));
    bomb.append(length, 4).append(block);
  }
  EXPECT_THAT(Defused(Compression::kSnappy, bomb), HasSubstr("decompress to more than 134217728"));
}

TEST(CompressionBombTest, ALyingSnappyLengthIsRefusedBeforeMemoryIsTaken) {
  const std::string four_gib("\xff\xff\xff\xff\x0f\0\0\0\0", 9);
  ByteBuffer out;
  EXPECT_THAT(Decompress(Compression::kSnappy, four_gib, &out).message(),
              HasSubstr("decompress to more than 4194304"));
  EXPECT_EQ(out.capacity(), 0);
}

TEST(CompressionBombTest, AnLz4BombIsDefused) {
  const std::string zeros(limits::kDecompressedBatch + 1, '\0');
  for (const size_t announced : {zeros.size(), size_t{0}}) {
    LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
    preferences.frameInfo.contentSize = announced;
    std::string bomb(LZ4F_compressFrameBound(zeros.size(), &preferences), '\0');
    bomb.resize(
        LZ4F_compressFrame(bomb.data(), bomb.size(), zeros.data(), zeros.size(), &preferences));
    EXPECT_THAT(Defused(Compression::kLz4, bomb), HasSubstr("decompress to more than 134217728"));
  }
}

// Written as a stream, so that the frame's header does not give the size away.
std::string ZstdStream(absl::string_view input) {
  std::string out(ZSTD_compressBound(input.size()), '\0');
  ZSTD_CCtx* const context = ZSTD_createCCtx();
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_inBuffer none{nullptr, 0, 0};
  EXPECT_EQ(ZSTD_compressStream2(context, &to, &none, ZSTD_e_flush), 0);
  ZSTD_inBuffer from{input.data(), input.size(), 0};
  EXPECT_EQ(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end), 0);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  EXPECT_EQ(ZSTD_getFrameContentSize(out.data(), out.size()), ZSTD_CONTENTSIZE_UNKNOWN);
  return out;
}

TEST(CompressionBombTest, AZstdBombIsDefused) {
  const std::string zeros(8 * limits::kMiB, '\0');
  EXPECT_THAT(Defused(Compression::kZstd, ZstdStream(zeros)),
              HasSubstr("decompress to more than 4194304"));
}

TEST(CompressionBombTest, AZstdBombThatSaysSoIsRefusedBeforeMemoryIsTaken) {
  const std::string zeros(8 * limits::kMiB, '\0');
  std::string bomb(1000, '\0');
  bomb.resize(ZSTD_compress(bomb.data(), bomb.size(), zeros.data(), zeros.size(), 3));
  ByteBuffer out;
  EXPECT_THAT(Decompress(Compression::kZstd, bomb, &out).message(),
              HasSubstr("decompress to more than 4194304"));
  EXPECT_EQ(out.capacity(), 0);
}

TEST(CompressionFormatTest, SnappyIsFramedAsJavaExpectsIt) {
  const std::string compressed = Compressed(Compression::kSnappy, Text(40'000));
  const std::string header("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
  EXPECT_TRUE(absl::StartsWith(compressed, header));
  const auto first = LoadBig<int32_t>(compressed.data() + 16);
  size_t size = 0;
  ASSERT_TRUE(
      snappy::GetUncompressedLength(compressed.data() + 20, static_cast<size_t>(first), &size));
  EXPECT_EQ(size, 32 * 1024);
}

TEST(CompressionFormatTest, SnappyIsAlsoReadWithoutFraming) {
  std::string raw;
  const std::string text = Text(40'000);
  snappy::Compress(text.data(), text.size(), &raw);
  EXPECT_EQ(Decompressed(Compression::kSnappy, raw).value(), text);
}

TEST(CompressionFormatTest, SnappyFramesOfANewerKindAreRefused) {
  std::string compressed = Compressed(Compression::kSnappy, Text(1000));
  compressed[15] = 2;
  EXPECT_THAT(Decompressed(Compression::kSnappy, compressed).status().message(),
              HasSubstr("xerial version 2 is newer"));
}

// Kafka's own reader knows no linked blocks.
TEST(CompressionFormatTest, Lz4BlocksAreIndependent) {
  const std::string compressed = Compressed(Compression::kLz4, Text(200'000));
  EXPECT_EQ(compressed.substr(0, 4), "\x04\x22\x4d\x18");
  EXPECT_NE(compressed[4] & 0x20, 0);
}

TEST(CompressionFormatTest, Lz4IsAlsoReadWithLinkedBlocksAndChecksums) {
  const std::string text = Text(500'000);
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.blockSizeID = LZ4F_max256KB;
  preferences.frameInfo.blockMode = LZ4F_blockLinked;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.frameInfo.blockChecksumFlag = LZ4F_blockChecksumEnabled;
  std::string frame(LZ4F_compressFrameBound(text.size(), &preferences), '\0');
  frame.resize(
      LZ4F_compressFrame(frame.data(), frame.size(), text.data(), text.size(), &preferences));
  EXPECT_EQ(Decompressed(Compression::kLz4, frame).value(), text);
}

TEST(CompressionFormatTest, ZstdIsAlsoReadFromAStreamThatDoesNotNameItsSize) {
  for (const size_t size : {0, 1, 5000, 3'000'000}) {
    const std::string text = Text(size);
    EXPECT_EQ(Decompressed(Compression::kZstd, ZstdStream(text)).value(), text);
  }
}

TEST(CompressionFormatTest, NumbersThatAreNoCodecAreRefused) {
  for (const int codec : {0, 5, 7}) {
    EXPECT_EQ(ReasonOf(Decompressed(static_cast<Compression>(codec), "bytes").status()),
              Reason::kUnsupportedCompression);
  }
}

}  // namespace
}  // namespace weir
