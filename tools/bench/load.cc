#include "tools/bench/load.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "storage/base/check.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"

namespace weir {
namespace {

constexpr size_t kPool = 64 * limits::kKiB;
constexpr absl::Duration kWorthWaiting = absl::Microseconds(20);

absl::Duration Now() { return Clock::Real().Monotonic(); }

}  // namespace

Values::Values(int64_t size)
    : size_(static_cast<size_t>(size)), bytes_(kPool + static_cast<size_t>(size), '\0') {
  std::minstd_rand random(12345);  // the same bytes every time
  for (char& c : bytes_) c = static_cast<char>(random() >> 8);
}

absl::string_view Values::Next() {
  at_ = (at_ + 61) % kPool;
  return absl::string_view(bytes_).substr(at_, size_);
}

Pacer::Pacer(int64_t per_second) : per_second_(per_second), start_(Now()) {}

absl::Duration Pacer::WaitForNext() {
  if (per_second_ == 0) return Now();
  const absl::Duration due = start_ + absl::Seconds(1) * count_++ / per_second_;
  if (const absl::Duration early = due - Now(); early > kWorthWaiting) {
    absl::Notification never;
    never.WaitForNotificationWithTimeout(early);
  }
  return due;
}

ProducerOptions ProducerOptionsOf(const BenchSettings& settings) {
  ProducerOptions options;
  options.durability = settings.durability;
  options.compression = settings.compression;
  options.linger = settings.linger;
  if (settings.batch_bytes) options.batch_bytes = *settings.batch_bytes;
  return options;
}

absl::Status SendRecords(Producer& producer, const SendPlan& plan, Histogram* latencies) {
  Values values(plan.size);
  Pacer pacer(plan.rate);
  const ProducerCounters before = producer.counters();
  for (int64_t i = 0; i < plan.records; ++i) {
    DeliveryCallback callback;
    if (plan.rate > 0) pacer.WaitForNext();
    if (plan.sampled > 0 && i % plan.sampled == 0) {
      callback = [latencies, sent = Now()](const absl::StatusOr<RecordPosition>& outcome) {
        if (outcome.ok()) latencies->Add(Now() - sent);
      };
    }
    WEIR_RETURN_IF_ERROR(
        producer.Send({.topic = plan.topic, .value = values.Next()}, std::move(callback)));
  }
  WEIR_RETURN_IF_ERROR(producer.Flush());
  if (producer.counters().acknowledged - before.acknowledged != plan.records) {
    return absl::InternalError("not every record was acknowledged");
  }
  return absl::OkStatus();
}

absl::Status SendToEach(BenchBroker& broker, const std::vector<std::string>& topics,
                        int32_t partitions, const BenchSettings& settings) {
  const Client client = broker.NewClient();
  Producer producer(client, ProducerOptionsOf(settings));
  Values values(settings.size);
  for (const std::string& topic : topics) {
    for (int32_t p = 0; p < partitions; ++p) {
      WEIR_RETURN_IF_ERROR(
          producer.Send({.topic = topic, .value = values.Next(), .partition = PartitionIndex(p)}));
    }
  }
  return producer.Flush();
}

absl::Status Load(BenchBroker& broker, const LoadPlan& plan) {
  const Client client = broker.NewClient();
  Producer producer(client, plan.producer);
  const int64_t records = (plan.bytes + plan.size - 1) / plan.size;
  return SendRecords(producer, {.topic = plan.topic, .records = records, .size = plan.size},
                     /*latencies=*/nullptr);
}

absl::Status RunThreads(int threads, const std::function<absl::Status(int)>& work) {
  std::vector<absl::Status> ends(static_cast<size_t>(threads));
  {
    ThreadExecutor executor("bench", threads);
    for (int i = 0; i < threads; ++i)
      executor.Post([&ends, &work, i] { ends[static_cast<size_t>(i)] = work(i); });
  }
  for (const absl::Status& end : ends) WEIR_RETURN_IF_ERROR(end);
  return absl::OkStatus();
}

}  // namespace weir
