// What a producer hands to the log and what it gets back. Plain values.
#ifndef WEIR_STORAGE_LOG_APPEND_H_
#define WEIR_STORAGE_LOG_APPEND_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
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
};

struct AppendResult {
  Offset base_offset;
  int32_t record_count = 0;
  bool duplicate =
      false;  // an idempotent repeat: nothing was written, base_offset is that of the original
};

// One entry of a commit round: all of its batches are appended, or none. A partition appears at
// most once with the same producer id.
struct AppendRequest {
  std::vector<BatchAppend> batches;
  Durability durability = Durability::kDurable;
  // Of the broker's own state, without which no group could go on: taken also while appends are
  // refused for want of space.
  bool internal = false;
  // Asked once, on the committer's thread, before offsets are assigned: true drops the request (its
  // `done` is still called, with CANCELLED). May be empty.
  absl::AnyInvocable<bool() const> abandoned;
  // Called exactly once, on the completion executor, with one result a batch in the same order.
  // Errors: what refused the request (nothing was written), or COMMIT_UNCERTAIN (it may have been).
  absl::AnyInvocable<void(absl::StatusOr<std::vector<AppendResult>>)> done;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_APPEND_H_
