// WorkRun: a worker of a share group on the command line: a command for each job, or a line of
// JSON, until it is stopped. One thread waits, the worker's do the jobs.
#ifndef WEIR_TOOLS_CLI_WORK_RUN_H_
#define WEIR_TOOLS_CLI_WORK_RUN_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "tools/cli/progress.h"
#include "weir/client.h"

namespace weir {

struct WorkRunOptions {
  std::string group;
  std::string name;  // of the worker
  int concurrency = 1;
  std::string exec;  // empty: jobs are printed and accepted
  int64_t max = -1;  // jobs; -1: no limit
  // After a stop signal, once no command runs, for the answers still to come.
  absl::Duration stop_timeout = absl::Seconds(10);
  ProgressMode progress = ProgressMode::kAuto;
};

// The exit status. Signals must be blocked (StopSignal::Block). Does not return, but ends the
// process, when commands have to be left behind.
int RunWork(const WorkRunOptions& options, const Client& client);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_WORK_RUN_H_
