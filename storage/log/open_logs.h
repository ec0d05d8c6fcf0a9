// OpenLogs: the partition logs of one data directory. Each is opened on first use, from what
// recovery found out about it, and is the only one of its partition. It appends nothing and removes
// no file. Any thread; guarded by mu_, which is not held while a log is opened: several can be, and
// whoever only looks waits for none.
#ifndef WEIR_STORAGE_LOG_OPEN_LOGS_H_
#define WEIR_STORAGE_LOG_OPEN_LOGS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/log/damaged_partitions.h"
#include "storage/log/partition_log.h"
#include "storage/log/recovery.h"
#include "storage/log/segment.h"

namespace weir {

class OpenLogs {
 public:
  // The partitions are taken out of `recovered`. `file_system` and `listener` outlive this.
  OpenLogs(FileSystem* file_system, LogListener* listener, std::string data_directory,
           size_t open_files, RecoveredLog* recovered);

  // The partition's log; an empty one when nothing was ever appended. UNKNOWN_TOPIC after
  // Forget(), or the file system's error.
  absl::StatusOr<std::shared_ptr<PartitionLog>> Get(const TopicPartition& id,
                                                    const LogConfig& config)
      ABSL_LOCKS_EXCLUDED(mu_);

  // See LogManager::Bounds.
  absl::StatusOr<LogBounds> Bounds(const TopicPartition& id) ABSL_LOCKS_EXCLUDED(mu_);
  // Null while it is not open.
  std::shared_ptr<PartitionLog> Find(const TopicPartition& id) ABSL_LOCKS_EXCLUDED(mu_);

  // The topic is deleted: no log of it is opened from now on. Waits for those that are being
  // opened, and returns those that are open.
  std::vector<std::shared_ptr<PartitionLog>> Forget(const TopicId& topic) ABSL_LOCKS_EXCLUDED(mu_);
  const DamagedPartitions& damaged() const { return damaged_; }
  // Nobody asks for the topic any more.
  void ForgetDeletion(const TopicId& topic) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The first time; later ones, and those who come meanwhile, get the same.
  absl::StatusOr<std::shared_ptr<PartitionLog>> Open(const TopicPartition& id)
      ABSL_LOCKS_EXCLUDED(mu_);

  const std::string data_directory_;
  SegmentFiles files_;
  const PartitionLog::Leftovers leftovers_;
  DamagedPartitions damaged_;

  absl::Mutex mu_;
  absl::flat_hash_map<TopicPartition, std::shared_ptr<PartitionLog>> logs_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<TopicPartition> opening_ ABSL_GUARDED_BY(mu_);
  // Of partitions that were not opened since the start.
  RecoveryPoint::States states_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<TopicId> deleted_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_OPEN_LOGS_H_
