#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tools/cli/arguments.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const absl::Time kNow = absl::FromUnixSeconds(1'763'805'600);  // 2025-11-22T10:00:00Z
const absl::TimeZone kUtc = absl::UTCTimeZone();

absl::Time TimeOf(absl::string_view text, absl::TimeZone zone = kUtc) {
  const auto time = ParseTimeArgument(text, kNow, zone);
  EXPECT_TRUE(time.ok()) << time.status();
  return time.value_or(absl::InfinitePast());
}

TEST(TimeArgumentTest, Rfc3339SaysItsOwnZone) {
  EXPECT_EQ(TimeOf("2025-11-22T10:00:00Z"), kNow);
  EXPECT_EQ(TimeOf("2025-11-22T12:00:00.250+02:00"), kNow + absl::Milliseconds(250));
}

TEST(TimeArgumentTest, WithoutAZoneItIsTheCallers) {
  const absl::TimeZone east = absl::FixedTimeZone(3600);
  EXPECT_EQ(TimeOf("2025-11-22T11:00:00", east), kNow);
  EXPECT_EQ(TimeOf("2025-11-22T11:00", east), kNow);
  EXPECT_EQ(TimeOf("2025-11-22", east), kNow - absl::Hours(11));
}

TEST(TimeArgumentTest, AtIsSecondsSinceTheEpoch) {
  EXPECT_EQ(TimeOf("@1763805600"), kNow);
  EXPECT_EQ(TimeOf("@1763805600.250"), kNow + absl::Milliseconds(250));
}

TEST(TimeArgumentTest, ADurationIsCountedBackFromNow) {
  EXPECT_EQ(TimeOf("90s"), kNow - absl::Seconds(90));
  EXPECT_EQ(TimeOf("1h30m"), kNow - absl::Minutes(90));
  EXPECT_EQ(TimeOf("7d"), kNow - absl::Hours(168));
}

TEST(TimeArgumentTest, AnythingElseIsRefusedWithWhatIsPossible) {
  for (const char* text : {"", "yesterday", "2025-13-01", "@", "@x", "-1h", "inf", "12"}) {
    const auto time = ParseTimeArgument(text, kNow, kUtc);
    EXPECT_EQ(time.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(time.status().message()), HasSubstr("2026-11-22T10:00:00Z"));
  }
}

TEST(PositionArgumentTest, DigitsAreAnOffset) {
  EXPECT_EQ(*ParsePositionArgument("0", kNow, kUtc), Position(Offset(0)));
  EXPECT_EQ(*ParsePositionArgument("1700000000000", kNow, kUtc),
            Position(Offset(1'700'000'000'000)));
  EXPECT_FALSE(ParsePositionArgument("9223372036854775808", kNow, kUtc).ok());
  EXPECT_FALSE(ParsePositionArgument("-1", kNow, kUtc).ok());
}

TEST(PositionArgumentTest, EndsAndTimesHaveTheirWords) {
  EXPECT_EQ(*ParsePositionArgument("earliest", kNow, kUtc), Position(Earliest()));
  EXPECT_EQ(*ParsePositionArgument("latest", kNow, kUtc), Position(Latest()));
  EXPECT_EQ(*ParsePositionArgument("1h", kNow, kUtc), Position(kNow - absl::Hours(1)));
  EXPECT_FALSE(ParsePositionArgument("newest", kNow, kUtc).ok());
}

TEST(BytesArgumentTest, UnitsAreBinaryWithAnI) {
  EXPECT_EQ(*ParseBytesArgument("4096"), 4096);
  EXPECT_EQ(*ParseBytesArgument("64KiB"), 65'536);
  EXPECT_EQ(*ParseBytesArgument("1.5GiB"), 1'610'612'736);
  EXPECT_EQ(*ParseBytesArgument("2MB"), 2'000'000);
  EXPECT_EQ(*ParseBytesArgument("10 B"), 10);
  for (const char* text : {"", "KiB", "-1", "1XB", "1e30", "nan"})
    EXPECT_FALSE(ParseBytesArgument(text).ok()) << text;
}

TEST(DurationArgumentTest, InfIsForever) {
  EXPECT_EQ(*ParseDurationArgument("inf"), absl::InfiniteDuration());
  EXPECT_EQ(*ParseDurationArgument("1.5d"), absl::Hours(36));
  EXPECT_FALSE(ParseDurationArgument("-5s").ok());
  EXPECT_FALSE(ParseDurationArgument("5").ok());
}

TEST(AssignmentTest, TheFirstEqualsSignDivides) {
  EXPECT_EQ(*ParseAssignment("a=b=c"), std::pair(std::string("a"), std::string("b=c")));
  EXPECT_EQ(*ParseAssignment("a="), std::pair(std::string("a"), std::string()));
  EXPECT_FALSE(ParseAssignment("=b").ok());
  EXPECT_FALSE(ParseAssignment("ab").ok());
}

TEST(AssignmentTest, ANameMayComeOnlyOnce) {
  EXPECT_THAT(*ParseAssignments({"b=1", "a=2"}), ElementsAre(Pair("a", "2"), Pair("b", "1")));
  EXPECT_FALSE(ParseAssignments({"a=1", "a=2"}).ok());
}

TEST(SplitKeyTest, TheFirstSeparatorDivides) {
  const KeyAndValue record = SplitKey("alice:1:apple", ":");
  EXPECT_EQ(record.key, "alice");
  EXPECT_EQ(record.value, "1:apple");
}

TEST(SplitKeyTest, AnEmptyKeyIsNotAMissingOne) {
  EXPECT_EQ(SplitKey(":value", ":").key, "");
  EXPECT_EQ(SplitKey("value", ":").key, std::nullopt);
  EXPECT_EQ(SplitKey("a:b", "").key, std::nullopt);
}

TEST(SplitKeyTest, TheSeparatorMayHaveSeveralCharacters) {
  const KeyAndValue record = SplitKey("a => b", " => ");
  EXPECT_EQ(record.key, "a");
  EXPECT_EQ(record.value, "b");
}

TEST(SeparatorArgumentTest, EscapesWork) {
  EXPECT_EQ(*ParseSeparatorArgument("\\t"), "\t");
  EXPECT_EQ(*ParseSeparatorArgument("\\x1f"), "\x1f");
  EXPECT_FALSE(ParseSeparatorArgument("").ok());
  EXPECT_FALSE(ParseSeparatorArgument("\\q").ok());
}

TEST(HttpAddressTest, LiesOneAboveTheBrokersPort) {
  EXPECT_EQ(HttpAddressBeside("10.0.0.5:9095"), "10.0.0.5:9096");
  EXPECT_EQ(HttpAddressBeside("[::1]:7000"), "[::1]:7001");
  EXPECT_EQ(HttpAddressBeside("broker.example"), "127.0.0.1:9096");
}

TEST(CodecArgumentTest, NamesAreKafkas) {
  EXPECT_EQ(*ParseCompressionArgument("zstd"), Compression::kZstd);
  EXPECT_FALSE(ParseCompressionArgument("brotli").ok());
  EXPECT_EQ(*ParseDurabilityArgument("written"), Durability::kWritten);
  EXPECT_FALSE(ParseDurabilityArgument("all").ok());
}

}  // namespace
}  // namespace weir
