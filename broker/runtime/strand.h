// Strand: runs tasks one at a time, in the order they were posted, on an executor that others
// use too. What only ever runs on one strand needs no lock. Any thread may post; guarded by mu_.
#ifndef WEIR_BROKER_RUNTIME_STRAND_H_
#define WEIR_BROKER_RUNTIME_STRAND_H_

#include <deque>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/executor.h"

namespace weir {

class Strand : public Executor {
 public:
  // `executor` outlives the strand.
  explicit Strand(Executor* executor) : executor_(executor) {}
  // Waits until everything posted before has run. Nobody may post any more.
  ~Strand() override ABSL_LOCKS_EXCLUDED(mu_);

  void Post(absl::AnyInvocable<void()> task) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Runs some tasks and makes room for other strands before the rest.
  void Run() ABSL_LOCKS_EXCLUDED(mu_);

  Executor* const executor_;
  absl::Mutex mu_;
  std::deque<absl::AnyInvocable<void()>> tasks_ ABSL_GUARDED_BY(mu_);
  bool scheduled_ ABSL_GUARDED_BY(mu_) = false;  // Run() is queued or under way
};

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_STRAND_H_
