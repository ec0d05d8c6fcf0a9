// Progress: tells on stderr how far a long command has come, from a thread of its own. Ends with
// its last line erased or finished, so that what the command prints next stands alone.
#ifndef WEIR_TOOLS_CLI_PROGRESS_H_
#define WEIR_TOOLS_CLI_PROGRESS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "storage/base/executor.h"

namespace weir {

enum class ProgressMode {
  kAuto,   // a bar when stderr is a terminal, otherwise nothing
  kBar,    // one line that is written over
  kLines,  // a line each time, for scripts and logs
  kNone,   // nothing but notices
};

absl::StatusOr<ProgressMode> ParseProgressArgument(absl::string_view text);

class Progress {
 public:
  // What to say. The same thing must be readable by people (a bar) and by programs (name=value
  // pairs).
  struct Text {
    std::string bar;
    std::string line;
    std::string notice;  // lines that are said in every mode, once; empty: nothing
  };

  // Asks `text` every `interval` on its own thread, until destroyed.
  Progress(ProgressMode mode, absl::Duration interval, std::function<Text()> text);
  ~Progress();

 private:
  void Run();

  const ProgressMode mode_;
  const absl::Duration interval_;
  const std::function<Text()> text_;
  absl::Notification stop_;
  std::unique_ptr<ThreadExecutor> thread_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_PROGRESS_H_
