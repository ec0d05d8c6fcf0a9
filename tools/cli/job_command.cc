#include "tools/cli/job_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
extern "C" {  // which glibc 2.36 forgets
#include <sys/pidfd.h>
}
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/base/limits.h"
#include "tools/bench/spawn.h"

extern char** environ;

namespace weir {
namespace {

constexpr int kRejects = 100;
constexpr int kNotExecutable = 126;  // as shells say it
constexpr int kNotFound = 127;
constexpr size_t kTail = limits::kJobErrorBytes;
constexpr size_t kErrorsAtOnce = 64 * limits::kKiB;  // what a pipe holds
// The command's environment is ours, but for what is set for a job. (`weir` in it finds our
// broker.)
bool IsInherited(absl::string_view variable) {
  return !absl::StartsWith(variable, "WEIR_") || absl::StartsWith(variable, "WEIR_BROKER=");
}

// A file descriptor that is closed once.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { Close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void Set(int fd) {
    Close();
    fd_ = fd;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
  // False: errno says why.
  bool Open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    read.Set(ends[0]);
    write.Set(ends[1]);
    return true;
  }
};

void SetNonBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

// Takes what there is, but not for ever from who writes without an end; passes it on to our stderr
// and keeps the tail. False at the end.
bool TakeErrors(int fd, std::string* tail) {
  char buffer[4096];
  for (size_t taken = 0; taken < kErrorsAtOnce;) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    taken += static_cast<size_t>(n);
    // Nobody may read it; the job's outcome does not depend on that.
    [[maybe_unused]] const ssize_t passed_on = write(STDERR_FILENO, buffer, static_cast<size_t>(n));
    tail->append(buffer, static_cast<size_t>(n));
    if (tail->size() > kTail) tail->erase(0, tail->size() - kTail);
  }
  return true;
}

// Gives as much as goes in. False when there is nothing more to give, or nobody who takes it.
bool GiveInput(int fd, absl::string_view* input) {
  while (!input->empty()) {
    const ssize_t n = write(fd, input->data(), input->size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    input->remove_prefix(static_cast<size_t>(n));
  }
  return false;
}

// Until the process has ended; then what it said last.
void Converse(int process, absl::string_view input, Fd* to, Fd* from, std::string* tail) {
  SetNonBlocking(to->get());
  SetNonBlocking(from->get());
  if (input.empty()) to->Close();
  for (bool running = true; running;) {
    pollfd fds[] = {{.fd = process, .events = POLLIN},
                    {.fd = from->get(), .events = POLLIN},
                    {.fd = to->get(), .events = POLLOUT}};
    if (poll(fds, 3, -1) < 0) continue;
    if (fds[2].revents != 0 && !GiveInput(to->get(), &input)) to->Close();
    if (fds[1].revents != 0 && !TakeErrors(from->get(), tail)) from->Close();
    running = fds[0].revents == 0;
  }
  if (from->get() >= 0) TakeErrors(from->get(), tail);
}

}  // namespace

JobCommand::JobCommand(std::string command, std::string group)
    : command_(std::move(command)), group_(std::move(group)) {}

bool JobCommand::NeedsShell(absl::string_view command) {
  return std::any_of(command.begin(), command.end(), [](char c) {
    return !absl::ascii_isalnum(static_cast<unsigned char>(c)) &&
           absl::string_view("._-/+,:@%").find(c) == absl::string_view::npos &&
           static_cast<unsigned char>(c) < 0x80;
  });
}

std::vector<std::string> JobCommand::EnvironmentOf(const Job& job, absl::string_view group) {
  std::vector<std::string> environment;
  const auto set = [&](absl::string_view name, absl::string_view value) {
    if (value.find('\0') == absl::string_view::npos) {
      environment.push_back(absl::StrCat(name, "=", value));
    } else {
      environment.push_back(absl::StrCat(name, "_BASE64=", absl::Base64Escape(value)));
    }
  };
  set("WEIR_GROUP", group);
  set("WEIR_TOPIC", job.topic);
  set("WEIR_PARTITION", absl::StrCat(job.partition.value()));
  set("WEIR_OFFSET", absl::StrCat(job.record.offset.value()));
  set("WEIR_ATTEMPT", absl::StrCat(job.delivery_count));
  set("WEIR_TIMESTAMP_MS", absl::StrCat(job.record.timestamp_ms));
  if (job.record.key.has_value()) set("WEIR_KEY", *job.record.key);
  std::map<std::string, std::string> headers;  // of several with one name the last
  for (const HeaderView& header : job.record.headers.Decode()) {
    std::string name = absl::AsciiStrToUpper(header.key);
    std::replace_if(
        name.begin(), name.end(),
        [](char c) { return !absl::ascii_isalnum(static_cast<unsigned char>(c)); }, '_');
    headers[name] = std::string(header.value.value_or(""));
  }
  for (const auto& [name, value] : headers) set(absl::StrCat("WEIR_HEADER_", name), value);
  return environment;
}

int JobCommand::Start(const Job& job, int input, int errors, pid_t* pid) {
  SpawnSpec spec{.words = {command_},
                 .environment = EnvironmentOf(job, group_),
                 .files = {{input, STDIN_FILENO}, {errors, STDERR_FILENO}},
                 // A Ctrl-C that stops the worker must not kill the jobs that it is to finish.
                 .own_group = true};
  if (NeedsShell(command_)) spec.words = {"/bin/sh", "-c", command_};
  for (char** ours = environ; *ours != nullptr; ++ours) {
    if (IsInherited(*ours)) spec.environment->emplace_back(*ours);
  }
  absl::MutexLock lock(&mu_);  // so that Terminate misses none
  if (terminated_) return ECANCELED;
  const int error = Spawn(std::move(spec), pid);
  if (error == 0) running_.insert(*pid);
  return error;
}

JobCommand::End JobCommand::Run(const Job& job) {
  End end;
  Pipe input;
  Pipe errors;
  if (!input.Open() || !errors.Open()) return {.start_error = errno};
  pid_t pid = -1;
  end.start_error = Start(job, input.read.get(), errors.write.get(), &pid);
  end.terminated = end.start_error == ECANCELED;
  if (end.start_error != 0) return end;
  input.read.Close();
  errors.write.Close();
  {
    const Fd process(pidfd_open(pid, 0));
    if (process.get() >= 0) {
      Converse(process.get(), job.record.value.value_or(""), &input.write, &errors.read,
               &end.errors);
    } else {
      input.write.Close();  // out of file descriptors: it is left without input, and fails
      kill(-pid, SIGKILL);
    }
  }
  int status = 0;
  {
    // Waiting for it here does not wait: it has ended. Its number is free to be another's only
    // then.
    absl::MutexLock lock(&mu_);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    running_.erase(pid);
    end.terminated = terminated_;
  }
  if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
  if (WIFEXITED(status)) end.status = WEXITSTATUS(status);
  return end;
}

void JobCommand::Terminate() {
  absl::MutexLock lock(&mu_);
  terminated_ = true;
  for (const pid_t pid : running_) kill(-pid, SIGTERM);
}

bool CannotRun(const JobCommand::End& end) {
  switch (end.start_error) {
    case 0:
      return end.signal == 0 && (end.status == kNotExecutable || end.status == kNotFound);
    case E2BIG:  // a matter of this job
    case ECANCELED:
      return false;
    default:
      return true;
  }
}

JobResult ResultOf(const JobCommand::End& end) {
  std::string text = std::string(absl::StripTrailingAsciiWhitespace(end.errors));
  if (end.start_error != 0) {
    text = absl::StrCat("cannot start the command: ", std::strerror(end.start_error));
  } else if (text.empty() && end.signal != 0) {
    text = absl::StrCat("the command was killed by signal ", end.signal);
  } else if (text.empty()) {
    text = absl::StrCat("the command ended with status ", end.status);
  }
  if (CannotRun(end)) return JobResult::ReleaseUncounted(text);
  const bool failed = end.start_error != 0 || end.signal != 0 || end.status != 0;
  if (end.terminated && failed && end.status != kRejects)
    return JobResult::ReleaseUncounted("the worker was stopped before the command had ended");
  if (end.start_error != 0 || end.signal != 0) return JobResult::Release(text);
  if (end.status == 0) return JobResult::Accept();
  return end.status == kRejects ? JobResult::Reject(text) : JobResult::Release(text);
}

}  // namespace weir
