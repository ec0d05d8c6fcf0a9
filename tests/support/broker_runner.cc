#include "tests/support/broker_runner.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weir {

BrokerRunner::~BrokerRunner() { Kill(); }

absl::Status BrokerRunner::Start(const std::string& data_directory,
                                 const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {program_, "--data-dir", data_directory, "--listen",
                                    address_, "--http",     "127.0.0.1:0"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "pipe");
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // it never outlives the test
    dup2(pipe_ends[1], STDOUT_FILENO);
    dup2(pipe_ends[1], STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(pipe_ends[1]);
  if (output_ >= 0) close(output_);
  output_ = pipe_ends[0];
  std::string said;
  for (;;) {
    char bytes[4096];
    const ssize_t n = read(output_, bytes, sizeof(bytes));
    if (n <= 0) {
      const int status = Wait();
      return absl::UnavailableError(
          absl::StrCat("weir-broker ended with status ", status, ": ", said));
    }
    said.append(bytes, static_cast<size_t>(n));
    const size_t ready = said.find(" ready on ");
    if (ready == std::string::npos || said.find('\n', ready) == std::string::npos) continue;
    const size_t begin = ready + 10;
    address_ = said.substr(begin, said.find(' ', begin) - begin);
    // What it says from now on is not needed, but it must not block on a full pipe.
    fcntl(output_, F_SETPIPE_SZ, 1 << 20);
    return absl::OkStatus();
  }
}

int BrokerRunner::Wait() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void BrokerRunner::Kill() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    Wait();
  }
  if (output_ >= 0) close(output_);
  output_ = -1;
}

int BrokerRunner::Terminate() {
  kill(pid_, SIGTERM);
  return Wait();
}

}  // namespace weir
