// CommitLoad: commits of offsets by nobody in particular, as simple consumers commit, many offsets
// a call. Each call is of one group and moves its partitions on by one record, until the last.
#ifndef WEIR_TOOLS_BENCH_COMMIT_LOAD_H_
#define WEIR_TOOLS_BENCH_COMMIT_LOAD_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tools/bench/bench_broker.h"
#include "tools/bench/histogram.h"

namespace weir {

class CommitLoad {
 public:
  struct Plan {
    int groups = 1;
    int32_t partitions = 1;  // of a topic that is made for it; each group commits all of them
    int per_call = 1'000;    // offsets of one call, at most
    int calls = 1;           // under way at once
    int64_t records = 0;  // in each partition, for offsets to point behind; 0: all commit offset 0
  };
  // Makes topic and records. The groups come into being with their first commits.
  static absl::StatusOr<std::unique_ptr<CommitLoad>> Prepare(BenchBroker& broker, Plan plan);
  ~CommitLoad();
  CommitLoad(const CommitLoad&) = delete;
  CommitLoad& operator=(const CommitLoad&) = delete;

  struct Outcome {
    int64_t commits = 0;  // durable offsets
    Histogram latencies;  // of calls
  };
  // The broker was started again: with a new connection from now on.
  void Reconnect(BenchBroker& broker);

  // Commits at least so many offsets, at most `rate` per second (0: as fast as it goes), or until
  // `*stop`, which may be null. An offset that is refused is an error.
  absl::StatusOr<Outcome> Commit(int64_t commits, int64_t rate, const std::atomic<bool>* stop);

 private:
  class Slice;  // what one call commits

  struct Stub;

  explicit CommitLoad(Plan plan);

  const Plan plan_;
  std::unique_ptr<Stub> stub_;
  std::string topic_;
  std::vector<std::unique_ptr<Slice>> slices_;  // of all groups in turn
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_COMMIT_LOAD_H_
