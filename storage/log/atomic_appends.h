// AtomicAppends: the side of atomic appends that readers see. It shows one in all of its partitions
// at one moment, and holds it back as long as a part of it is in no segment. What it means that
// they are durable as one is the journal's business. The committer's thread only.
#ifndef WEIR_STORAGE_LOG_ATOMIC_APPENDS_H_
#define WEIR_STORAGE_LOG_ATOMIC_APPENDS_H_

#include <functional>
#include <memory>
#include <vector>

#include "storage/base/types.h"
#include "storage/log/log_writer.h"
#include "storage/log/partition_log.h"
#include "storage/log/segment.h"

namespace weir {

// One that is durable and not shown yet.
struct AtomicAppend {
  struct LogStart {
    std::shared_ptr<PartitionLog> log;
    LogWriter::LogStart to;
  };
  std::vector<std::shared_ptr<PartitionLog>> logs;  // of all its parts
  std::vector<LogStart> log_starts;                 // in order
};

class AtomicAppends {
 public:
  using Logs = std::vector<std::shared_ptr<PartitionLog>>;
  // Gets the segments that are gone.
  using Remove = std::function<void(std::vector<std::shared_ptr<Segment>>)>;

  explicit AtomicAppends(Remove remove) : remove_(std::move(remove)) {}

  // The appends of one round, whose batches were written to their segments unless there was no
  // space. Shows them; but not one with a partition that is stalled, nor one that shares a
  // partition with such a one: their partitions are held. Returns those.
  Logs ShowOrHold(std::vector<AtomicAppend> appends);

  // Shows what was held and is in its segments now. Returns the partitions.
  Logs ShowWhole();

  // The topic's partitions are waited for no longer.
  void Forget(const TopicId& topic);

 private:
  void Show(const AtomicAppend& append);

  const Remove remove_;
  // Two of them share no partition: one that is held takes nothing.
  std::vector<AtomicAppend> held_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_ATOMIC_APPENDS_H_
