// Checkpointer: makes the segments durable in the background, so that journal files can be used
// again. One checkpoint: take a sample between two rounds, flush the segments it names, save the
// partitions' states in the recovery point, free journal files. Rounds go on meanwhile. Threads:
// Request() and RunOnce() from any thread, one RunOnce at a time (mu_ keeps the order); its own
// thread waits for requests and for idleness.
#ifndef WEIR_STORAGE_LOG_CHECKPOINTER_H_
#define WEIR_STORAGE_LOG_CHECKPOINTER_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/file_system.h"
#include "storage/log/committer.h"
#include "storage/log/fence.h"
#include "storage/log/journal.h"
#include "storage/log/log_listener.h"
#include "storage/log/recovery_point.h"

namespace weir {

struct CheckpointerOptions {
  FileSystem* file_system = nullptr;
  Clock* clock = nullptr;
  std::string data_directory;
  Journal* journal = nullptr;
  Fence* fence = nullptr;
  Committer* committer = nullptr;
  Executor* completions = nullptr;
  LogListener* listener = nullptr;
  bool committer_has_thread = true;  // false: the sample is taken on the caller's thread
};

class Checkpointer {
 public:
  // `point` was saved by the start; checkpoints go on from it.
  Checkpointer(CheckpointerOptions options, RecoveryPoint point);
  ~Checkpointer();

  void Start();
  void Stop() ABSL_LOCKS_EXCLUDED(wake_mu_);

  // Asks for a checkpoint soon; many requests make one.
  void Request() ABSL_LOCKS_EXCLUDED(wake_mu_);

  // Runs a checkpoint now. RESOURCE_EXHAUSTED (no space to save it): nothing is lost, the next one
  // tries again. Any other error has fenced the directory. `clean`: this is the last one of an
  // orderly stop.
  absl::Status RunOnce(bool clean = false) ABSL_LOCKS_EXCLUDED(mu_);

  // The topic's partitions leave the recovery point with the next checkpoint. `forgotten` is posted
  // to the completions when no start can meet the topic any more: it is not in the recovery point,
  // and round `last`, the last that may hold some of it, is not redone.
  void Forget(const TopicId& topic, RoundNumber last, absl::AnyInvocable<void()> forgotten)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void ThreadMain() ABSL_LOCKS_EXCLUDED(wake_mu_);
  CheckpointSample TakeSample();
  absl::Status Flush(const CheckpointSample& sample);
  void TellForgotten(RoundNumber through) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const CheckpointerOptions options_;

  absl::Mutex mu_;
  RecoveryPoint point_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<TopicPartition, std::string>> unsaved_
      ABSL_GUARDED_BY(mu_);  // flushed, not in the point yet
  struct Deletion {
    RoundNumber last;
    absl::AnyInvocable<void()> forgotten;
  };
  std::vector<Deletion> deletions_ ABSL_GUARDED_BY(mu_);  // not forgotten yet

  absl::Mutex wake_mu_;
  bool requested_ ABSL_GUARDED_BY(wake_mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(wake_mu_) = false;
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_CHECKPOINTER_H_
