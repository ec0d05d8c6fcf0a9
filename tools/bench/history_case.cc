// History: whether throughput falls with what is in the log already: Produce on an empty broker,
// then with so much data loaded.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/load.h"

namespace weir {
namespace {

constexpr int64_t kBytes = 10 * limits::kGiB;
constexpr int kEmptyRuns = 3;
constexpr int32_t kHistoryPartitions = 12;

class HistoryCase : public BenchCase {
 public:
  explicit HistoryCase(const BenchSettings& settings)
      : settings_(settings), produce_(MakeProduceCase(settings)) {
    if (settings_.bytes == 0) settings_.bytes = kBytes;
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    auto configuration = produce_->Configuration();
    configuration.push_back({"history", absl::StrCat(settings_.bytes, " bytes in another topic")});
    configuration.push_back({"empty", absl::StrCat("the median of ", kEmptyRuns,
                                                   " runs before the history was loaded")});
    return configuration;
  }

  absl::Status Prepare(BenchBroker& broker) override {
    WEIR_RETURN_IF_ERROR(produce_->Prepare(broker));
    std::vector<double> rates;
    for (int i = 0; i < kEmptyRuns; ++i) {
      WEIR_ASSIGN_OR_RETURN(const Measures measures, produce_->Run(broker));
      rates.push_back(measures.front().value);
    }
    std::sort(rates.begin(), rates.end());
    empty_rate_ = rates[kEmptyRuns / 2];
    WEIR_ASSIGN_OR_RETURN(const std::string topic, broker.CreateTopic(kHistoryPartitions));
    return Load(broker, {.topic = topic, .bytes = settings_.bytes, .size = settings_.size});
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    WEIR_ASSIGN_OR_RETURN(Measures measures, produce_->Run(broker));
    const double rate = measures.front().value;
    measures.insert(measures.begin() + 1, {{"empty_records_per_second", empty_rate_, "records/s"},
                                           {"with_history_to_empty", rate / empty_rate_, "ratio"}});
    return measures;
  }

 private:
  BenchSettings settings_;
  const std::unique_ptr<BenchCase> produce_;
  double empty_rate_ = 0;
};

}  // namespace

std::unique_ptr<BenchCase> MakeHistoryCase(const BenchSettings& settings) {
  return std::make_unique<HistoryCase>(settings);
}

}  // namespace weir
