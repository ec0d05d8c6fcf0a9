// BenchCase: one thing that `weir bench` measures, through the real client against a real broker.
// The runner prepares it once and runs it several times; it gives the figures of each run. Run by
// one thread, which may start others.
#ifndef WEIR_TOOLS_BENCH_BENCH_CASE_H_
#define WEIR_TOOLS_BENCH_BENCH_CASE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/base/limits.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"
#include "tools/bench/bench_broker.h"
#include "tools/bench/histogram.h"

namespace weir {

// What a person may choose; a case reads what concerns it.
struct BenchSettings {
  int64_t records = 0;     // 0: the case's own default
  int64_t size = 100;      // bytes of a record's value
  int32_t partitions = 0;  // 0: the case's own default
  int32_t topics = 1;
  std::optional<Durability> durability;  // absent: as the topic says, which is durable
  Compression compression = Compression::kNone;
  std::optional<int64_t> batch_bytes;  // absent: the producer's default
  absl::Duration linger = absl::ZeroDuration();
  int64_t rate = 0;  // records per second; 0: as fast as it goes
  int threads = 0;   // 0: the case's own default
  int in_flight = 64;
  int64_t bytes = 0;  // of data loaded beforehand; 0: the case's own default
  int64_t message_bytes = 64 * limits::kKiB;
  bool raw = false;
  int groups = 0;           // consumer groups; 0: the case's own default
  int members = 0;          // of a group; 0: the case's own default
  int per_call = 1'000;     // offsets of one commit
  int64_t commit_rate = 0;  // offsets per second; 0: the case's own default
  int churn = 0;            // members that leave or join per second
  absl::Duration churn_time = absl::Seconds(20);
  int64_t offsets = 0;  // committed beforehand; 0: the case's own default
  bool live = false;    // jobs are produced while others are done
  bool by_key = false;  // jobs of one key one at a time
  int64_t blocked = 0;  // jobs behind one that fails
  int64_t keys = 0;     // different ones of the records; 0: the case's own default
};

// A figure with its unit: "records/s", "us", "bytes", ...
struct Measure {
  std::string name;
  double value = 0;
  std::string unit;
};
using Measures = std::vector<Measure>;

class BenchCase {
 public:
  virtual ~BenchCase() = default;
  // What the settings come to, defaults filled in, for whoever reads the figures.
  virtual std::vector<std::pair<std::string, std::string>> Configuration() const = 0;
  // Once, before the first run; not measured.
  virtual absl::Status Prepare(BenchBroker&) { return absl::OkStatus(); }
  virtual absl::StatusOr<Measures> Run(BenchBroker& broker) = 0;
};

std::unique_ptr<BenchCase> MakeProduceCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeSinglesCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeUnaryCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeFetchCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeEndToEndCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeCreateCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeIdleCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeRestartCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeHistoryCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeCommitCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeProduceAndCommitCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeMembersCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeOffsetsCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeWorkCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeFailingCase(const BenchSettings& settings);
std::unique_ptr<BenchCase> MakeParkedCase(const BenchSettings& settings);

// p50, p99, p99.9 and max in microseconds, named latency_...; nothing of an empty histogram.
void AppendLatencies(const Histogram& histogram, Measures* measures);

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_BENCH_CASE_H_
