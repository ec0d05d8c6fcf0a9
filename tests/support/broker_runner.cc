#include "tests/support/broker_runner.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weir {

BrokerRunner::~BrokerRunner() {
  Kill();
  if (reserved_ >= 0) close(reserved_);
}

// A port that is bound, though nobody listens, is given to no connection of another process while
// the broker is away; the broker itself may bind it too, as both reuse addresses.
absl::Status BrokerRunner::ReservePort() {
  if (reserved_ >= 0) return absl::OkStatus();
  reserved_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (reserved_ < 0) return absl::ErrnoToStatus(errno, "socket");
  const int yes = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (setsockopt(reserved_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) != 0 ||
      bind(reserved_, any, size) != 0 || getsockname(reserved_, any, &size) != 0) {
    return absl::ErrnoToStatus(errno, "a port for the broker");
  }
  address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
  return absl::OkStatus();
}

absl::Status BrokerRunner::Start(const std::string& data_directory,
                                 const std::vector<std::string>& arguments) {
  if (const absl::Status reserved = ReservePort(); !reserved.ok()) return reserved;
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
