#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "storage/base/bytes.h"

namespace weir {
namespace {

using ::testing::ElementsAre;

TEST(FixedIntegersTest, BigEndianPutsTheHighestByteFirst) {
  char bytes[4];
  StoreBig<uint32_t>(bytes, 0x01020304);
  EXPECT_THAT(bytes, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(LoadBig<uint32_t>(bytes), 0x01020304u);
}

TEST(FixedIntegersTest, LittleEndianPutsTheLowestByteFirst) {
  std::string bytes;
  AppendLittle<uint16_t>(&bytes, 0x0102);
  EXPECT_THAT(bytes, ElementsAre(2, 1));
  EXPECT_EQ(LoadLittle<uint16_t>(bytes.data()), 0x0102);
}

template <typename T>
class FixedIntegerTest : public ::testing::Test {};
using Integers =
    ::testing::Types<int8_t, uint8_t, int16_t, uint16_t, int32_t, uint32_t, int64_t, uint64_t>;
TYPED_TEST_SUITE(FixedIntegerTest, Integers);

TYPED_TEST(FixedIntegerTest, ExtremesComeBackFromUnalignedPlaces) {
  char bytes[1 + sizeof(TypeParam)];
  using Limits = std::numeric_limits<TypeParam>;
  for (const TypeParam value :
       {Limits::min(), Limits::max(), TypeParam{0}, TypeParam{1}, static_cast<TypeParam>(-1)}) {
    StoreBig(bytes + 1, value);
    EXPECT_EQ(LoadBig<TypeParam>(bytes + 1), value);
    StoreLittle(bytes + 1, value);
    EXPECT_EQ(LoadLittle<TypeParam>(bytes + 1), value);
  }
}

TEST(ByteReaderTest, TakesFieldsFromTheFront) {
  std::string bytes;
  AppendLittle<int32_t>(&bytes, -7);
  bytes += "abc";
  AppendLittle<uint64_t>(&bytes, 1ull << 63);
  ByteReader reader(bytes);
  EXPECT_EQ(reader.Read<int32_t>(), -7);
  EXPECT_EQ(reader.ReadBytes(3), "abc");
  EXPECT_EQ(reader.rest().size(), 8u);
  EXPECT_EQ(reader.Read<uint64_t>(), 1ull << 63);
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.rest().empty());
}

TEST(ByteReaderTest, GivesNothingAfterTheFirstShortRead) {
  ByteReader reader("abc");
  EXPECT_EQ(reader.Read<uint32_t>(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.Read<uint8_t>(), 0);  // there was one, but the field before it was not whole
  EXPECT_EQ(reader.ReadBytes(0), "");
  EXPECT_FALSE(reader.ok());
}

TEST(ByteReaderTest, RefusesMoreBytesThanThereAre) {
  ByteReader reader("abc");
  EXPECT_EQ(reader.ReadBytes(4), "");
  EXPECT_FALSE(reader.ok());
}

TEST(SharedBytesTest, CopiesAcrossPieces) {
  const SharedBytes bytes(SharedBytes::Pieces{"abc", "", "defg", "h"}, nullptr);
  EXPECT_EQ(bytes.size(), 8u);
  EXPECT_EQ(bytes.ToString(), "abcdefgh");
  for (size_t from = 0; from <= 8; ++from) {
    for (size_t n = 0; from + n <= 8; ++n) {
      std::string copy(n, '?');
      bytes.CopyTo(from, n, copy.data());
      EXPECT_EQ(copy, std::string("abcdefgh").substr(from, n));
    }
  }
}

TEST(SharedBytesTest, KeepsItsOwnerAlive) {
  SharedBytes copy;
  {
    const SharedBytes original = SharedBytes::FromString(std::string(100, 'x'));
    copy = original;
  }
  EXPECT_EQ(copy.ToString(), std::string(100, 'x'));
}

TEST(SharedBytesTest, LetsItsOwnerGo) {
  const auto owner = std::make_shared<std::string>("x");
  {
    const SharedBytes bytes(SharedBytes::Pieces{*owner}, owner);
    EXPECT_EQ(owner.use_count(), 2);
  }
  EXPECT_EQ(owner.use_count(), 1);
}

}  // namespace
}  // namespace weir
