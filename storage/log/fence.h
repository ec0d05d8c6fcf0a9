// Fence: closes a data directory for writing after a disk error, for good. A flush that failed is
// never tried again: the kernel may have marked the lost pages clean, and the second try would
// succeed without them. Any thread.
#ifndef WEIR_STORAGE_LOG_FENCE_H_
#define WEIR_STORAGE_LOG_FENCE_H_

#include <atomic>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace weir {

class Fence {
 public:
  // `on_trip` is called once, by the thread that trips it first, with the LOG_DIR_FENCED status.
  explicit Fence(absl::AnyInvocable<void(const absl::Status&)> on_trip)
      : on_trip_(std::move(on_trip)) {}

  // `cause` is the failed operation's error. Only the first call counts.
  void Trip(const absl::Status& cause) ABSL_LOCKS_EXCLUDED(mu_);

  bool tripped() const { return tripped_.load(std::memory_order_acquire); }
  // OK, or LOG_DIR_FENCED with the cause.
  absl::Status status() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  std::atomic<bool> tripped_{false};
  mutable absl::Mutex mu_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  absl::AnyInvocable<void(const absl::Status&)> on_trip_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_FENCE_H_
