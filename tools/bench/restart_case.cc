// Restart: kill -9 of a broker with much data, and how long its next start takes until it is ready
// and until it has acknowledged the first record.
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/load.h"
#include "weir/producer.h"

namespace weir {
namespace {

constexpr int32_t kPartitions = 10'000;
constexpr int64_t kBytes = 4 * limits::kGiB;

absl::Duration Now() { return Clock::Real().Monotonic(); }

class RestartCase : public BenchCase {
 public:
  explicit RestartCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.partitions == 0) settings_.partitions = kPartitions;
    if (settings_.bytes == 0) settings_.bytes = kBytes;
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"partitions", absl::StrCat(settings_.partitions)},
            {"bytes", absl::StrCat(settings_.bytes, ", in values of ", settings_.size,
                                   " bytes, over all partitions")},
            {"killed", "with -9, right after the last acknowledgement"},
            {"ready_seconds", "from the start of the process to its ready line"},
            {"first_acknowledgement_seconds", "from the start of the process, with a new client"}};
  }

  absl::Status Prepare(BenchBroker& broker) override {
    if (broker.process() == nullptr)
      return absl::FailedPreconditionError("this case kills the broker: it needs --spawn");
    WEIR_ASSIGN_OR_RETURN(topic_, broker.CreateTopic(settings_.partitions));
    return Load(broker, {.topic = topic_, .bytes = settings_.bytes, .size = settings_.size});
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    // So that the journal holds something that must be redone.
    WEIR_RETURN_IF_ERROR(
        Load(broker, {.topic = topic_, .bytes = kNewBytes, .size = settings_.size}));
    broker.process()->Kill();
    const absl::Duration start = Now();
    WEIR_RETURN_IF_ERROR(broker.process()->StartAgain());
    const absl::Duration ready = Now();
    const Client client = broker.NewClient();
    Producer producer(client);
    WEIR_RETURN_IF_ERROR(producer.SendAndWait({.topic = topic_, .value = "first"}).status());
    const absl::Duration acknowledged = Now();
    return Measures{
        {"ready_seconds", absl::ToDoubleSeconds(ready - start), "s"},
        {"first_acknowledgement_seconds", absl::ToDoubleSeconds(acknowledged - start), "s"}};
  }

 private:
  static constexpr int64_t kNewBytes = 64 * limits::kMiB;

  BenchSettings settings_;
  std::string topic_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeRestartCase(const BenchSettings& settings) {
  return std::make_unique<RestartCase>(settings);
}

}  // namespace weir
