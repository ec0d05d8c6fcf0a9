#include <gtest/gtest.h>

#include <string>

#include "storage/base/crc32c.h"

namespace weir {
namespace {

// The test vectors of RFC 3720, appendix B.4.
TEST(Crc32cTest, GivesTheValuesOfTheStandard) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising.push_back(static_cast<char>(i));
    falling.push_back(static_cast<char>(31 - i));
  }
  EXPECT_EQ(Crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(Crc32c(falling), 0x113fdb5cu);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
}

TEST(Crc32cTest, NothingHasCrcZero) { EXPECT_EQ(Crc32c(""), 0u); }

TEST(Crc32cTest, GoesOnFromTheCrcOfWhatCameBefore) {
  const std::string text = "the quick brown fox jumps over the lazy dog, and over it again";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(Crc32c(text.substr(cut), Crc32c(text.substr(0, cut))), Crc32c(text))
        << "cut at " << cut;
  }
}

}  // namespace
}  // namespace weir
