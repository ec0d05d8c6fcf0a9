#include "broker/partition/partition_read.h"

#include <algorithm>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {

absl::StatusOr<PartitionRead> ReadPartition(Partition& partition, Offset from, int64_t max_bytes,
                                            ReadMode mode, ReadCursor* cursor,
                                            Reservation* memory) {
  if (partition.deleted()) return MakeError(Reason::kUnknownTopic, "the topic has been deleted");
  std::shared_ptr<PartitionLog> log = partition.log();
  if (log == nullptr) {
    if (mode == ReadMode::kCachedOnly) return absl::UnavailableError("the log is not open");
    WEIR_ASSIGN_OR_RETURN(log, partition.OpenLog());
  }
  PartitionRead result;
  WEIR_ASSIGN_OR_RETURN(result.read, log->Read(from, max_bytes, mode, cursor));
  result.memory = std::move(*memory);
  // A single batch may be larger than what was reserved; there is at most one such for each reader.
  result.memory.Shrink(
      std::min(static_cast<int64_t>(result.read.batches.size), result.memory.bytes()));
  return result;
}

bool NeedsDisk(const absl::Status& status) {
  return absl::IsUnavailable(status) && !ReasonOf(status).has_value();
}

}  // namespace weir
