#include "tools/bench/bench_runner.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"

namespace weir {

void AppendLatencies(const Histogram& histogram, Measures* measures) {
  if (histogram.count() == 0) return;
  const auto add = [&](std::string name, absl::Duration value) {
    measures->push_back({std::move(name), absl::ToDoubleMicroseconds(value), "us"});
  };
  add("latency_p50", histogram.Quantile(0.5));
  add("latency_p99", histogram.Quantile(0.99));
  add("latency_p99.9", histogram.Quantile(0.999));
  add("latency_max", histogram.max());
}

std::vector<BenchFigure> Summarise(absl::Span<const Measures> runs) {
  std::vector<BenchFigure> figures;
  if (runs.empty()) return figures;
  for (const Measure& first : runs.front()) {
    std::vector<double> values;
    for (const Measures& run : runs) {
      const auto found = std::find_if(run.begin(), run.end(),
                                      [&](const Measure& m) { return m.name == first.name; });
      if (found != run.end()) values.push_back(found->value);
    }
    if (values.size() != runs.size()) continue;
    std::sort(values.begin(), values.end());
    const size_t middle = values.size() / 2;
    const double median =
        values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
    figures.push_back({first.name, first.unit, median, values.front(), values.back()});
  }
  return figures;
}

absl::StatusOr<BenchResult> RunBench(BenchCase& bench, BenchBroker& broker, int runs,
                                     const std::function<void(const std::string&)>& progress) {
  const auto say = [&](const std::string& what) {
    if (progress) progress(what);
  };
  BenchResult result{.runs = runs, .configuration = bench.Configuration()};
  WEIR_ASSIGN_OR_RETURN(auto machine, broker.Configuration());
  result.configuration.insert(result.configuration.end(), machine.begin(), machine.end());
  say("preparing");
  WEIR_RETURN_IF_ERROR(bench.Prepare(broker));
  std::vector<Measures> all;
  for (int run = 1; run <= runs; ++run) {
    say(absl::StrCat("run ", run, " of ", runs));
    WEIR_ASSIGN_OR_RETURN(Measures measures, bench.Run(broker));
    all.push_back(std::move(measures));
  }
  say("cleaning up");
  WEIR_RETURN_IF_ERROR(broker.DeleteTopics());
  result.figures = Summarise(all);
  return result;
}

}  // namespace weir
