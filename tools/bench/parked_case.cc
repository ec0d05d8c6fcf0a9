// Parked: many jobs that wait for their time: the memory they take, also after kill -9 and a
// restart, and how late those are handed out that are due beside them.
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/load.h"
#include "tools/bench/process_stats.h"
#include "tools/bench/work_load.h"
#include "weir/producer.h"
#include "weir/worker.h"

namespace weir {
namespace {

constexpr int64_t kRecords = 10'000'000;
constexpr int32_t kPartitions = 8;
constexpr int64_t kRate = 2'000;
constexpr int64_t kSeconds = 10;
constexpr absl::Duration kDelay = absl::Hours(24);
// From when the first of those that are due is sent until it is due.
constexpr absl::Duration kAhead = absl::Seconds(3);
constexpr absl::Duration kLongest = absl::Minutes(20);

absl::Duration Now() { return Clock::Real().Monotonic(); }

class ParkedCase : public BenchCase {
 public:
  explicit ParkedCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.partitions == 0) settings_.partitions = kPartitions;
    if (settings_.records == 0) settings_.records = kRecords;
    if (settings_.rate == 0) settings_.rate = kRate;
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"records", absl::StrCat(settings_.records, ", due in a day")},
            {"value_bytes", absl::StrCat(settings_.size)},
            {"partitions", absl::StrCat(settings_.partitions)},
            {"resident_empty", "just started, no topics"},
            {"resident_parked", "all of them seen by a group and waiting"},
            {"resident_restarted", "after kill -9 and the next start, once the group has answered"},
            {"beyond_empty", "the larger of the two, less that of the empty broker"},
            {"rate", absl::StrCat(settings_.rate, " further jobs/s due, for ", kSeconds,
                                  " s, beside the others, after the restart")},
            {"late", "from a job's time to its handler"}};
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    if (broker.process() == nullptr)
      return absl::FailedPreconditionError("this case kills the broker: it needs --spawn");
    Measures measures;
    WEIR_RETURN_IF_ERROR(StartAgain(broker));
    WEIR_ASSIGN_OR_RETURN(const double empty, Note(broker, "resident_empty", &measures));
    WEIR_ASSIGN_OR_RETURN(const std::string topic,
                          broker.CreateTopic(settings_.partitions, {{"delayed.delivery", "true"}}));
    {
      const absl::Time due = Clock::Real().Now() + kDelay;
      WEIR_RETURN_IF_ERROR(Send(broker, topic, settings_.records, due, /*rate=*/0));
      WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<WorkGroup> group,
                            WorkGroup::Create(broker, topic, {}));
      WEIR_RETURN_IF_ERROR(Park(broker, *group, &measures));
      WEIR_ASSIGN_OR_RETURN(const double parked, Note(broker, "resident_parked", &measures));
      WEIR_RETURN_IF_ERROR(StartAgain(broker));
      group->Reconnect(broker);
      WEIR_RETURN_IF_ERROR(AwaitParked(*group));
      WEIR_ASSIGN_OR_RETURN(const double restarted, Note(broker, "resident_restarted", &measures));
      measures.push_back({"beyond_empty", std::max(parked, restarted) - empty, "bytes"});
      WEIR_RETURN_IF_ERROR(DoDue(broker, topic, group->name(), &measures));
    }
    WEIR_RETURN_IF_ERROR(broker.DeleteTopic(topic));
    return measures;
  }

 private:
  static absl::Status StartAgain(BenchBroker& broker) {
    broker.process()->Kill();
    return broker.process()->StartAgain();
  }

  static absl::StatusOr<double> Note(BenchBroker& broker, std::string name, Measures* measures) {
    WEIR_ASSIGN_OR_RETURN(const ProcessStats stats, ProcessStats::Of(*broker.pid()));
    const auto bytes = static_cast<double>(stats.resident_bytes);
    measures->push_back({std::move(name), bytes, "bytes"});
    return bytes;
  }

  // With `rate`, each is due so much later than the one before; otherwise all at once.
  absl::Status Send(BenchBroker& broker, const std::string& topic, int64_t records, absl::Time due,
                    int64_t rate) const {
    const Client client = broker.NewClient();
    Producer producer(client, ProducerOptionsOf(settings_));
    Values values(settings_.size);
    for (int64_t i = 0; i < records; ++i) {
      const absl::Time at = rate == 0 ? due : due + absl::Seconds(1) * i / rate;
      WEIR_RETURN_IF_ERROR(producer.Send({.topic = topic,
                                          .value = values.Next(),
                                          .timestamp_ms = absl::ToUnixMillis(at),
                                          .deliver_at_ms = absl::ToUnixMillis(at)}));
    }
    return producer.Flush();
  }

  absl::Status AwaitParked(WorkGroup& group) const {
    return group.AwaitCounts(
        [&](const WorkGroup::Counts& counts) { return counts.delayed == settings_.records; },
        kLongest);
  }

  // A worker that asks for jobs makes the group look at them.
  absl::Status Park(BenchBroker& broker, WorkGroup& group, Measures* measures) const {
    const Client client = broker.NewClient();
    const absl::Duration start = Now();
    Worker worker(client, {.group = group.name()}, [](const Job&) { return JobResult::Accept(); });
    WEIR_RETURN_IF_ERROR(AwaitParked(group));
    measures->push_back(
        {"parked_per_second",
         static_cast<double>(settings_.records) / absl::ToDoubleSeconds(Now() - start), "jobs/s"});
    return worker.Stop();
  }

  // The moment at which a job is due is its timestamp.
  absl::Status DoDue(BenchBroker& broker, const std::string& topic, const std::string& group,
                     Measures* measures) const {
    const int64_t jobs = settings_.rate * kSeconds;
    Histogram late;
    absl::Mutex mu;  // of late
    const absl::Time due = Clock::Real().Now() + kAhead;
    WEIR_RETURN_IF_ERROR(RunThreads(2, [&](int thread) {
      if (thread == 0) return Send(broker, topic, jobs, due, settings_.rate);
      return DoJobs(broker, {.group = group, .jobs = jobs},
                    [&](const Job& job) {
                      const absl::Time at = absl::FromUnixMillis(job.record.timestamp_ms);
                      absl::MutexLock lock(&mu);
                      late.Add(Clock::Real().Now() - at);
                      return JobResult::Accept();
                    })
          .status();
    }));
    measures->push_back({"due_jobs", static_cast<double>(jobs), "jobs"});
    Measures times;
    AppendLatencies(late, &times);
    for (Measure& time : times) {
      time.name = absl::StrCat("late", time.name.substr(time.name.find('_')));
      measures->push_back(std::move(time));
    }
    return absl::OkStatus();
  }

  BenchSettings settings_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeParkedCase(const BenchSettings& settings) {
  return std::make_unique<ParkedCase>(settings);
}

}  // namespace weir
