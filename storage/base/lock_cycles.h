// Debian's abseil looks for cycles in the order of locks at every lock, those of gRPC included,
// under one global lock of its own: a third of what a small call costs. The tests look for them;
// a program that is built for use calls this first.
#ifndef WEIR_STORAGE_BASE_LOCK_CYCLES_H_
#define WEIR_STORAGE_BASE_LOCK_CYCLES_H_

#include "absl/synchronization/mutex.h"

namespace weir {

// For the whole process. Nothing in builds with assertions.
inline void DoNotLookForLockCycles() {
#ifdef NDEBUG
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
}

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_LOCK_CYCLES_H_
