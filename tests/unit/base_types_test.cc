#include <gtest/gtest.h>

#include <sstream>
#include <type_traits>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash_testing.h"
#include "storage/base/types.h"

namespace weir {
namespace {

static_assert(!std::is_convertible_v<Offset, FilePosition>, "an offset is no position");
static_assert(!std::is_convertible_v<int64_t, Offset>,
              "a plain number becomes an offset only where it says so");
static_assert(sizeof(Offset) == sizeof(int64_t));

TEST(StrongNumberTest, StepsByCountsAndMeasuresDistances) {
  Offset offset{10};
  EXPECT_EQ(offset + 5, Offset{15});
  EXPECT_EQ(offset - 3, Offset{7});
  EXPECT_EQ(Offset{15} - offset, 5);
  EXPECT_EQ((++offset).value(), 11);
  offset += 2;
  EXPECT_EQ(offset.value(), 13);
  EXPECT_LT(Offset{1}, Offset{2});
  EXPECT_EQ(Offset().value(), 0);
}

TEST(StrongNumberTest, PrintsItsValue) {
  std::ostringstream out;
  out << Offset{-5} << " " << ProducerEpoch{7};
  EXPECT_EQ(out.str(), "-5 7");
}

TopicId SomeId() {
  TopicId id;
  for (size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<uint8_t>(17 * i);
  return id;
}

TEST(TopicIdTest, PrintsAsLowerCaseUuid) {
  EXPECT_EQ(SomeId().ToString(), "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(TopicIdTest, ParsesExactlyWhatItPrints) {
  EXPECT_EQ(TopicId::Parse(SomeId().ToString()), SomeId());
  EXPECT_EQ(TopicId::Parse("00000000-0000-0000-0000-000000000000"), TopicId());
  for (const char* wrong :
       {"", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeeff0",
        "00112233-4455-6677-8899-AABBCCDDEEFF", "001122334455-6677-8899-aabbccddeeff--",
        "0011223344556677-8899-aabbccddeeff--", "00112233-4455-6677-8899-aabbccddeefg",
        "../../../etc/passwd/and/some/more/xx"}) {
    EXPECT_FALSE(TopicId::Parse(wrong).has_value()) << wrong;
  }
}

TEST(TopicIdTest, RefusesAnySingleStrangeCharacter) {
  const std::string good = SomeId().ToString();
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char c : {'\0', ' ', 'g', 'A', '/', ':', '`', '-'}) {
      if (good[i] == c) continue;
      std::string bad = good;
      bad[i] = c;
      EXPECT_FALSE(TopicId::Parse(bad).has_value()) << "character " << i << " is " << int{c};
    }
  }
}

TEST(TopicPartitionTest, DiffersInEitherPart) {
  const TopicPartition a{SomeId(), PartitionIndex{1}}, b{SomeId(), PartitionIndex{2}},
      c{TopicId(), PartitionIndex{1}};
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly({a, b, c}));
  EXPECT_EQ((absl::flat_hash_set<TopicPartition>{a, b, c, a}).size(), 3u);
  std::ostringstream out;
  out << a;
  EXPECT_EQ(out.str(), "00112233-4455-6677-8899-aabbccddeeff/1");
}

}  // namespace
}  // namespace weir
