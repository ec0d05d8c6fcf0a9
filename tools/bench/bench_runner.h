// BenchRunner: runs a case several times and puts its figures together: median, smallest, largest.
// One thread.
#ifndef WEIR_TOOLS_BENCH_BENCH_RUNNER_H_
#define WEIR_TOOLS_BENCH_BENCH_RUNNER_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tools/bench/bench_broker.h"
#include "tools/bench/bench_case.h"

namespace weir {

struct BenchFigure {
  std::string name;
  std::string unit;
  double median = 0;
  double min = 0;
  double max = 0;
};

struct BenchResult {
  int runs = 0;
  std::vector<std::pair<std::string, std::string>>
      configuration;                 // the case's, then the broker's and the machine's
  std::vector<BenchFigure> figures;  // in the order of the case
};

// `progress` is told in words what is being done; may be empty.
absl::StatusOr<BenchResult> RunBench(BenchCase& bench, BenchBroker& broker, int runs,
                                     const std::function<void(const std::string&)>& progress);

// The figures of several runs; those that not every run gave are left out.
std::vector<BenchFigure> Summarise(absl::Span<const Measures> runs);

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_BENCH_RUNNER_H_
