// Partition: one partition as the broker serves it: its log, opened on first use, off the threads
// that must not wait for a disk. What is in the log is the log's business, the topic's
// configuration the catalogue's. Any thread; guarded by mu_, which is never held over I/O or a
// callback.
#ifndef WEIR_BROKER_PARTITION_PARTITION_H_
#define WEIR_BROKER_PARTITION_PARTITION_H_

#include <atomic>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/runtime/waiters.h"
#include "storage/base/executor.h"
#include "storage/base/types.h"
#include "storage/log/log_manager.h"

namespace weir {

class Partition : public Watched, public std::enable_shared_from_this<Partition> {
 public:
  using OnLog = absl::AnyInvocable<void(absl::StatusOr<std::shared_ptr<PartitionLog>>)>;

  // `logs` and `disk` outlive the partition. `config` is what the log is opened with.
  Partition(TopicPartition id, LogManager* logs, Executor* disk, const LogConfig& config);

  const TopicPartition& id() const override { return id_; }
  // 0 while the log is not open.
  Offset high_watermark() const override;

  // Null while the log is not open.
  std::shared_ptr<PartitionLog> log() const;
  // The same, opened if need be: waits for the disk.
  absl::StatusOr<std::shared_ptr<PartitionLog>> OpenLog() ABSL_LOCKS_EXCLUDED(mu_);
  // Calls `ready` with the log: at once when it is open, otherwise on the disk executor. Calls come
  // in the order of the requests.
  void WithLog(OnLog ready) ABSL_LOCKS_EXCLUDED(mu_);

  void SetConfig(const LogConfig& config) ABSL_LOCKS_EXCLUDED(mu_);

  // The topic was deleted; whoever reads or waits is to stop.
  bool deleted() const { return deleted_.load(std::memory_order_acquire); }
  void SetDeleted() { deleted_.store(true, std::memory_order_release); }

 private:
  void OpenForWaiting() ABSL_LOCKS_EXCLUDED(mu_);

  const TopicPartition id_;
  LogManager* const logs_;
  Executor* const disk_;
  std::atomic<bool> deleted_{false};
  std::atomic<bool> open_{false};  // log_ is set for good, and nobody waits in waiting_

  mutable absl::Mutex mu_;
  std::shared_ptr<PartitionLog> log_;  // written once under mu_, before open_
  std::vector<OnLog> waiting_ ABSL_GUARDED_BY(mu_);
  bool opening_ ABSL_GUARDED_BY(mu_) = false;  // a task that serves waiting_ is queued or runs
  LogConfig config_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_PARTITION_H_
