// ListOffsets: where partitions begin, end, or reach a time. A pure function over logs; any thread.
#ifndef WEIR_BROKER_PARTITION_LIST_OFFSETS_H_
#define WEIR_BROKER_PARTITION_LIST_OFFSETS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "broker/partition/partition.h"
#include "storage/base/executor.h"

namespace weir {

struct OffsetQuery {
  enum class At { kEarliest, kLatest, kTime };

  std::shared_ptr<Partition> partition;
  absl::Status status;  // set: the question itself is wrong; the answer repeats it
  At at = At::kEarliest;
  int64_t timestamp_ms = 0;  // kTime: the first record at or after this
};

// Calls `done` with one answer a query, in their order: before this returns when no disk is needed,
// otherwise on `disk`, which has one query at a time and other work in between. Once `abandoned`,
// which is asked before each of those, says true, what is left is CANCELLED.
void ListOffsets(std::vector<OffsetQuery> queries, Executor* disk,
                 absl::AnyInvocable<bool() const> abandoned,
                 absl::AnyInvocable<void(std::vector<absl::StatusOr<TimestampOffset>>)> done);

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_LIST_OFFSETS_H_
