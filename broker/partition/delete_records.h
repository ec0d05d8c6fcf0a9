// DeleteRecords: moves the log start of several partitions forward. Any thread.
#ifndef WEIR_BROKER_PARTITION_DELETE_RECORDS_H_
#define WEIR_BROKER_PARTITION_DELETE_RECORDS_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "broker/partition/log_start_gate.h"
#include "broker/partition/partition.h"
#include "storage/base/types.h"
#include "storage/log/log_manager.h"

namespace weir {

struct DeleteRecordsTarget {
  std::shared_ptr<Partition> partition;
  absl::Status status;           // set: the target itself is wrong; the answer repeats it
  std::optional<Offset> before;  // absent: the high watermark, as it is when the log is asked
};

// Moves one log start to `to`, once whoever has to do with the log lets it go. `gate`: null when
// there is nobody. `done` by any thread, with the log start in force, or why it was not moved.
void MoveLogStart(LogStartGate* gate, LogManager* logs, std::shared_ptr<PartitionLog> log,
                  Offset to, absl::AnyInvocable<void(absl::StatusOr<Offset>)> done);

// Calls `done` once, with the log start now in force for each target in their order, or why it was
// not moved. The move is durable by then. On the calling thread when there is nothing to do,
// otherwise on an executor.
void DeleteRecords(std::vector<DeleteRecordsTarget> targets, LogStartGate* gate, LogManager* logs,
                   absl::AnyInvocable<void(std::vector<absl::StatusOr<Offset>>)> done);

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_DELETE_RECORDS_H_
