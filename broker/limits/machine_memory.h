// How much memory this process may use: the machine's, or less when a control group says so. Pure
// reads, any thread.
#ifndef WEIR_BROKER_LIMITS_MACHINE_MEMORY_H_
#define WEIR_BROKER_LIMITS_MACHINE_MEMORY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "storage/base/file_system.h"

namespace weir {

// Bytes: the smaller of the machine's memory and the limits of this process's control group and of
// those above it (versions 1 and 2). An error only when the machine's memory cannot be read.
absl::StatusOr<int64_t> AvailableMemory(FileSystem& fs);

// The memory budget of requests unless configured: a quarter of AvailableMemory in whole MiB, at
// least limits::kMemoryLimitSmallest.
absl::StatusOr<int64_t> DefaultMemoryLimit(FileSystem& fs);

}  // namespace weir

#endif  // WEIR_BROKER_LIMITS_MACHINE_MEMORY_H_
