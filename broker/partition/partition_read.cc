#include "broker/partition/partition_read.h"

#include <algorithm>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {

absl::StatusOr<PartitionRead> ReadPartition(Partition& partition, Offset from, ReadSize size,
                                            ReadMode mode, ReadCursor* cursor,
                                            Reservation* memory) {
  if (partition.deleted()) return MakeError(Reason::kUnknownTopic, "the topic has been deleted");
  std::shared_ptr<PartitionLog> log = partition.log();
  if (log == nullptr) {
    if (mode == ReadMode::kCachedOnly) return absl::UnavailableError("the log is not open");
    WEIR_ASSIGN_OR_RETURN(log, partition.OpenLog());
  }
  PartitionRead result;
  const int64_t reserved = memory->bytes();
  WEIR_ASSIGN_OR_RETURN(
      result.read, log->Read(from, std::min(size.max_bytes, reserved), mode, cursor, reserved));
  if (result.read.needed > 0) return result;
  result.memory = std::move(*memory);
  // A batch as small as its header is read whatever was reserved.
  const auto bytes = static_cast<int64_t>(result.read.batches.size);
  result.memory.Shrink(std::min(reserved, std::max(bytes, size.keep_bytes)));
  return result;
}

bool NeedsDisk(const absl::Status& status) {
  return absl::IsUnavailable(status) && !ReasonOf(status).has_value();
}

}  // namespace weir
