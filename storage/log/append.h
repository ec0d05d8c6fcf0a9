// What a producer hands to the log and what it gets back. Plain values.
#ifndef WEIR_STORAGE_LOG_APPEND_H_
#define WEIR_STORAGE_LOG_APPEND_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/bytes.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"

namespace weir {

class PartitionLog;

// One validated batch (ValidateBatch) for one partition. `bytes` is the whole batch as sent; base
// offset and leader epoch are set by the committer.
struct BatchAppend {
  std::shared_ptr<PartitionLog> log;
  RecordBatchHeader header;
  SharedBytes bytes;
  // Of the broker's own state, without which no group could go on: taken also while appends are
  // refused for want of space.
  bool internal = false;
};

// A log start that moves to `start` (0 to the high watermark), unless it is there already. Whole
// segments below it are removed.
struct LogStartMove {
  std::shared_ptr<PartitionLog> log;
  Offset start;
};

struct AppendResult {
  Offset base_offset;
  int32_t record_count = 0;
  bool duplicate =
      false;  // an idempotent repeat: nothing was written, base_offset is that of the original
};

// One entry of a commit round: all of its batches are appended, or none. A partition appears at
// most once with the same producer id. Everything that can refuse any of them is checked before
// the first one gets its place, so a refused request leaves no trace.
struct AppendRequest {
  std::vector<BatchAppend> batches;
  // An atomic append: all or nothing also for whoever looks. A reader that has seen one of its
  // parts in one partition finds the others in theirs; while a full disk keeps one part out of its
  // segment, none is shown, and its partitions take nothing more; a start that finds no room shows
  // all of it or none. A partition may have several batches, which keep their order. At most
  // limits::kAtomicAppendParts batches and log starts, and limits::kAtomicAppendBytes; a refusal
  // says of which part it is (RefusedPart).
  bool atomic = false;
  // Only of an atomic append. They move when the batches are shown.
  std::vector<LogStartMove> log_starts;
  Durability durability = Durability::kDurable;
  // Asked once, on the committer's thread, before offsets are assigned: true drops the request (its
  // `done` is still called, with CANCELLED). May be empty.
  absl::AnyInvocable<bool() const> abandoned;
  // Called exactly once, on the completion executor, with one result a batch in the same order.
  // Errors: what refused the request (nothing was written), or COMMIT_UNCERTAIN (it may have been).
  absl::AnyInvocable<void(absl::StatusOr<std::vector<AppendResult>>)> done;
};

// The partition whose part refused an atomic append; nothing when it was none of them (the
// directory is fenced, the broker is stopping, the whole is too large).
std::optional<TopicPartition> RefusedPart(const absl::Status& refusal);

// `refusal`, which then says that it is of `part`.
absl::Status OfPart(const TopicPartition& part, const absl::Status& refusal);

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_APPEND_H_
