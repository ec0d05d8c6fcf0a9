// End to end: records at a steady rate, and how long each takes from the moment it was due to be
// sent until our Consumer gives it. A sender that falls behind its rate does not hide it: the
// lateness counts.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/load.h"
#include "weir/consumer.h"
#include "weir/producer.h"

namespace weir {
namespace {

constexpr int64_t kRate = 10'000;
constexpr int64_t kSeconds = 10;
constexpr absl::Duration kPatience = absl::Seconds(10);

class EndToEndCase : public BenchCase {
 public:
  explicit EndToEndCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.rate == 0) settings_.rate = kRate;
    if (settings_.records == 0) settings_.records = settings_.rate * kSeconds;
    settings_.partitions = std::max(settings_.partitions, 1);
    settings_.size =
        std::max<int64_t>(settings_.size, sizeof(int64_t));  // the moment is in the value
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"records", absl::StrCat(settings_.records)},
            {"rate", absl::StrCat(settings_.rate, " records/s, one by one")},
            {"value_bytes", absl::StrCat(settings_.size)},
            {"partitions", absl::StrCat(settings_.partitions)},
            {"durability", settings_.durability == Durability::kWritten ? "written" : "durable"},
            {"latency", "of every record, from when it was due to when Consumer gave it"}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    Histogram latencies;
    return Pass(broker, settings_.records / 10, &latencies, nullptr);
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    Histogram latencies;
    Measures spent;
    WEIR_RETURN_IF_ERROR(Pass(broker, settings_.records, &latencies, &spent));
    Measures measures;
    AppendLatencies(latencies, &measures);
    measures.insert(measures.end(), spent.begin(), spent.end());
    return measures;
  }

 private:
  absl::Status Pass(BenchBroker& broker, int64_t records, Histogram* latencies,
                    Measures* spent) const {
    WEIR_ASSIGN_OR_RETURN(const std::string topic, broker.CreateTopic(settings_.partitions));
    BrokerWatch watch(broker);
    WEIR_RETURN_IF_ERROR(RunThreads(2, [&](int thread) {
      return thread == 0 ? Send(broker, topic, records)
                         : Receive(broker, topic, records, latencies);
    }));
    watch.Stop();
    if (spent != nullptr) watch.AppendTo(spent);
    return broker.DeleteTopic(topic);
  }

  absl::Status Send(BenchBroker& broker, const std::string& topic, int64_t records) const {
    const Client client = broker.NewClient();
    Producer producer(client, ProducerOptionsOf(settings_));
    std::string value(static_cast<size_t>(settings_.size), 'v');
    // The first record opens the connection and the partition; it is not counted.
    WEIR_RETURN_IF_ERROR(SendAt(producer, topic, absl::ZeroDuration(), &value));
    WEIR_RETURN_IF_ERROR(producer.Flush());
    Pacer pacer(settings_.rate);
    for (int64_t i = 0; i < records; ++i)
      WEIR_RETURN_IF_ERROR(SendAt(producer, topic, pacer.WaitForNext(), &value));
    return producer.Flush();
  }

  static absl::Status SendAt(Producer& producer, const std::string& topic, absl::Duration due,
                             std::string* value) {
    StoreLittle<int64_t>(value->data(), absl::ToInt64Nanoseconds(due));
    return producer.Send({.topic = topic, .value = absl::string_view(*value)});
  }

  absl::Status Receive(BenchBroker& broker, const std::string& topic, int64_t records,
                       Histogram* latencies) const {
    const Client client = broker.NewClient();
    Consumer consumer(client);
    for (int32_t p = 0; p < settings_.partitions; ++p) {
      WEIR_RETURN_IF_ERROR(consumer.Assign({.topic = topic, .partition = PartitionIndex(p)}));
    }
    absl::Duration heard = Clock::Real().Monotonic();
    while (latencies->count() < records) {
      WEIR_ASSIGN_OR_RETURN(RecordSet set, consumer.Poll(absl::Seconds(1)));
      const absl::Duration now = Clock::Real().Monotonic();
      if (!set.empty()) heard = now;
      if (now - heard > kPatience) {
        return absl::DeadlineExceededError(
            absl::StrCat("only ", latencies->count(), " of ", records, " records came"));
      }
      RecordView record;
      while (set.Next(&record)) {
        const int64_t due_ns = LoadLittle<int64_t>(record.value->data());
        if (due_ns != 0) latencies->Add(now - absl::Nanoseconds(due_ns));
      }
      WEIR_RETURN_IF_ERROR(set.status());
    }
    return absl::OkStatus();
  }

  BenchSettings settings_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeEndToEndCase(const BenchSettings& settings) {
  return std::make_unique<EndToEndCase>(settings);
}

}  // namespace weir
