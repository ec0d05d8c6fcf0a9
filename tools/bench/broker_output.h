// BrokerOutput: reads what a started weir-broker says, keeps it in a log file, and knows when the
// broker is ready or gone. Its thread ends when the other end of the pipe closes. Any thread.
#ifndef WEIR_TOOLS_BENCH_BROKER_OUTPUT_H_
#define WEIR_TOOLS_BENCH_BROKER_OUTPUT_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/base/executor.h"
#include "storage/base/file_system.h"

namespace weir {

struct BrokerAddresses {
  std::string grpc;  // host:port
  std::string http;  // empty: not told
};

// "weir-broker 0.1.0 ready on 127.0.0.1:9095, http 127.0.0.1:9096": the first address is gRPC's,
// the second HTTP's. Nothing when `line` is another one.
std::optional<BrokerAddresses> ParseReadyLine(absl::string_view line);

class BrokerOutput {
 public:
  // Takes the reading end of a pipe over, and writes all that comes from it behind the end of the
  // file `log_path`.
  static absl::StatusOr<std::unique_ptr<BrokerOutput>> Start(int pipe, const std::string& log_path);
  ~BrokerOutput();

  // Waits for the ready line. UNAVAILABLE, with the last lines, when the broker ended first;
  // DEADLINE_EXCEEDED.
  absl::StatusOr<BrokerAddresses> WaitUntilReady(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  BrokerOutput(int pipe, std::unique_ptr<File> log, FilePosition end)
      : pipe_(pipe), log_(std::move(log)), end_(end) {}
  void Read() ABSL_LOCKS_EXCLUDED(mu_);
  void Note(absl::string_view bytes) ABSL_LOCKS_EXCLUDED(mu_);

  const int pipe_;
  const std::unique_ptr<File> log_;
  FilePosition end_;  // of the log
  std::string line_;  // the unfinished one

  absl::Mutex mu_;
  std::optional<BrokerAddresses> ready_ ABSL_GUARDED_BY(mu_);
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  std::string last_lines_ ABSL_GUARDED_BY(mu_);

  std::unique_ptr<ThreadExecutor> thread_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_BROKER_OUTPUT_H_
