// JobCommand: runs a program of the user's for each job: the value on its stdin, the rest in its
// environment, its stdout ours. How it ends and the tail of what it says on stderr decide what
// becomes of the job. Any thread; many run at the same time.
#ifndef WEIR_TOOLS_CLI_JOB_COMMAND_H_
#define WEIR_TOOLS_CLI_JOB_COMMAND_H_

#include <sys/types.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "weir/worker.h"

namespace weir {

class JobCommand {
 public:
  // A single word is a program, looked for in PATH, and started without a shell. Anything with
  // blanks or characters that a shell knows is a line for /bin/sh -c.
  JobCommand(std::string command, std::string group);

  struct End {
    // Why no program ran, by the system's number; 0: it ran.
    int start_error = 0;
    int status = 0;           // its exit status, or
    int signal = 0;           // what killed it
    std::string errors;       // the last 4 KiB of its stderr
    bool terminated = false;  // Terminate was called before it had ended
  };
  // Waits until it has ended. What it starts and leaves behind is not waited for.
  End Run(const Job& job) ABSL_LOCKS_EXCLUDED(mu_);

  // SIGTERM to all that run, and to what they have started; no other is started any more.
  void Terminate() ABSL_LOCKS_EXCLUDED(mu_);

  // The environment for a job, as NAME=VALUE: WEIR_GROUP, WEIR_TOPIC, WEIR_PARTITION, WEIR_OFFSET,
  // WEIR_ATTEMPT, WEIR_TIMESTAMP_MS, WEIR_KEY (not without a key), and WEIR_HEADER_<NAME>, with '_'
  // for what is no letter or digit. A value with a NUL byte is in base64, under its name +
  // "_BASE64".
  static std::vector<std::string> EnvironmentOf(const Job& job, absl::string_view group);
  static bool NeedsShell(absl::string_view command);

 private:
  int Start(const Job& job, int input, int errors, pid_t* pid) ABSL_LOCKS_EXCLUDED(mu_);

  const std::string command_;
  const std::string group_;
  absl::Mutex mu_;
  std::set<pid_t> running_ ABSL_GUARDED_BY(mu_);
  bool terminated_ ABSL_GUARDED_BY(mu_) = false;
};

// It did not run, or says by its status (126, 127) that it could not: trying other jobs is of no
// use.
bool CannotRun(const JobCommand::End& end);
// What becomes of the job: status 0 accepts, 100 rejects, what cannot run or was terminated
// releases it uncounted, anything else releases it.
JobResult ResultOf(const JobCommand::End& end);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_JOB_COMMAND_H_
