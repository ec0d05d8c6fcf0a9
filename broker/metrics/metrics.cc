#include "broker/metrics/metrics.h"

#include <prometheus/text_serializer.h>

#include <cmath>
#include <iterator>
#include <utility>

namespace weir {
namespace {

// From `first` seconds up, each bound `factor` times the one before.
prometheus::Histogram::BucketBoundaries Bounds(double first, double factor, int count) {
  prometheus::Histogram::BucketBoundaries bounds;
  for (int i = 0; i < count; ++i) bounds.push_back(first * std::pow(factor, i));
  return bounds;
}

// 50 us to 26 s for calls, 20 us to 10 s for the disk.
const prometheus::Histogram::BucketBoundaries& CallBounds() {
  static const auto* const bounds =
      new prometheus::Histogram::BucketBoundaries(Bounds(50e-6, 2, 20));
  return *bounds;
}
const prometheus::Histogram::BucketBoundaries& DiskBounds() {
  static const auto* const bounds =
      new prometheus::Histogram::BucketBoundaries(Bounds(20e-6, 2, 20));
  return *bounds;
}

constexpr const char* kCallNames[] = {"Produce",      "ProduceStream", "Fetch",   "FetchStream",
                                      "ListOffsets",  "InitProducer",  "Admin",   "CommitOffsets",
                                      "FetchOffsets", "GroupAdmin",    "Acquire", "Acknowledge",
                                      "ShareAdmin"};
static_assert(std::size(kCallNames) == static_cast<size_t>(Call::kShareAdmin) + 1);
constexpr const char* kDurabilityNames[] = {"durable", "written"};

class CallbackGauge : public prometheus::Collectable {
 public:
  CallbackGauge(std::string name, std::string help, std::function<double()> value)
      : name_(std::move(name)), help_(std::move(help)), value_(std::move(value)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    prometheus::ClientMetric metric;
    metric.gauge.value = value_();
    return {
        {.name = name_, .help = help_, .type = prometheus::MetricType::Gauge, .metric = {metric}}};
  }

 private:
  const std::string name_;
  const std::string help_;
  const std::function<double()> value_;
};

}  // namespace

Metrics::Metrics() {
  const auto counter = [this](const char* name, const char* help) {
    return &prometheus::BuildCounter().Name(name).Help(help).Register(registry_).Add({});
  };
  const auto disk_seconds = [this](const char* name, const char* help) {
    return &prometheus::BuildHistogram().Name(name).Help(help).Register(registry_).Add(
        {}, DiskBounds());
  };

  auto& calls = prometheus::BuildHistogram()
                    .Name("weir_call_seconds")
                    .Help("Time from a request's arrival to its answer, by call")
                    .Register(registry_);
  for (size_t i = 0; i < kCalls; ++i)
    call_seconds_[i] = &calls.Add({{"call", kCallNames[i]}}, CallBounds());

  auto& errors = prometheus::BuildCounter()
                     .Name("weir_errors_total")
                     .Help("Errors told to callers, by reason")
                     .Register(registry_);
  for (const ErrorInfo& error : AllErrors())
    errors_.push_back(&errors.Add({{"reason", std::string(error.name)}}));
  other_errors_ = &errors.Add({{"reason", "OTHER"}});

  auto& batches = prometheus::BuildCounter()
                      .Name("weir_produced_batches_total")
                      .Help("Record batches acknowledged, by the durability that was met")
                      .Register(registry_);
  auto& records = prometheus::BuildCounter()
                      .Name("weir_produced_records_total")
                      .Help("Records acknowledged, by the durability that was met")
                      .Register(registry_);
  auto& bytes = prometheus::BuildCounter()
                    .Name("weir_produced_bytes_total")
                    .Help("Bytes of record batches acknowledged, by the durability that was met")
                    .Register(registry_);
  for (size_t i = 0; i < kDurabilities; ++i) {
    const prometheus::Labels labels = {{"durability", kDurabilityNames[i]}};
    produced_batches_[i] = &batches.Add(labels);
    produced_records_[i] = &records.Add(labels);
    produced_bytes_[i] = &bytes.Add(labels);
  }
  fetched_bytes_ = counter("weir_fetched_bytes_total", "Bytes of record batches read for fetches");

  round_requests_ = counter("weir_round_requests_total", "Requests in commit rounds");
  round_batches_ = counter("weir_round_batches_total", "Record batches in commit rounds");
  round_payload_bytes_ =
      counter("weir_round_payload_bytes_total", "Bytes of record batches in commit rounds");
  journal_bytes_ =
      counter("weir_journal_written_bytes_total", "Bytes written to the commit journal");
  journal_write_seconds_ =
      disk_seconds("weir_journal_write_seconds", "Time to write a commit round to the journal");
  flush_seconds_ =
      disk_seconds("weir_fsync_seconds", "Time of the journal's fdatasync, once per commit round");
  apply_seconds_ =
      disk_seconds("weir_segment_write_seconds", "Time to write a commit round to its segments");
  checkpoint_seconds_ = disk_seconds("weir_checkpoint_seconds", "Time of a checkpoint");
  checkpoint_segments_ =
      counter("weir_checkpoint_segments_total", "Segments flushed by checkpoints");
}

void Metrics::CountCall(Call call, absl::Duration took, const absl::Status& outcome) {
  call_seconds_[static_cast<size_t>(call)]->Observe(absl::ToDoubleSeconds(took));
  if (!outcome.ok()) CountError(outcome);
}

void Metrics::CountError(const absl::Status& error) {
  if (absl::IsCancelled(error)) return;  // the caller has gone: nobody is told
  if (const auto reason = ReasonOf(error)) {
    errors_[static_cast<size_t>(*reason) - 1]->Increment();
  } else {
    other_errors_->Increment();
  }
}

void Metrics::CountProduced(Durability met, int64_t records, int64_t bytes) {
  const auto i = static_cast<size_t>(met);
  produced_batches_[i]->Increment();
  produced_records_[i]->Increment(static_cast<double>(records));
  produced_bytes_[i]->Increment(static_cast<double>(bytes));
}

void Metrics::CountFetched(int64_t bytes) { fetched_bytes_->Increment(static_cast<double>(bytes)); }

void Metrics::CountRound(const Round& round) {
  round_requests_->Increment(static_cast<double>(round.requests));
  round_batches_->Increment(static_cast<double>(round.batches));
  round_payload_bytes_->Increment(static_cast<double>(round.payload_bytes));
  journal_bytes_->Increment(static_cast<double>(round.journal_bytes));
  journal_write_seconds_->Observe(absl::ToDoubleSeconds(round.journal_write));
  flush_seconds_->Observe(absl::ToDoubleSeconds(round.flush));
  apply_seconds_->Observe(absl::ToDoubleSeconds(round.apply));
}

void Metrics::CountCheckpoint(int64_t segments, absl::Duration took) {
  checkpoint_seconds_->Observe(absl::ToDoubleSeconds(took));
  checkpoint_segments_->Increment(static_cast<double>(segments));
}

void Metrics::AddGauge(std::string name, std::string help, std::function<double()> value) {
  AddCollector(std::make_unique<CallbackGauge>(std::move(name), std::move(help), std::move(value)));
}

void Metrics::AddCollector(std::unique_ptr<prometheus::Collectable> collector) {
  absl::MutexLock lock(&mu_);
  collectors_.push_back(std::move(collector));
}

void Metrics::DropCollectors() {
  absl::MutexLock lock(&mu_);
  collectors_.clear();
}

std::string Metrics::Text() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  absl::MutexLock lock(&mu_);
  for (const auto& collector : collectors_) {
    for (prometheus::MetricFamily& family : collector->Collect())
      families.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace weir
