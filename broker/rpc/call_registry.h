// CallRegistry: the calls that go on until somebody ends them, so that a stopping broker can. Any
// thread; guarded by mu_, under which Stop() of the calls runs.
#ifndef WEIR_BROKER_RPC_CALL_REGISTRY_H_
#define WEIR_BROKER_RPC_CALL_REGISTRY_H_

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace weir {

class LongCall {
 public:
  virtual ~LongCall() = default;
  // The broker stops: take nothing new, answer what was taken, end. Must not block, and not add or
  // remove calls.
  virtual void Stop() = 0;
};

class CallRegistry {
 public:
  // False when the broker stops already: the call is not kept and is to end itself.
  bool Add(LongCall* call) ABSL_LOCKS_EXCLUDED(mu_);
  // After it returns Stop() is not running and will not.
  void Remove(LongCall* call) ABSL_LOCKS_EXCLUDED(mu_);
  // Stops all calls, and every later one as it comes.
  void StopAll() ABSL_LOCKS_EXCLUDED(mu_);

  // OK, or SHUTTING_DOWN after StopAll: what a new call is told.
  absl::Status Admit() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  absl::flat_hash_set<LongCall*> calls_ ABSL_GUARDED_BY(mu_);
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
};

// SHUTTING_DOWN.
absl::Status ShuttingDown();

}  // namespace weir

#endif  // WEIR_BROKER_RPC_CALL_REGISTRY_H_
