// Create: how long many partitions take to be created, to get their first record each, and to be
// deleted.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/broker_watch.h"
#include "tools/bench/load.h"

namespace weir {
namespace {

constexpr int32_t kPartitions = 10'000;

absl::Duration Now() { return Clock::Real().Monotonic(); }

class CreateCase : public BenchCase {
 public:
  explicit CreateCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.partitions == 0) settings_.partitions = kPartitions;
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"partitions", absl::StrCat(settings_.partitions)},
            {"topics", absl::StrCat(settings_.topics)},
            {"create_seconds", "one CreateTopic call after another"},
            {"first_records_seconds", "one record into each partition, acknowledged"}};
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    const int32_t each = std::max(settings_.partitions / settings_.topics, 1);
    std::vector<std::string> topics;
    BrokerWatch watch(broker);
    const absl::Duration start = Now();
    for (int32_t i = 0; i < settings_.topics; ++i) {
      WEIR_ASSIGN_OR_RETURN(std::string topic, broker.CreateTopic(each));
      topics.push_back(std::move(topic));
    }
    const absl::Duration created = Now();
    WEIR_RETURN_IF_ERROR(SendToEach(broker, topics, each, settings_));
    const absl::Duration written = Now();
    for (const std::string& topic : topics) WEIR_RETURN_IF_ERROR(broker.DeleteTopic(topic));
    const absl::Duration deleted = Now();
    watch.Stop();
    Measures measures = {{"create_seconds", absl::ToDoubleSeconds(created - start), "s"},
                         {"first_records_seconds", absl::ToDoubleSeconds(written - created), "s"},
                         {"delete_seconds", absl::ToDoubleSeconds(deleted - written), "s"}};
    watch.AppendTo(&measures);
    return measures;
  }

 private:
  BenchSettings settings_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeCreateCase(const BenchSettings& settings) {
  return std::make_unique<CreateCase>(settings);
}

}  // namespace weir
