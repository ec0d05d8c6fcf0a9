#include "tools/bench/broker_watch.h"

#include <unistd.h>

#include "storage/base/clock.h"

namespace weir {
namespace {

constexpr absl::Duration kMetricsTimeout = absl::Seconds(5);

template <typename T>
std::optional<T> OrNothing(absl::StatusOr<T> value) {
  if (!value.ok()) return std::nullopt;
  return *std::move(value);
}

}  // namespace

void BrokerWatch::TakeProcesses(Sample* sample) const {
  if (const auto pid = broker_.pid()) sample->broker = OrNothing(ProcessStats::Of(*pid));
  sample->client = OrNothing(ProcessStats::Of(getpid()));
}

void BrokerWatch::TakeMetrics(Sample* sample) const {
  sample->metrics = OrNothing(MetricsPage::Fetch(broker_.http_address(), kMetricsTimeout));
}

BrokerWatch::BrokerWatch(BenchBroker& broker) : broker_(broker) {
  TakeMetrics(&start_);
  TakeProcesses(&start_);
  start_.at = Clock::Real().Monotonic();
}

void BrokerWatch::Stop() {
  stop_.at = Clock::Real().Monotonic();
  TakeProcesses(&stop_);
  TakeMetrics(&stop_);
}

void BrokerWatch::AppendTo(Measures* measures) const {
  const double seconds = absl::ToDoubleSeconds(elapsed());
  measures->push_back({"seconds", seconds, "s"});
  if (start_.broker && stop_.broker) {
    measures->push_back({"broker_cpu",
                         absl::ToDoubleSeconds(stop_.broker->cpu - start_.broker->cpu) / seconds,
                         "cores"});
    measures->push_back(
        {"broker_resident", static_cast<double>(stop_.broker->resident_bytes), "bytes"});
    measures->push_back({"broker_peak", static_cast<double>(stop_.broker->peak_bytes), "bytes"});
  }
  if (start_.client && stop_.client) {
    measures->push_back({"client_cpu",
                         absl::ToDoubleSeconds(stop_.client->cpu - start_.client->cpu) / seconds,
                         "cores"});
  }
  if (start_.metrics && stop_.metrics) {
    const auto grown = [&](absl::string_view name) {
      return stop_.metrics->Sum(name) - start_.metrics->Sum(name);
    };
    const double fsyncs = grown("weir_fsync_seconds_count");  // one for each round
    if (fsyncs == 0) return;
    measures->push_back({"rounds", fsyncs, "fsyncs"});
    measures->push_back({"fsync_mean", grown("weir_fsync_seconds_sum") / fsyncs * 1e6, "us"});
    measures->push_back(
        {"round_requests", grown("weir_round_requests_total") / fsyncs, "per round"});
    measures->push_back({"round_bytes", grown("weir_round_payload_bytes_total") / fsyncs, "bytes"});
    measures->push_back({"checkpoints", grown("weir_checkpoint_seconds_count"), ""});
  }
}

}  // namespace weir
