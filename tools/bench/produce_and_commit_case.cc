// ProduceAndCommit: whether commits slow produces down: Produce by itself, and beside commits at a
// steady rate, in turn on one broker.
#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/commit_load.h"
#include "tools/bench/load.h"

namespace weir {
namespace {

constexpr int64_t kRate = 50'000;
constexpr int kGroups = 16;
constexpr int32_t kPartitions = 1'000;
constexpr int kCalls = 2;
constexpr int64_t kRecordsPerPartition = 1'000;

class ProduceAndCommitCase : public BenchCase {
 public:
  explicit ProduceAndCommitCase(const BenchSettings& settings)
      : settings_(settings), produce_(MakeProduceCase(settings)) {
    if (settings_.commit_rate == 0) settings_.commit_rate = kRate;
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    auto configuration = produce_->Configuration();
    configuration.push_back(
        {"commits", absl::StrCat(settings_.commit_rate, " offsets/s, at most ", settings_.per_call,
                                 " of one group a call, of ", kGroups, " groups over ", kPartitions,
                                 " partitions of another topic")});
    configuration.push_back({"alone", "the same without commits, in turn with it"});
    return configuration;
  }

  absl::Status Prepare(BenchBroker& broker) override {
    WEIR_RETURN_IF_ERROR(produce_->Prepare(broker));
    WEIR_ASSIGN_OR_RETURN(load_, CommitLoad::Prepare(broker, {.groups = kGroups,
                                                              .partitions = kPartitions,
                                                              .per_call = settings_.per_call,
                                                              .calls = kCalls,
                                                              .records = kRecordsPerPartition}));
    return load_->Commit(int64_t{kGroups} * kPartitions, settings_.commit_rate, /*stop=*/nullptr)
        .status();
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(const Measures alone, produce_->Run(broker));
    std::atomic<bool> produced = false;
    Measures measures;
    CommitLoad::Outcome commits;
    absl::Duration elapsed;
    WEIR_RETURN_IF_ERROR(RunThreads(2, [&](int thread) -> absl::Status {
      const absl::Duration start = Clock::Real().Monotonic();
      if (thread == 0) {
        absl::StatusOr<Measures> measured = produce_->Run(broker);
        produced = true;
        elapsed = Clock::Real().Monotonic() - start;
        if (measured.ok()) measures = *std::move(measured);
        return measured.status();
      }
      WEIR_ASSIGN_OR_RETURN(commits, load_->Commit(std::numeric_limits<int64_t>::max(),
                                                   settings_.commit_rate, &produced));
      return absl::OkStatus();
    }));
    const double rate = measures.front().value;
    const double alone_rate = alone.front().value;
    measures.insert(
        measures.begin() + 1,
        {{"alone_records_per_second", alone_rate, "records/s"},
         {"with_commits_to_alone", rate / alone_rate, "ratio"},
         {"offsets_per_second",
          static_cast<double>(commits.commits) / absl::ToDoubleSeconds(elapsed), "offsets/s"}});
    return measures;
  }

 private:
  BenchSettings settings_;
  const std::unique_ptr<BenchCase> produce_;
  std::unique_ptr<CommitLoad> load_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeProduceAndCommitCase(const BenchSettings& settings) {
  return std::make_unique<ProduceAndCommitCase>(settings);
}

}  // namespace weir
