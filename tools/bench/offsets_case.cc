// Offsets: a broker with many committed offsets: kill -9, how long its next start takes until it is
// ready and until it has answered for one of them, and the memory that it takes.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/commit_load.h"
#include "tools/bench/process_stats.h"

namespace weir {
namespace {

constexpr int64_t kOffsets = 1'000'000;
constexpr int32_t kPartitions = 10'000;
constexpr int kCalls = 4;

absl::Duration Now() { return Clock::Real().Monotonic(); }

class OffsetsCase : public BenchCase {
 public:
  explicit OffsetsCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.offsets == 0) settings_.offsets = kOffsets;
    if (settings_.partitions == 0) settings_.partitions = kPartitions;
    groups_ = static_cast<int>(std::max<int64_t>(settings_.offsets / settings_.partitions, 1));
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"offsets", absl::StrCat(int64_t{groups_} * settings_.partitions)},
            {"groups", absl::StrCat(groups_, ", each with all partitions")},
            {"partitions", absl::StrCat(settings_.partitions, ", empty")},
            {"killed", "with -9, right after all of them were committed once more"},
            {"ready_seconds", "from the start of the process to its ready line"},
            {"first_answer_seconds", "from the start of the process to the answer to a commit"}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    if (broker.process() == nullptr)
      return absl::FailedPreconditionError("this case kills the broker: it needs --spawn");
    WEIR_ASSIGN_OR_RETURN(load_, CommitLoad::Prepare(broker, {.groups = groups_,
                                                              .partitions = settings_.partitions,
                                                              .per_call = settings_.per_call,
                                                              .calls = kCalls}));
    return absl::OkStatus();
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    const int64_t all = int64_t{groups_} * settings_.partitions;
    WEIR_RETURN_IF_ERROR(load_->Commit(all, /*rate=*/0, /*stop=*/nullptr).status());
    broker.process()->Kill();
    const absl::Duration start = Now();
    WEIR_RETURN_IF_ERROR(broker.process()->StartAgain());
    const absl::Duration ready = Now();
    load_->Reconnect(broker);
    WEIR_RETURN_IF_ERROR(load_->Commit(1, /*rate=*/0, /*stop=*/nullptr).status());
    const absl::Duration answered = Now();
    WEIR_ASSIGN_OR_RETURN(const ProcessStats stats, ProcessStats::Of(*broker.pid()));
    return Measures{{"ready_seconds", absl::ToDoubleSeconds(ready - start), "s"},
                    {"first_answer_seconds", absl::ToDoubleSeconds(answered - start), "s"},
                    {"resident", static_cast<double>(stats.resident_bytes), "bytes"}};
  }

 private:
  BenchSettings settings_;
  int groups_ = 0;
  std::unique_ptr<CommitLoad> load_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeOffsetsCase(const BenchSettings& settings) {
  return std::make_unique<OffsetsCase>(settings);
}

}  // namespace weir
