// Singles: threads that each send one record and wait for its acknowledgement, again and again,
// through one Producer.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/load.h"
#include "weir/producer.h"

namespace weir {
namespace {

constexpr int64_t kRecords = 400'000;
constexpr int kThreads = 64;

class SinglesCase : public BenchCase {
 public:
  explicit SinglesCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.records == 0) settings_.records = kRecords;
    if (settings_.threads == 0) settings_.threads = kThreads;
    settings_.partitions = std::max(settings_.partitions, 1);
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"records", absl::StrCat(settings_.records)},
            {"value_bytes", absl::StrCat(settings_.size)},
            {"threads", absl::StrCat(settings_.threads, ", one client, one producer")},
            {"partitions", absl::StrCat(settings_.partitions)},
            {"durability", settings_.durability == Durability::kWritten ? "written" : "durable"},
            {"latency", "of every record, from SendAndWait to its return"}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(topic_, broker.CreateTopic(settings_.partitions));
    Histogram latencies;
    return Send(broker, settings_.records / 10, &latencies);
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    Histogram latencies;
    BrokerWatch watch(broker);
    WEIR_RETURN_IF_ERROR(Send(broker, settings_.records, &latencies));
    watch.Stop();
    Measures measures = {
        {"records_per_second",
         static_cast<double>(latencies.count()) / absl::ToDoubleSeconds(watch.elapsed()),
         "records/s"}};
    AppendLatencies(latencies, &measures);
    watch.AppendTo(&measures);
    return measures;
  }

 private:
  absl::Status Send(BenchBroker& broker, int64_t records, Histogram* latencies) const {
    const Client client = broker.NewClient();
    Producer producer(client, ProducerOptionsOf(settings_));
    std::vector<Histogram> own(static_cast<size_t>(settings_.threads));
    const absl::Status sent = RunThreads(settings_.threads, [&](int thread) -> absl::Status {
      Values values(settings_.size);
      for (int64_t i = thread; i < records; i += settings_.threads) {
        const absl::Duration start = Clock::Real().Monotonic();
        WEIR_RETURN_IF_ERROR(
            producer.SendAndWait({.topic = topic_, .value = values.Next()}).status());
        own[static_cast<size_t>(thread)].Add(Clock::Real().Monotonic() - start);
      }
      return absl::OkStatus();
    });
    for (const Histogram& histogram : own) latencies->Merge(histogram);
    return sent;
  }

  BenchSettings settings_;
  std::string topic_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeSinglesCase(const BenchSettings& settings) {
  return std::make_unique<SinglesCase>(settings);
}

}  // namespace weir
