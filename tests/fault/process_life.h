// ProcessLife: of a process that a test has started: it reports lines on its standard output and is
// to leave when its standard input ends. Any thread, but for Print: one.
#ifndef WEIR_TESTS_FAULT_PROCESS_LIFE_H_
#define WEIR_TESTS_FAULT_PROCESS_LIFE_H_

#include <functional>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace weir {

class ProcessLife {
 public:
  // Returns when the standard input has ended; then the process is to leave.
  void AwaitEnd() ABSL_LOCKS_EXCLUDED(mu_);
  // `wake` is called when the process is to leave, at once when that was before.
  void OnLeave(std::function<void()> wake) ABSL_LOCKS_EXCLUDED(mu_);
  bool leaves() const ABSL_LOCKS_EXCLUDED(mu_);
  // Whole lines, written at once: at most PIPE_BUF bytes.
  void Print(absl::string_view lines) const;

 private:
  mutable absl::Mutex mu_;
  bool leaves_ ABSL_GUARDED_BY(mu_) = false;
  std::function<void()> wake_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_PROCESS_LIFE_H_
