// ReadPartition: one read of one partition, for who fetches and who follows. Any thread.
#ifndef WEIR_BROKER_PARTITION_PARTITION_READ_H_
#define WEIR_BROKER_PARTITION_PARTITION_READ_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/limits/admission.h"
#include "broker/partition/partition.h"
#include "storage/base/types.h"
#include "storage/log/partition_log.h"

namespace weir {

// Batches and the memory they are accounted to.
struct PartitionRead {
  LogRead read;
  Reservation memory;
};

// Reads on from `from` as PartitionLog::Read does, into memory that was reserved (as much as
// `max_bytes`). Takes the reservation and keeps of it what the batches need; after an error, and
// when the next batch needs more (read.needed), it is still the caller's. UNKNOWN_TOPIC when the
// topic was deleted; a Status for which NeedsDisk() holds when `mode` is kCachedOnly.
struct ReadSize {
  int64_t max_bytes = 0;
  int64_t keep_bytes = 0;  // of the reservation, whatever the batches need
};
absl::StatusOr<PartitionRead> ReadPartition(Partition& partition, Offset from, ReadSize size,
                                            ReadMode mode, ReadCursor* cursor, Reservation* memory);

// The same read with kMayBlock, on another thread, will tell.
bool NeedsDisk(const absl::Status& status);

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_PARTITION_READ_H_
