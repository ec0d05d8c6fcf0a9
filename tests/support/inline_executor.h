// InlineExecutor: an Executor whose tasks run when the test says so, on the test's own thread,
// oldest first. Post from any thread; guarded by mu_. Tasks left over are dropped by the
// destructor.
#ifndef WEIR_TESTS_SUPPORT_INLINE_EXECUTOR_H_
#define WEIR_TESTS_SUPPORT_INLINE_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/synchronization/mutex.h"
#include "storage/base/executor.h"

namespace weir {

class InlineExecutor : public Executor {
 public:
  void Post(absl::AnyInvocable<void()> task) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    tasks_.push_back(std::move(task));
  }

  // Runs the oldest task; false when there was none.
  bool RunOne() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::AnyInvocable<void()> task;
    {
      absl::MutexLock lock(&mu_);
      if (tasks_.empty()) return false;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
    return true;
  }

  // Runs until nothing is left, also what the tasks themselves post; returns how many ran.
  size_t RunAll() ABSL_LOCKS_EXCLUDED(mu_) {
    size_t ran = 0;
    while (RunOne()) ++ran;
    return ran;
  }

  size_t waiting() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return tasks_.size();
  }

 private:
  mutable absl::Mutex mu_;
  std::deque<absl::AnyInvocable<void()>> tasks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_INLINE_EXECUTOR_H_
