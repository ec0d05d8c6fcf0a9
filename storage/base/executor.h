// Executor: where work is posted that must not run on the caller's thread (completions, background
// I/O).
#ifndef WEIR_STORAGE_BASE_EXECUTOR_H_
#define WEIR_STORAGE_BASE_EXECUTOR_H_

#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"

namespace weir {

class Executor {
 public:
  virtual ~Executor() = default;
  // Queues `task`; never runs it before returning, never blocks on it. Any thread.
  virtual void Post(absl::AnyInvocable<void()> task) = 0;
};

// A fixed number of threads that take tasks in order. With one thread tasks never overlap.
// The destructor runs what was posted before, then joins. Guarded by mu_.
class ThreadExecutor : public Executor {
 public:
  // `name` (at most 15 characters) shows in top and perf.
  ThreadExecutor(std::string name, int threads);
  ~ThreadExecutor() override;
  void Post(absl::AnyInvocable<void()> task) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run(const std::string& name) ABSL_LOCKS_EXCLUDED(mu_);

  absl::Mutex mu_;
  std::deque<absl::AnyInvocable<void()>> tasks_ ABSL_GUARDED_BY(mu_);  // oldest first
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_EXECUTOR_H_
