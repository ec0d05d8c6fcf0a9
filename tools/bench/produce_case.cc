// Produce: keyless records into one topic, record by record through Producer, as fast as they are
// acknowledged.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/record/compression.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/load.h"
#include "weir/producer.h"

namespace weir {
namespace {

constexpr int64_t kRecords = 10'000'000;
constexpr int64_t kSampled = 1'000;

class ProduceCase : public BenchCase {
 public:
  explicit ProduceCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.records == 0) settings_.records = kRecords;
    settings_.partitions = std::max(settings_.partitions, 1);
    settings_.threads = std::max(settings_.threads, 1);
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    const ProducerOptions options = ProducerOptionsOf(settings_);
    const absl::string_view durability =
        options.durability == Durability::kWritten ? "written" : "durable";
    return {{"records", absl::StrCat(settings_.records)},
            {"value_bytes", absl::StrCat(settings_.size)},
            {"keys", "none, sticky partitions"},
            {"partitions", absl::StrCat(settings_.partitions)},
            {"topic", "one for all runs, each partition with records in it"},
            {"producers", absl::StrCat(settings_.threads)},
            {"durability", std::string(durability)},
            {"compression", std::string(CompressionName(options.compression))},
            {"batch_bytes", absl::StrCat(options.batch_bytes, " to ", options.batch_bytes_largest)},
            {"linger", absl::FormatDuration(options.linger)},
            {"buffer_bytes", absl::StrCat(options.buffer_bytes)},
            {"in_flight_per_partition", absl::StrCat(options.max_in_flight)},
            {"rate", settings_.rate == 0 ? "unlimited" : absl::StrCat(settings_.rate)},
            {"latency",
             absl::StrCat("of every ", kSampled, "th record, from Send to its acknowledgement")}};
  }

  // Files are created and code is paged in as load asks for it. That is not what is measured here
  // (the create case does), nor is how long a file system looks for inodes after many were deleted.
  absl::Status Prepare(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(topic_, broker.CreateTopic(settings_.partitions));
    WEIR_RETURN_IF_ERROR(SendToEach(broker, {topic_}, settings_.partitions, settings_));
    return Send(broker, std::max<int64_t>(settings_.records / 5, 1), nullptr);
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    Histogram latencies;
    BrokerWatch watch(broker);
    WEIR_RETURN_IF_ERROR(Send(broker, settings_.records, &latencies));
    watch.Stop();
    const double seconds = absl::ToDoubleSeconds(watch.elapsed());
    const auto records = static_cast<double>(settings_.records);
    Measures measures = {{"records_per_second", records / seconds, "records/s"},
                         {"value_bytes_per_second",
                          records * static_cast<double>(settings_.size) / seconds, "bytes/s"}};
    AppendLatencies(latencies, &measures);
    watch.AppendTo(&measures);
    return measures;
  }

 private:
  // Each thread with a producer of its own.
  absl::Status Send(BenchBroker& broker, int64_t records, Histogram* latencies) const {
    std::vector<Histogram> own(static_cast<size_t>(settings_.threads));
    const absl::Status sent = RunThreads(settings_.threads, [&](int thread) {
      const Client client = broker.NewClient();
      Producer producer(client, ProducerOptionsOf(settings_));
      const SendPlan plan = {
          .topic = topic_,
          .records = records / settings_.threads + (thread < records % settings_.threads ? 1 : 0),
          .size = settings_.size,
          .rate = settings_.rate / settings_.threads,
          .sampled = latencies == nullptr ? 0 : kSampled};
      return SendRecords(producer, plan, &own[static_cast<size_t>(thread)]);
    });
    for (const Histogram& histogram : own) {
      if (latencies != nullptr) latencies->Merge(histogram);
    }
    return sent;
  }

  BenchSettings settings_;
  std::string topic_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeProduceCase(const BenchSettings& settings) {
  return std::make_unique<ProduceCase>(settings);
}

}  // namespace weir
