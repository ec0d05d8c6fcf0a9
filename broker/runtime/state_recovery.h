// StateRecovery: finds the state store at a start, whatever became of it: the store itself, else
// the newest good snapshot, else an empty one when the internal logs still hold everything. What
// the store lacks the shards replay from the log. It never starts with less than log and store
// together had: when that cannot be, it refuses and says what to restore. One call at a time for a
// directory.
#ifndef WEIR_BROKER_RUNTIME_STATE_RECOVERY_H_
#define WEIR_BROKER_RUNTIME_STATE_RECOVERY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "broker/runtime/state_files.h"
#include "storage/log/partition_log.h"
#include "storage/meta/state_store.h"

namespace weir {

// What a start found; for the operator. A line for each thing that was out of order and what was
// done about it.
using StateNotes = std::vector<std::string>;

// `logs`: every internal partition. A damaged store is put aside and kept. DATA_LOSS: store or
// snapshot know more than a log holds, or nothing that is left reaches back to where a log begins;
// the message names it, and what to restore; no state was removed. Other errors are the disk's, and
// say nothing about the state.
absl::StatusOr<std::unique_ptr<StateStore>> RecoverState(
    StateFiles& files, absl::Span<const std::shared_ptr<PartitionLog>> logs, StateNotes* notes);

// How far `store` has applied each of the logs, in their order.
absl::StatusOr<std::vector<Offset>> AppliedOffsets(
    const StateStore& store, absl::Span<const std::shared_ptr<PartitionLog>> logs);

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_STATE_RECOVERY_H_
