// DamagedPartitions: which partitions of a data directory are damaged, and why; found by recovery,
// when a log is opened, or by a reader. Of a file in which damage shows a second link is kept,
// whatever happens to the partition later, unless nothing may be written. Any thread; guarded by
// mu_, a leaf.
#ifndef WEIR_STORAGE_LOG_DAMAGED_PARTITIONS_H_
#define WEIR_STORAGE_LOG_DAMAGED_PARTITIONS_H_

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/log/log_listener.h"

namespace weir {

class DamagedPartitions {
 public:
  using Map = absl::flat_hash_map<TopicPartition, std::string>;

  // `file_system`: null where nothing may be written; then no links are kept. `recovered`: what
  // recovery found, kept aside and reported. The others outlive this.
  DamagedPartitions(FileSystem* file_system, LogListener* listener, Map recovered);

  // What is wrong with the partition; empty when nothing is.
  std::string Find(const TopicPartition& id) const ABSL_LOCKS_EXCLUDED(mu_);

  // `what` is wrong with the partition: keeps a link of `file` (empty: there is none) and tells the
  // listener, unless it is known to be damaged. Waits for the disk.
  void Add(const TopicPartition& id, const std::string& file, absl::string_view what)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The topic is deleted.
  void Forget(const TopicId& topic) ABSL_LOCKS_EXCLUDED(mu_);

  int64_t count() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  FileSystem* const file_system_;
  LogListener* const listener_;

  mutable absl::Mutex mu_;
  Map damaged_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_DAMAGED_PARTITIONS_H_
