// PartitionForKey: which partition a key belongs to, bit for bit what Kafka's default partitioner
// gives, so that clients of any language and both ends of Weir agree. Pure functions, any thread.
#ifndef WEIR_STORAGE_RECORD_KEY_PARTITIONER_H_
#define WEIR_STORAGE_RECORD_KEY_PARTITIONER_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"

namespace weir {

// MurmurHash2 by Austin Appleby, 32 bits, with the seed that Kafka uses.
uint32_t Murmur2(absl::string_view key);

// `partitions` is at least 1.
PartitionIndex PartitionForKey(absl::string_view key, int32_t partitions);

}  // namespace weir

#endif  // WEIR_STORAGE_RECORD_KEY_PARTITIONER_H_
