// LogStarts: log starts that are to move forward, and moves them, many in one round of the journal:
// a flush for each would hold every produce up while thousands of partitions expire. Between two
// such rounds produces get their turn. It does not decide which records go. Add: any thread; the
// rest is the committer's thread's.
#ifndef WEIR_STORAGE_LOG_LOG_STARTS_H_
#define WEIR_STORAGE_LOG_LOG_STARTS_H_

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/executor.h"
#include "storage/base/types.h"
#include "storage/log/committer.h"
#include "storage/log/log_writer.h"
#include "storage/log/partition_log.h"

namespace weir {

class LogStarts {
 public:
  // Called on the completion executor: the new log start; OFFSET_OUT_OF_RANGE, PARTITION_DAMAGED,
  // UNKNOWN_TOPIC, DISK_LOW (an atomic append that waits for space), TOO_MANY_REQUESTS, or what the
  // journal says (COMMIT_UNCERTAIN: it may have moved).
  using Done = absl::AnyInvocable<void(absl::StatusOr<Offset>)>;
  // Gets the segments that are gone.
  using Remove = std::function<void(std::vector<std::shared_ptr<Segment>>)>;

  // `committer` and `completions` outlive this.
  LogStarts(Committer* committer, Executor* completions, Remove remove);

  // Moves the log start to `start`, unless it is there already.
  void Add(std::shared_ptr<PartitionLog> log, Offset start, Done done) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Request {
    std::shared_ptr<PartitionLog> log;
    Offset start;
    Done done;
  };
  struct Move {
    Request request;
    LogWriter::LogStart plan;
  };

  void Queue();
  // One round. False: no room in the journal; nothing has moved.
  bool MoveSome() ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<Request> Take() ABSL_LOCKS_EXCLUDED(mu_);
  void Answer(Request request, absl::StatusOr<Offset> result);

  Committer* const committer_;
  Executor* const completions_;
  const Remove remove_;

  absl::Mutex mu_;
  std::deque<Request> waiting_ ABSL_GUARDED_BY(mu_);
  bool queued_ ABSL_GUARDED_BY(mu_) = false;  // the committer will call MoveSome
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_LOG_STARTS_H_
