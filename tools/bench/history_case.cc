// History: whether throughput falls with what is there already: Produce on a broker that holds so
// much data, or so many committed offsets, and on one that holds none, in turn, so that both meet
// the same disk.
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/commit_load.h"
#include "tools/bench/load.h"

namespace weir {
namespace {

constexpr int64_t kBytes = 10 * limits::kGiB;
constexpr int32_t kHistoryPartitions = 12;
constexpr int32_t kCommittedPartitions = 10'000;
constexpr int kCommitCalls = 4;

class HistoryCase : public BenchCase {
 public:
  explicit HistoryCase(const BenchSettings& settings)
      : settings_(settings), produce_(MakeProduceCase(settings)), twin_(MakeProduceCase(settings)) {
    if (settings_.bytes == 0 && settings_.offsets == 0) settings_.bytes = kBytes;
    groups_ =
        static_cast<int>((settings_.offsets + kCommittedPartitions - 1) / kCommittedPartitions);
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    auto configuration = produce_->Configuration();
    configuration.push_back(
        {"history", absl::StrCat(settings_.bytes, " bytes in another topic, ",
                                 int64_t{groups_} * kCommittedPartitions, " committed offsets")});
    configuration.push_back({"empty", "another broker without it, in turn with this one"});
    return configuration;
  }

  absl::Status Prepare(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(empty_, broker.SpawnTwin());
    WEIR_RETURN_IF_ERROR(twin_->Prepare(*empty_));
    WEIR_RETURN_IF_ERROR(produce_->Prepare(broker));
    if (groups_ > 0) {
      WEIR_ASSIGN_OR_RETURN(const auto load,
                            CommitLoad::Prepare(broker, {.groups = groups_,
                                                         .partitions = kCommittedPartitions,
                                                         .per_call = settings_.per_call,
                                                         .calls = kCommitCalls}));
      WEIR_RETURN_IF_ERROR(load->Commit(int64_t{groups_} * kCommittedPartitions, /*rate=*/0,
                                        /*stop=*/nullptr)
                               .status());
    }
    if (settings_.bytes == 0) return absl::OkStatus();
    WEIR_ASSIGN_OR_RETURN(const std::string topic, broker.CreateTopic(kHistoryPartitions));
    return Load(broker, {.topic = topic, .bytes = settings_.bytes, .size = settings_.size});
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(const Measures empty, twin_->Run(*empty_));
    WEIR_ASSIGN_OR_RETURN(Measures measures, produce_->Run(broker));
    const double rate = measures.front().value;
    const double empty_rate = empty.front().value;
    measures.insert(measures.begin() + 1, {{"empty_records_per_second", empty_rate, "records/s"},
                                           {"with_history_to_empty", rate / empty_rate, "ratio"}});
    return measures;
  }

 private:
  BenchSettings settings_;
  int groups_ = 0;  // with committed offsets
  const std::unique_ptr<BenchCase> produce_;
  const std::unique_ptr<BenchCase> twin_;  // the same on empty_
  BenchBroker* empty_ = nullptr;           // the broker's twin
};

}  // namespace

std::unique_ptr<BenchCase> MakeHistoryCase(const BenchSettings& settings) {
  return std::make_unique<HistoryCase>(settings);
}

}  // namespace weir
