// When a stored record was made: how old it is that a reader has come so far and no further. Waits
// for the disk. Any thread.
#ifndef WEIR_BROKER_PARTITION_RECORD_TIME_H_
#define WEIR_BROKER_PARTITION_RECORD_TIME_H_

#include <cstdint>
#include <optional>

#include "broker/partition/partition_manager.h"
#include "storage/base/types.h"

namespace weir {

// The timestamp of the partition's first record at or behind `from`. Nothing when there is no such
// record, or it cannot be read. Opens the log if need be.
std::optional<int64_t> RecordTimeMs(PartitionManager* partitions, const TopicPtr& topic,
                                    PartitionIndex partition, Offset from);

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_RECORD_TIME_H_
