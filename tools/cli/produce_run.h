// ProduceRun: one run of `weir produce`: lines of an input become records of a topic until the
// input ends, a person stops it, or an error comes that every further record would meet. Knows at
// its end exactly how many records were acknowledged. Run by one thread; outcomes, progress and
// signals come on others.
#ifndef WEIR_TOOLS_CLI_PRODUCE_RUN_H_
#define WEIR_TOOLS_CLI_PRODUCE_RUN_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "storage/base/executor.h"
#include "storage/record/record_view.h"
#include "tools/cli/line_reader.h"
#include "tools/cli/progress.h"
#include "tools/cli/stop_signal.h"
#include "weir/client.h"
#include "weir/producer.h"

namespace weir {

struct ProduceOptions {
  std::string topic;
  int input = 0;              // a file descriptor
  std::string key_separator;  // empty: no keys
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<PartitionIndex> partition;
  // No share group hands a record out before so long after it was read; absent: at once.
  std::optional<absl::Duration> delay;
  int64_t rate = 0;  // records per second at most; 0: as fast as it goes
  absl::Duration stop_timeout = absl::Seconds(10);  // after Ctrl-C, for what was sent
  ProgressMode progress = ProgressMode::kAuto;
  absl::Duration progress_interval = absl::Milliseconds(500);
  ProducerOptions producer = {.delivery_timeout = absl::InfiniteDuration()};
};

class ProduceRun {
 public:
  // After StopSignal::Block(). `options` outlives the run.
  ProduceRun(const ProduceOptions& options, const Client& client);

  // Sends everything, tells on stderr how it went, and gives the exit status.
  int Run();

 private:
  enum class End { kInput, kStopped, kError };

  void OnSignal(int number);
  End SendAll(LineReader* lines);
  std::optional<int64_t> DeliverAtMs() const;
  // False: the run is over.
  bool Send(absl::string_view line);
  // `line`: of the input, counted from 1.
  void OnOutcome(int64_t line, const absl::StatusOr<RecordPosition>& outcome);
  // Tells the first few errors one by one; an error that is not the record's own ends the run.
  void NoteError(int64_t line, const absl::Status& error);
  bool WaitForTurn();
  Progress::Text ProgressText();
  // What a person should know of a run that has come no further for `stalled`; told once for each
  // reason.
  std::string StallNotice(absl::Duration stalled);
  int Report(End end) ABSL_LOCKS_EXCLUDED(mu_);

  const ProduceOptions& options_;
  std::vector<HeaderView> headers_;

  int64_t lines_ = 0;    // taken from the input
  int64_t refused_ = 0;  // of those, not taken by the producer
  int64_t keyless_ = 0;
  std::atomic<bool> doomed_ = false;  // every further record would fail

  absl::Mutex mu_;
  int errors_shown_ ABSL_GUARDED_BY(mu_) = 0;
  std::string hint_told_ ABSL_GUARDED_BY(mu_);  // the last one

  // By partition. The library's callbacks come one at a time; read only after the last.
  std::vector<int64_t> acknowledged_;

  // The progress thread's.
  int64_t seen_acknowledged_ = 0;
  absl::Duration moved_at_;
  std::string told_stall_;  // since then

  const absl::Duration start_;
  Producer producer_;
  absl::Notification closed_;  // after a stop
  ThreadExecutor closer_;      // closes the producer while Run may wait in it
  StopSignal stop_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_PRODUCE_RUN_H_
