// PartitionManager: which partition a topic's name and a number mean, and what happens to
// partitions when their topic changes. It keeps a Partition for each that was asked for; the
// catalogue decides what exists, the log manager keeps the logs. Any thread; guarded by mu_, which
// is never held over I/O.
#ifndef WEIR_BROKER_PARTITION_PARTITION_MANAGER_H_
#define WEIR_BROKER_PARTITION_PARTITION_MANAGER_H_

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "broker/partition/partition.h"
#include "broker/runtime/waiters.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/executor.h"
#include "storage/base/types.h"
#include "storage/log/log_manager.h"

namespace weir {

// What the log has to know of a topic's configuration.
LogConfig LogConfigOf(const TopicConfig& config);

class PartitionManager {
 public:
  // A partition with its topic as it was when it was asked for.
  struct Found {
    TopicPtr topic;
    std::shared_ptr<Partition> partition;
  };

  // All outlive the manager. Listens to the catalogue: construct it before the first change. `disk`
  // opens logs.
  PartitionManager(TopicCatalog* catalog, LogManager* logs, Waiters* waiters, Executor* disk);

  // UNKNOWN_TOPIC or UNKNOWN_PARTITION. No I/O.
  absl::StatusOr<Found> Find(absl::string_view topic, PartitionIndex partition)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<Found> Find(const TopicPtr& topic, PartitionIndex partition)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Deletes the topic and its files. Waits for the disk. After an error behind the catalogue's mark
  // the files go at the next start. The mark itself goes later, when the log has forgotten the
  // topic (LogManager::DeleteTopic).
  absl::Status DeleteTopic(absl::string_view name);

  // At the start, after a recovery that has removed what was marked deleted: drops the marks. Waits
  // for the disk.
  absl::Status FinishDeletions();

 private:
  void OnTopicChange(const TopicChange& change) ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<std::shared_ptr<Partition>> PartitionsOf(const Topic& topic) const
      ABSL_LOCKS_EXCLUDED(mu_);

  TopicCatalog* const catalog_;
  LogManager* const logs_;
  Waiters* const waiters_;
  Executor* const disk_;

  mutable absl::Mutex mu_;
  absl::flat_hash_map<TopicPartition, std::shared_ptr<Partition>> partitions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_PARTITION_MANAGER_H_
