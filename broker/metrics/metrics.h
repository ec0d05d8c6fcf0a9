// Metrics: what the broker counts about itself, in Prometheus' terms. Every series that a request
// touches is made beforehand and reached by a pointer or an array index, never by a label; what can
// be asked for (sizes, budgets) is asked at scrape time. Any thread. Outlives whoever counts.
#ifndef WEIR_BROKER_METRICS_METRICS_H_
#define WEIR_BROKER_METRICS_METRICS_H_

#include <prometheus/collectable.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/base/error.h"
#include "storage/base/types.h"

namespace weir {

// The calls whose latency is told apart. A request of a ProduceStream counts from its arrival to
// its answer, a FetchStream's message from the start of its read to its hand-over.
enum class Call {
  kProduce,
  kProduceStream,
  kFetch,
  kFetchStream,
  kListOffsets,
  kInitProducer,
  kAdmin,
  kCommitOffsets,
  kFetchOffsets,
  kGroupAdmin,
  kAcquire,
  kAcknowledge,
  kShareAdmin
};

class Metrics {
 public:
  Metrics();

  // One call, or one message of a stream, ended so after so long.
  void CountCall(Call call, absl::Duration took, const absl::Status& outcome);
  // An error that was told in an answer whose call succeeded. One whose caller has gone (CANCELLED)
  // is told to nobody and not counted.
  void CountError(const absl::Status& error);

  void CountProduced(Durability met, int64_t records, int64_t bytes);
  void CountFetched(int64_t bytes);

  struct Round {
    int64_t requests = 0;
    int64_t batches = 0;
    int64_t payload_bytes = 0;
    int64_t journal_bytes = 0;
    absl::Duration journal_write;
    absl::Duration flush;
    absl::Duration apply;
  };
  void CountRound(const Round& round);
  void CountCheckpoint(int64_t segments, absl::Duration took);

  // A number that `value` gives at scrape time, on the scraping thread.
  void AddGauge(std::string name, std::string help, std::function<double()> value);
  // Families made at scrape time.
  void AddCollector(std::unique_ptr<prometheus::Collectable> collector);
  // Nothing added by the two functions above is asked any more: what they look at is about to go.
  void DropCollectors();

  // Everything, in Prometheus' text format.
  std::string Text() const;

 private:
  static constexpr size_t kCalls = static_cast<size_t>(Call::kShareAdmin) + 1;
  static constexpr size_t kDurabilities = 2;

  prometheus::Registry registry_;
  std::array<prometheus::Histogram*, kCalls> call_seconds_{};
  std::vector<prometheus::Counter*> errors_;  // by reason number
  prometheus::Counter* other_errors_ =
      nullptr;  // without a reason: cancelled calls, file system errors
  std::array<prometheus::Counter*, kDurabilities> produced_batches_{};
  std::array<prometheus::Counter*, kDurabilities> produced_records_{};
  std::array<prometheus::Counter*, kDurabilities> produced_bytes_{};
  prometheus::Counter* fetched_bytes_ = nullptr;
  prometheus::Counter* round_requests_ = nullptr;
  prometheus::Counter* round_batches_ = nullptr;
  prometheus::Counter* round_payload_bytes_ = nullptr;
  prometheus::Counter* journal_bytes_ = nullptr;
  prometheus::Histogram* journal_write_seconds_ = nullptr;
  prometheus::Histogram* flush_seconds_ = nullptr;  // its count is the number of rounds
  prometheus::Histogram* apply_seconds_ = nullptr;
  prometheus::Histogram* checkpoint_seconds_ = nullptr;
  prometheus::Counter* checkpoint_segments_ = nullptr;

  mutable absl::Mutex mu_;
  std::vector<std::unique_ptr<prometheus::Collectable>> collectors_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_BROKER_METRICS_METRICS_H_
