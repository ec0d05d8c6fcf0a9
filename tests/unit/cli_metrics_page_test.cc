#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/bench/metrics_page.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(MetricsPageTest, SumsTheSeriesOfOneName) {
  const MetricsPage page = MetricsPage::Parse(
      "# HELP weir_produced_records_total Records\n"
      "# TYPE weir_produced_records_total counter\n"
      "weir_produced_records_total{durability=\"durable\"} 40\n"
      "weir_produced_records_total{durability=\"written\"} 2\n"
      "weir_fsync_seconds_sum 1.5e-3\n"
      "weir_fsync_seconds_count 3 1700000000000\n");
  EXPECT_EQ(page.Sum("weir_produced_records_total"), 42);
  EXPECT_EQ(page.Sum("weir_fsync_seconds_sum"), 1.5e-3);
  EXPECT_EQ(page.Sum("weir_fsync_seconds_count"), 3);
  EXPECT_EQ(page.Sum("weir_produced"), 0);
}

TEST(MetricsPageTest, LabelsAreUnescaped) {
  const MetricsPage page =
      MetricsPage::Parse("m{topic=\"a\\\"b\\\\c\\nd, {e}\",partition=\"7\"} 1\n");
  ASSERT_EQ(page.SeriesOf("m").size(), 1u);
  EXPECT_THAT(page.SeriesOf("m")[0].labels,
              ElementsAre(Pair("partition", "7"), Pair("topic", "a\"b\\c\nd, {e}")));
}

TEST(MetricsPageTest, LinesThatMakeNoSenseArePassedOver) {
  const MetricsPage page = MetricsPage::Parse("half\nm{a=\"b 1\nm{ 2\nm x\n{}\n\nm 5");
  EXPECT_EQ(page.Sum("m"), 5);
}

TEST(MetricsPageTest, NobodyThereIsUnavailable) {
  // Port 1 is reserved; nothing of ours listens there.
  EXPECT_EQ(MetricsPage::Fetch("127.0.0.1:1", absl::Seconds(1)).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace weir
