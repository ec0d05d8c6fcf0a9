// Commit: offsets committed through CommitOffsets, many a call, each call answered when durable.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/commit_load.h"

namespace weir {
namespace {

constexpr int64_t kCommits = 2'000'000;
constexpr int kGroups = 16;
constexpr int32_t kPartitions = 1'000;
constexpr int kCalls = 8;
constexpr int64_t kRecordsPerPartition = 1'000;

class CommitCase : public BenchCase {
 public:
  explicit CommitCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.offsets == 0) settings_.offsets = kCommits;
    if (settings_.groups == 0) settings_.groups = kGroups;
    if (settings_.partitions == 0) settings_.partitions = kPartitions;
    if (settings_.threads == 0) settings_.threads = kCalls;
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"offsets", absl::StrCat(settings_.offsets, ", at most ", settings_.per_call,
                                     " of one group a call")},
            {"groups", absl::StrCat(settings_.groups, ", each with all partitions")},
            {"partitions", absl::StrCat(settings_.partitions)},
            {"calls_in_flight", absl::StrCat(settings_.threads)},
            {"rate", settings_.commit_rate == 0 ? "as fast as it goes"
                                                : absl::StrCat(settings_.commit_rate, "/s")},
            {"client", "generated stub"}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(load_, CommitLoad::Prepare(broker, {.groups = settings_.groups,
                                                              .partitions = settings_.partitions,
                                                              .per_call = settings_.per_call,
                                                              .calls = settings_.threads,
                                                              .records = kRecordsPerPartition}));
    return load_->Commit(settings_.offsets / 10, settings_.commit_rate, /*stop=*/nullptr).status();
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    BrokerWatch watch(broker);
    WEIR_ASSIGN_OR_RETURN(
        const CommitLoad::Outcome outcome,
        load_->Commit(settings_.offsets, settings_.commit_rate, /*stop=*/nullptr));
    watch.Stop();
    Measures measures = {
        {"offsets_per_second",
         static_cast<double>(outcome.commits) / absl::ToDoubleSeconds(watch.elapsed()),
         "offsets/s"}};
    AppendLatencies(outcome.latencies, &measures);
    watch.AppendTo(&measures);
    return measures;
  }

 private:
  BenchSettings settings_;
  std::unique_ptr<CommitLoad> load_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeCommitCase(const BenchSettings& settings) {
  return std::make_unique<CommitCase>(settings);
}

}  // namespace weir
