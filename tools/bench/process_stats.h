// What the kernel says of a running process: processor time and memory. Linux' /proc. Values.
#ifndef WEIR_TOOLS_BENCH_PROCESS_STATS_H_
#define WEIR_TOOLS_BENCH_PROCESS_STATS_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weir {

struct ProcessStats {
  absl::Duration cpu;          // user and system, since it began
  int64_t resident_bytes = 0;  // now
  int64_t peak_bytes = 0;      // at most, ever

  // NOT_FOUND when there is no such process (any more).
  static absl::StatusOr<ProcessStats> Of(pid_t pid);
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_PROCESS_STATS_H_
