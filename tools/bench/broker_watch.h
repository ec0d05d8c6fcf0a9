// BrokerWatch: what the broker spent between two moments: processor time, memory, fsyncs. The
// questions it asks are outside of what it measures. One thread.
#ifndef WEIR_TOOLS_BENCH_BROKER_WATCH_H_
#define WEIR_TOOLS_BENCH_BROKER_WATCH_H_

#include <optional>

#include "absl/time/time.h"
#include "tools/bench/bench_broker.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/metrics_page.h"
#include "tools/bench/process_stats.h"

namespace weir {

class BrokerWatch {
 public:
  // Begins to measure when this returns.
  explicit BrokerWatch(BenchBroker& broker);

  // Ends measuring with its first step.
  void Stop();
  absl::Duration elapsed() const { return stop_.at - start_.at; }

  // After Stop(): processor time, memory, fsyncs; what cannot be known is left out.
  void AppendTo(Measures* measures) const;

 private:
  struct Sample {
    absl::Duration at;
    std::optional<ProcessStats> broker;
    std::optional<ProcessStats> client;
    std::optional<MetricsPage> metrics;
  };
  void TakeProcesses(Sample* sample) const;
  void TakeMetrics(Sample* sample) const;

  BenchBroker& broker_;
  Sample start_;
  Sample stop_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_BROKER_WATCH_H_
