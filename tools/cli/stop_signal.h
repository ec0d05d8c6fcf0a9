// StopSignal: Ctrl-C (SIGINT) and SIGTERM as something that a command waits for beside its input,
// instead of a handler that runs in the middle of anything. Any thread, except as said.
#ifndef WEIR_TOOLS_CLI_STOP_SIGNAL_H_
#define WEIR_TOOLS_CLI_STOP_SIGNAL_H_

#include <atomic>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "storage/base/executor.h"

namespace weir {

class StopSignal {
 public:
  // Takes the signals away from every thread that the caller starts later, gRPC's too: call it
  // before making a Client.
  static void Block();

  // After Block(). `on_signal` runs on a thread of its own for every signal, the first as number 1;
  // empty: nothing.
  explicit StopSignal(std::function<void(int number)> on_signal = {});
  ~StopSignal();

  bool requested() const { return requested_.load(std::memory_order_acquire); }

  // Waits until `fd` can be read (or is at its end): true; false when a stop was requested first.
  bool WaitForInput(int fd);
  // Waits; true when a stop was requested meanwhile or before.
  bool WaitFor(absl::Duration duration);

 private:
  void Listen();

  const std::function<void(int)> on_signal_;
  std::atomic<bool> requested_ = false;
  int signals_;          // signalfd
  int requested_event_;  // readable once a stop was requested
  int closing_event_;
  std::unique_ptr<ThreadExecutor> thread_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_STOP_SIGNAL_H_
