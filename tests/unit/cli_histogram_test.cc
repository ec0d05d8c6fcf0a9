#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "tools/bench/histogram.h"

namespace weir {
namespace {

TEST(HistogramTest, SmallValuesAreExact) {
  Histogram histogram;
  for (int64_t v = 0; v < 128; ++v) histogram.AddNanoseconds(v);
  EXPECT_EQ(histogram.Quantile(0.5), absl::Nanoseconds(63));
  EXPECT_EQ(histogram.Quantile(1), absl::Nanoseconds(127));
  EXPECT_EQ(histogram.Quantile(0), absl::Nanoseconds(0));
}

TEST(HistogramTest, QuantilesOfLargeValuesAreWithinASixtyFourthAndNeverBelow) {
  std::mt19937_64 random(7);
  Histogram histogram;
  std::vector<int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<int64_t>(random() >> (24 + random() % 40));
    values.push_back(std::min<int64_t>(value, int64_t{3600} * 1'000'000'000));
    histogram.AddNanoseconds(value);
  }
  std::sort(values.begin(), values.end());
  for (const double q : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact = static_cast<double>(values[static_cast<size_t>(q * 20'000) - 1]);
    const double told = absl::ToDoubleNanoseconds(histogram.Quantile(q));
    EXPECT_GE(told, exact) << q;
    EXPECT_LE(told, exact * (1 + 1.0 / 64) + 1) << q;
  }
  EXPECT_EQ(absl::ToInt64Nanoseconds(histogram.max()), values.back());
}

TEST(HistogramTest, MergedHistogramsAreTheHistogramOfBoth) {
  Histogram a;
  Histogram b;
  for (int i = 0; i < 10; ++i) a.Add(absl::Milliseconds(1));
  for (int i = 0; i < 90; ++i) b.Add(absl::Seconds(1));
  a.Merge(b);
  EXPECT_EQ(a.count(), 100);
  EXPECT_LT(a.Quantile(0.1), absl::Milliseconds(2));
  EXPECT_EQ(a.Quantile(0.11), absl::Seconds(1));
}

TEST(HistogramTest, ValuesOutsideItsRangeCountAtItsEnds) {
  Histogram histogram;
  histogram.Add(-absl::Seconds(1));
  histogram.Add(absl::Hours(100));
  EXPECT_EQ(histogram.Quantile(0.5), absl::ZeroDuration());
  EXPECT_EQ(histogram.max(), absl::Hours(1));
}

TEST(HistogramTest, AnEmptyOneGivesZero) {
  EXPECT_EQ(Histogram().Quantile(0.99), absl::ZeroDuration());
}

}  // namespace
}  // namespace weir
