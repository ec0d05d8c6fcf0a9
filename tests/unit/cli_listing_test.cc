#include <gtest/gtest.h>

#include "tools/cli/listing.h"

namespace weir {
namespace {

TEST(ListingTest, ATableAlignsTextLeftAndNumbersRight) {
  Listing listing({"topic", "records", "damage"});
  listing.AddRow({"orders", int64_t{5}, Cell()});
  listing.AddRow({"a", int64_t{1234}, "cut at 7"});
  EXPECT_EQ(listing.Render(OutputFormat::kTable),
            "TOPIC   RECORDS  DAMAGE\n"
            "orders        5  -\n"
            "a          1234  cut at 7\n");
}

TEST(ListingTest, JsonIsOneObjectALineWithTheColumnsNames) {
  Listing listing({"topic", "records", "damage", "ok"});
  listing.AddRow({"o\"1", int64_t{5}, Cell(), true});
  listing.AddRow({"b", 0.5, Cell(), false});
  EXPECT_EQ(listing.Render(OutputFormat::kJson),
            "{\"topic\":\"o\\\"1\",\"records\":5,\"damage\":null,\"ok\":true}\n"
            "{\"topic\":\"b\",\"records\":0.5,\"damage\":null,\"ok\":false}\n");
}

TEST(ListingTest, NothingIsAHeadingOrNothing) {
  EXPECT_EQ(Listing({"topic"}).Render(OutputFormat::kTable), "TOPIC\n");
  EXPECT_EQ(Listing({"topic"}).Render(OutputFormat::kJson), "");
}

TEST(ListingTest, NothingThatATerminalObeysReachesIt) {
  Listing listing({"key"});
  listing.AddRow({"a\x1b[31m\n"});
  EXPECT_EQ(listing.Render(OutputFormat::kTable), "KEY\na\\x1b[31m\\n\n");
  EXPECT_EQ(Shown("\x7f \xc2\x9b \xff \xc3\xa4"), "\\x7f \\xc2\\x9b \\xff \xc3\xa4");
}

TEST(ListingTest, BytesThatAreNoTextAreWholeInJson) {
  Listing listing({"key"});
  listing.AddRow({CellBytes{"k"}});
  listing.AddRow({CellBytes{"\xff"}});
  EXPECT_EQ(listing.Render(OutputFormat::kJson), "{\"key\":\"k\"}\n{\"key_base64\":\"/w==\"}\n");
}

TEST(NumberTextTest, ThousandsAreSeparated) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(-123456), "-123,456");
  EXPECT_EQ(WithCommas(-1234567), "-1,234,567");
}

TEST(NumberTextTest, BytesHaveBinaryUnits) {
  EXPECT_EQ(HumanBytes(17), "17 B");
  EXPECT_EQ(HumanBytes(1536), "1.5 KiB");
  EXPECT_EQ(HumanBytes(int64_t{5} << 40), "5.0 TiB");
}

TEST(NumberTextTest, TimesAreAsExactAsNeeded) {
  EXPECT_EQ(HumanDuration(absl::Milliseconds(12'345)), "12.3s");
  EXPECT_EQ(HumanDuration(absl::Milliseconds(90'500)), "1m30s");
  EXPECT_EQ(HumanDuration(absl::Seconds(3 * 3600 + 5 * 60 + 7)), "3h5m");
}

}  // namespace
}  // namespace weir
