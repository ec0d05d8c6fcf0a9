// Failing: whether a job that fails on and on, or a key that such a job blocks, slows the others:
// the same jobs with it and without it, in turn.
#include <atomic>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "storage/base/check.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/load.h"
#include "tools/bench/work_load.h"
#include "weir/producer.h"
#include "weir/worker.h"

namespace weir {
namespace {

constexpr int64_t kRecords = 4'000'000;
constexpr int32_t kPartitions = 8;
constexpr int64_t kKeys = 10'000;
constexpr int kBackoffMs = 100;
constexpr absl::string_view kFailingKey = "failing";
constexpr absl::Duration kLongest = absl::Minutes(10);

class FailingCase : public BenchCase {
 public:
  explicit FailingCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.partitions == 0) settings_.partitions = kPartitions;
    if (settings_.records == 0) settings_.records = kRecords;
    if (settings_.keys == 0) settings_.keys = kKeys;
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"records", absl::StrCat(settings_.records, " in each group, loaded beforehand")},
            {"failing", absl::StrCat("one job, released by its worker every ", kBackoffMs,
                                     " ms (and 20 % of jitter)")},
            {"blocked", absl::StrCat(settings_.blocked, " jobs of its key behind it")},
            {"order", settings_.blocked > 0 ? "key" : "none"},
            {"value_bytes", absl::StrCat(settings_.size)},
            {"keys", absl::StrCat(settings_.keys)},
            {"partitions", absl::StrCat(settings_.partitions)},
            {"client", "Worker, handler inline, every job decoded and accepted durably"},
            {"ratio", "jobs per second beside the failing job to those without it"}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    return RunGroup(broker, /*failing=*/false).status();  // so that files and memory are there
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    failing_first_ = !failing_first_;
    Side sides[2];  // calm, failing
    for (int i = 0; i < 2; ++i) {
      const bool failing = (i == 0) == failing_first_;
      WEIR_ASSIGN_OR_RETURN(sides[failing ? 1 : 0], RunGroup(broker, failing));
    }
    Measures measures = {{"jobs_per_second", sides[1].jobs_per_second, "jobs/s"},
                         {"calm_jobs_per_second", sides[0].jobs_per_second, "jobs/s"},
                         {"ratio", sides[1].jobs_per_second / sides[0].jobs_per_second, ""},
                         {"failures", static_cast<double>(sides[1].failures), "attempts"}};
    measures.insert(measures.end(), sides[1].broker.begin(), sides[1].broker.end());
    return measures;
  }

 private:
  struct Side {
    double jobs_per_second = 0;
    int64_t failures = 0;  // meanwhile
    Measures broker;
  };

  // A topic and a group of its own.
  absl::StatusOr<Side> RunGroup(BenchBroker& broker, bool failing) const {
    WEIR_ASSIGN_OR_RETURN(const std::string topic, broker.CreateTopic(settings_.partitions));
    Side side;
    {
      std::map<std::string, std::string> config = {
          {"retry.backoff.initial.ms", absl::StrCat(kBackoffMs)},
          {"retry.backoff.max.ms", absl::StrCat(kBackoffMs)},
          {"max.delivery.attempts", "1000"}};
      if (settings_.blocked > 0) config["order"] = "key";
      WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WorkGroup> group,
                            WorkGroup::Create(broker, topic, std::move(config)));
      if (failing) WEIR_RETURN_IF_ERROR(Block(broker, topic, *group));
      WEIR_RETURN_IF_ERROR(Send(broker, topic, settings_.records, /*failing=*/false));
      BrokerWatch watch(broker);
      WEIR_ASSIGN_OR_RETURN(
          const WorkerCounters counters,
          DoJobs(broker, {.group = group->name(), .jobs = settings_.records}, Handle));
      watch.Stop();
      side.jobs_per_second =
          static_cast<double>(settings_.records) / absl::ToDoubleSeconds(watch.elapsed());
      side.failures = counters.released;
      watch.AppendTo(&side.broker);
    }
    WEIR_RETURN_IF_ERROR(broker.DeleteTopic(topic));
    return side;
  }

  // The job has failed before, and what is behind it waits.
  absl::Status Block(BenchBroker& broker, const std::string& topic, WorkGroup& group) const {
    WEIR_RETURN_IF_ERROR(Send(broker, topic, settings_.blocked + 1, /*failing=*/true));
    const Client client = broker.NewClient();
    Worker worker(client, {.group = group.name()}, Handle);
    WEIR_RETURN_IF_ERROR(group.AwaitCounts(
        [&](const WorkGroup::Counts& counts) {
          return counts.blocked == settings_.blocked && worker.counters().released > 0;
        },
        kLongest));
    return worker.Stop();
  }

  static JobResult Handle(const Job& job) {
    if (job.record.key == kFailingKey) return JobResult::Release("it fails");
    return JobResult::Accept();
  }

  absl::Status Send(BenchBroker& broker, const std::string& topic, int64_t records,
                    bool failing) const {
    const Client client = broker.NewClient();
    Producer producer(client, ProducerOptionsOf(settings_));
    Values values(settings_.size);
    std::string key(kFailingKey);
    for (int64_t i = 0; i < records; ++i) {
      if (!failing) key = absl::StrCat("key-", i % settings_.keys);
      WEIR_RETURN_IF_ERROR(producer.Send({.topic = topic, .key = key, .value = values.Next()}));
    }
    return producer.Flush();
  }

  BenchSettings settings_;
  bool failing_first_ = true;
};

}  // namespace

std::unique_ptr<BenchCase> MakeFailingCase(const BenchSettings& settings) {
  return std::make_unique<FailingCase>(settings);
}

}  // namespace weir
