#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "storage/record/varint.h"

namespace weir {
namespace {

constexpr int64_t kMin64 = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax64 = std::numeric_limits<int64_t>::max();
constexpr int32_t kMin32 = std::numeric_limits<int32_t>::min();
constexpr int32_t kMax32 = std::numeric_limits<int32_t>::max();

std::string Written(int64_t value) {
  char bytes[kMaxVarint64Bytes];
  return std::string(bytes, WriteVarint(value, bytes));
}

template <typename T>
bool Reads(const std::string& bytes, T* value) {
  return ReadVarint(bytes.data(), bytes.data() + bytes.size(), value) ==
         bytes.data() + bytes.size();
}

TEST(VarintTest, WritesTheBytesThatTheFormatNames) {
  EXPECT_EQ(Written(0), std::string("\x00", 1));
  EXPECT_EQ(Written(-1), "\x01");
  EXPECT_EQ(Written(1), "\x02");
  EXPECT_EQ(Written(63), "\x7e");
  EXPECT_EQ(Written(-64), "\x7f");
  EXPECT_EQ(Written(64), "\x80\x01");
  EXPECT_EQ(Written(-65), "\x81\x01");
  EXPECT_EQ(Written(300), "\xd8\x04");
  EXPECT_EQ(Written(kMax64), "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  EXPECT_EQ(Written(kMin64), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
}

TEST(VarintTest, ReadsBackEveryLengthAndKnowsItBefore) {
  for (int shift = 0; shift < 64; ++shift) {
    const uint64_t power = uint64_t{1} << shift;
    for (const uint64_t bits : {power, power - 1, ~power, ~power + 1}) {
      const auto value = static_cast<int64_t>(bits);
      const std::string bytes = Written(value);
      int64_t read = 0;
      EXPECT_TRUE(Reads(bytes, &read)) << value;
      EXPECT_EQ(read, value);
      EXPECT_EQ(VarintBytes(value), bytes.size()) << value;
    }
  }
}

TEST(VarintTest, ReadsTheEndsOf32Bits) {
  int32_t read = 0;
  EXPECT_TRUE(Reads(Written(kMax32), &read));
  EXPECT_EQ(read, kMax32);
  EXPECT_TRUE(Reads(Written(kMin32), &read));
  EXPECT_EQ(read, kMin32);
}

TEST(VarintTest, RefusesWhatDoesNotFit) {
  int32_t narrow = 7;
  EXPECT_FALSE(Reads(Written(int64_t{kMax32} + 1), &narrow));
  EXPECT_FALSE(Reads(Written(int64_t{kMin32} - 1), &narrow));
  EXPECT_FALSE(Reads(std::string("\x80\x80\x80\x80\x80\x00", 6), &narrow)) << "zero in six bytes";
  int64_t wide = 7;
  EXPECT_FALSE(Reads(std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), &wide));
  EXPECT_FALSE(Reads(std::string(11, '\x80'), &wide));
  EXPECT_EQ(narrow, 7);
  EXPECT_EQ(wide, 7);
}

TEST(VarintTest, RefusesWhatIsCutOff) {
  for (const int64_t value : {int64_t{0}, int64_t{1} << 20, kMax64}) {
    const std::string bytes = Written(value);
    for (size_t n = 0; n < bytes.size(); ++n) {
      int64_t read = 0;
      EXPECT_EQ(ReadVarint(bytes.data(), bytes.data() + n, &read), nullptr);
    }
  }
}

}  // namespace
}  // namespace weir
