// What the cases have in common: records to send, a rate to keep, data to read back.
#ifndef WEIR_TOOLS_BENCH_LOAD_H_
#define WEIR_TOOLS_BENCH_LOAD_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/bench/bench_case.h"
#include "tools/bench/histogram.h"
#include "weir/producer.h"

namespace weir {

// Values of one size with different, hardly compressible bytes. Not thread-safe.
class Values {
 public:
  explicit Values(int64_t size);
  // Borrowed until the next call.
  absl::string_view Next();

 private:
  const size_t size_;
  std::string bytes_;
  size_t at_ = 0;
};

// Holds a loop to a rate. Not thread-safe.
class Pacer {
 public:
  // From now on; 0: never waits.
  explicit Pacer(int64_t per_second);
  // Waits until the next one is due and gives the moment at which it was, on the monotonic clock.
  absl::Duration WaitForNext();

 private:
  const int64_t per_second_;
  const absl::Duration start_;
  int64_t count_ = 0;
};

ProducerOptions ProducerOptionsOf(const BenchSettings& settings);

// Sends `records` keyless values to `topic` with `producer` and waits for all acknowledgements.
// Every `sampled`-th record's time from Send to its outcome goes to `*latencies`; 0: none.
struct SendPlan {
  std::string topic;
  int64_t records = 0;
  int64_t size = 0;
  int64_t rate = 0;
  int64_t sampled = 0;
};
absl::Status SendRecords(Producer& producer, const SendPlan& plan, Histogram* latencies);

// Sends one record to each of the `partitions` partitions of each topic, and waits for all
// acknowledgements.
absl::Status SendToEach(BenchBroker& broker, const std::vector<std::string>& topics,
                        int32_t partitions, const BenchSettings& settings);

// Loads `bytes` bytes of records into the topic as fast as it goes.
struct LoadPlan {
  std::string topic;
  int64_t bytes = 0;
  int64_t size = 0;  // of each record's value
  ProducerOptions producer;
};
absl::Status Load(BenchBroker& broker, const LoadPlan& plan);

// Runs `work`(0), ... `work`(threads - 1) at the same time and gives the first error.
absl::Status RunThreads(int threads, const std::function<absl::Status(int)>& work);

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_LOAD_H_
