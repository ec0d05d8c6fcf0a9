// Work: jobs of a share group done by one Worker, each accepted durably: of a topic that was filled
// beforehand, while it is being filled, or at a steady rate, with the time from when each was due
// to be sent until the handler has it.
#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/load.h"
#include "tools/bench/work_load.h"
#include "weir/producer.h"
#include "weir/worker.h"

namespace weir {
namespace {

constexpr int64_t kRecords = 4'000'000;
constexpr int64_t kSeconds = 10;  // at a steady rate
constexpr int32_t kPartitions = 8;
constexpr int64_t kKeys = 10'000;

class WorkCase : public BenchCase {
 public:
  explicit WorkCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.partitions == 0) settings_.partitions = kPartitions;
    if (settings_.records == 0)
      settings_.records = settings_.rate > 0 ? settings_.rate * kSeconds : kRecords;
    if (settings_.by_key && settings_.keys == 0) settings_.keys = kKeys;
    settings_.live = settings_.live || settings_.rate > 0;
    if (settings_.rate > 0)  // the moment is in the value
      settings_.size = std::max<int64_t>(settings_.size, sizeof(int64_t));
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"records", absl::StrCat(settings_.records, settings_.live ? ", produced meanwhile"
                                                                       : ", loaded beforehand")},
            {"rate", settings_.rate == 0 ? "as fast as it goes"
                                         : absl::StrCat(settings_.rate, " records/s, one by one")},
            {"value_bytes", absl::StrCat(settings_.size)},
            {"keys", settings_.keys == 0 ? "none" : absl::StrCat(settings_.keys)},
            {"order", settings_.by_key ? "key" : "none"},
            {"partitions", absl::StrCat(settings_.partitions)},
            {"client", settings_.threads == 0
                           ? "Worker, handler inline, every job decoded and accepted durably"
                           : absl::StrCat("Worker, handler on ", settings_.threads,
                                          " threads, every job decoded and accepted durably")}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    if (settings_.live) return Pass(broker, std::max<int64_t>(settings_.records / 10, 1)).status();
    WEIR_ASSIGN_OR_RETURN(topic_, broker.CreateTopic(settings_.partitions));
    WEIR_RETURN_IF_ERROR(Send(broker, topic_, settings_.records));
    return Drain(broker, topic_, settings_.records).status();  // once, so that all is in memory
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    return settings_.live ? Pass(broker, settings_.records)
                          : Drain(broker, topic_, settings_.records);
  }

 private:
  // Does `records` jobs of the topic with a new group and stops.
  absl::StatusOr<Measures> Drain(BenchBroker& broker, const std::string& topic,
                                 int64_t records) const {
    WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WorkGroup> group,
                          WorkGroup::Create(broker, topic, GroupConfig()));
    Histogram latencies;
    BrokerWatch watch(broker);
    WEIR_RETURN_IF_ERROR(Work(broker, group->name(), records, &latencies));
    return MeasuresOf(&watch, records, latencies);
  }

  // Produces and works at once, in a topic of its own.
  absl::StatusOr<Measures> Pass(BenchBroker& broker, int64_t records) const {
    WEIR_ASSIGN_OR_RETURN(const std::string topic, broker.CreateTopic(settings_.partitions));
    Histogram latencies;
    Measures measures;
    {
      WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WorkGroup> group,
                            WorkGroup::Create(broker, topic, GroupConfig()));
      BrokerWatch watch(broker);
      WEIR_RETURN_IF_ERROR(RunThreads(2, [&](int thread) {
        return thread == 0 ? Send(broker, topic, records)
                           : Work(broker, group->name(), records, &latencies);
      }));
      measures = MeasuresOf(&watch, records, latencies);
    }
    WEIR_RETURN_IF_ERROR(broker.DeleteTopic(topic));
    return measures;
  }

  static Measures MeasuresOf(BrokerWatch* watch, int64_t records, const Histogram& latencies) {
    watch->Stop();
    Measures measures = {{"jobs_per_second",
                          static_cast<double>(records) / absl::ToDoubleSeconds(watch->elapsed()),
                          "jobs/s"}};
    AppendLatencies(latencies, &measures);
    watch->AppendTo(&measures);
    return measures;
  }

  absl::Status Send(BenchBroker& broker, const std::string& topic, int64_t records) const {
    const Client client = broker.NewClient();
    Producer producer(client, ProducerOptionsOf(settings_));
    Values values(settings_.size);
    Pacer pacer(settings_.rate);
    std::string timed(static_cast<size_t>(settings_.size), 'v');
    std::string key;
    for (int64_t i = 0; i < records; ++i) {
      ProducerRecord record{.topic = topic};
      if (settings_.rate > 0) {
        StoreLittle<int64_t>(timed.data(), absl::ToInt64Nanoseconds(pacer.WaitForNext()));
        record.value = absl::string_view(timed);
      } else {
        record.value = values.Next();
      }
      if (settings_.keys > 0) {
        key = absl::StrCat("key-", i % settings_.keys);
        record.key = absl::string_view(key);
      }
      WEIR_RETURN_IF_ERROR(producer.Send(record));
    }
    return producer.Flush();
  }

  absl::Status Work(BenchBroker& broker, const std::string& group, int64_t records,
                    Histogram* latencies) const {
    std::atomic<int64_t> bytes = 0;
    absl::Mutex mu;  // of latencies
    const WorkPlan plan{.group = group, .jobs = records, .threads = settings_.threads};
    const auto counters = DoJobs(broker, plan, [&](const Job& job) {
      if (settings_.rate > 0) {
        const absl::Duration due = absl::Nanoseconds(LoadLittle<int64_t>(job.record.value->data()));
        absl::MutexLock lock(&mu);
        latencies->Add(Clock::Real().Monotonic() - due);
      }
      bytes.fetch_add(static_cast<int64_t>(job.record.value->size()), std::memory_order_relaxed);
      return JobResult::Accept();
    });
    if (counters.ok() && bytes != records * settings_.size) {
      return absl::InternalError(absl::StrCat(records, " jobs had ", bytes.load(), " bytes, not ",
                                              settings_.size, " each"));
    }
    return counters.status();
  }

  std::map<std::string, std::string> GroupConfig() const {
    if (settings_.by_key) return {{"order", "key"}};
    return {};
  }

  BenchSettings settings_;
  std::string topic_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeWorkCase(const BenchSettings& settings) {
  return std::make_unique<WorkCase>(settings);
}

}  // namespace weir
