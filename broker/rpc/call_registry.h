// CallRegistry: the calls that are under way, so that a stopping broker can refuse new ones, end
// those that would go on for ever, and know when the last answer has gone out. Any thread; guarded
// by mu_, under which Stop() of the calls runs.
#ifndef WEIR_BROKER_RPC_CALL_REGISTRY_H_
#define WEIR_BROKER_RPC_CALL_REGISTRY_H_

#include <cstddef>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weir {

// A call that goes on until somebody ends it.
class LongCall {
 public:
  virtual ~LongCall() = default;
  // The broker stops: take nothing new, answer what was taken, end. Must not block, and not enter
  // or leave the registry.
  virtual void Stop() = 0;
};

class CallRegistry {
 public:
  // A call begins; it must Leave when gRPC is done with it, whatever this returns. SHUTTING_DOWN
  // after StopAll: it is to end at once.
  absl::Status Enter() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Enter(LongCall* call) ABSL_LOCKS_EXCLUDED(mu_);
  void Leave() ABSL_LOCKS_EXCLUDED(mu_);
  // After it returns Stop() is not running and will not.
  void Leave(LongCall* call) ABSL_LOCKS_EXCLUDED(mu_);

  // Stops the long calls, and refuses all later ones.
  void StopAll() ABSL_LOCKS_EXCLUDED(mu_);
  // False when calls are still under way after `timeout`.
  bool WaitUntilIdle(absl::Duration timeout) const ABSL_LOCKS_EXCLUDED(mu_);

  bool stopped() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t long_calls() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  size_t calls_ ABSL_GUARDED_BY(mu_) = 0;  // long ones too
  absl::flat_hash_set<LongCall*> long_calls_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

// SHUTTING_DOWN.
absl::Status ShuttingDown();

}  // namespace weir

#endif  // WEIR_BROKER_RPC_CALL_REGISTRY_H_
