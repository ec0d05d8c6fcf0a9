// Idle: the memory of a broker of our own that does nothing, with so many partitions.
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/load.h"
#include "tools/bench/process_stats.h"
#include "weir/producer.h"

namespace weir {
namespace {

constexpr int32_t kPartitions = 1'000;

class IdleCase : public BenchCase {
 public:
  explicit IdleCase(BenchSettings settings) : settings_(std::move(settings)) {
    if (settings_.partitions == 0) settings_.partitions = kPartitions;
  }

  std::vector<std::pair<std::string, std::string>> Configuration() const override {
    return {{"partitions", absl::StrCat(settings_.partitions)},
            {"resident_empty", "just started, no topics"},
            {"resident_created", "with the partitions, nothing written"},
            {"resident_written", "after a record in each"}};
  }

  absl::StatusOr<Measures> Run(BenchBroker& broker) override {
    if (!broker.pid())
      return absl::FailedPreconditionError("this case needs a broker of its own: --spawn");
    Measures measures;
    // The first run's broker is fresh; later runs find the topics of earlier ones deleted.
    WEIR_RETURN_IF_ERROR(Note(broker, "resident_empty", &measures));
    WEIR_ASSIGN_OR_RETURN(const std::string topic, broker.CreateTopic(settings_.partitions));
    WEIR_RETURN_IF_ERROR(Note(broker, "resident_created", &measures));
    {
      const Client client = broker.NewClient();
      Producer producer(client);
      Values values(settings_.size);
      for (int32_t p = 0; p < settings_.partitions; ++p) {
        WEIR_RETURN_IF_ERROR(producer.Send(
            {.topic = topic, .value = values.Next(), .partition = PartitionIndex(p)}));
      }
      WEIR_RETURN_IF_ERROR(producer.Flush());
    }
    WEIR_RETURN_IF_ERROR(Note(broker, "resident_written", &measures));
    WEIR_RETURN_IF_ERROR(broker.DeleteTopic(topic));
    return measures;
  }

 private:
  static absl::Status Note(BenchBroker& broker, std::string name, Measures* measures) {
    WEIR_ASSIGN_OR_RETURN(const ProcessStats stats, ProcessStats::Of(*broker.pid()));
    measures->push_back({std::move(name), static_cast<double>(stats.resident_bytes), "bytes"});
    return absl::OkStatus();
  }

  BenchSettings settings_;
};

}  // namespace

std::unique_ptr<BenchCase> MakeIdleCase(const BenchSettings& settings) {
  return std::make_unique<IdleCase>(settings);
}

}  // namespace weir
