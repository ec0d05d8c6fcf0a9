#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tools/bench/bench_runner.h"

namespace weir {
namespace {

TEST(BenchRunnerTest, FiguresAreMediansWithTheSmallestAndTheLargest) {
  const std::vector<Measures> runs = {{{"rate", 5, "x"}}, {{"rate", 1, "x"}}, {{"rate", 100, "x"}}};
  const std::vector<BenchFigure> figures = Summarise(runs);
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].median, 5);
  EXPECT_EQ(figures[0].min, 1);
  EXPECT_EQ(figures[0].max, 100);
  EXPECT_EQ(figures[0].unit, "x");
}

TEST(BenchRunnerTest, TheMedianOfAnEvenNumberLiesBetweenTheMiddleTwo) {
  const std::vector<Measures> runs = {{{"rate", 4, "x"}}, {{"rate", 1, "x"}}};
  EXPECT_EQ(Summarise(runs)[0].median, 2.5);
}

TEST(BenchRunnerTest, AFigureThatOneRunDidNotGiveIsLeftOut) {
  const std::vector<Measures> runs = {{{"a", 1, ""}, {"b", 1, ""}}, {{"b", 2, ""}}};
  const std::vector<BenchFigure> figures = Summarise(runs);
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures[0].name, "b");
}

TEST(BenchRunnerTest, LatenciesAreInMicroseconds) {
  Histogram histogram;
  histogram.Add(absl::Microseconds(100));
  Measures measures;
  AppendLatencies(histogram, &measures);
  ASSERT_EQ(measures.size(), 4u);
  EXPECT_EQ(measures[0].name, "latency_p50");
  EXPECT_EQ(measures[0].value, 100);
  EXPECT_EQ(measures[3].name, "latency_max");
}

}  // namespace
}  // namespace weir
