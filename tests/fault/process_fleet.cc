#include "tests/fault/process_fleet.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/base/check.h"

namespace weir {
namespace {

constexpr char kMark[] = "mark ";  // everything that was written before has come

}  // namespace

ProcessFleet::ProcessFleet(std::function<void(absl::string_view)> take) : take_(std::move(take)) {
  int ends[2];
  WEIR_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  lines_ = ends[0];
  lines_back_ = ends[1];
  reader_ = std::thread([this] { ReadLines(); });
}

ProcessFleet::~ProcessFleet() {
  for (const auto& [number, process] : processes_) {
    kill(process.pid, SIGKILL);
    waitpid(process.pid, nullptr, 0);
    close(process.input);
  }
  close(lines_back_);  // the last that could write
  reader_.join();
  close(lines_);
}

void ProcessFleet::Start(int64_t number, std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int ends[2];
  WEIR_CHECK(pipe2(ends, O_CLOEXEC) == 0);
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // it never outlives the test
    dup2(ends[0], STDIN_FILENO);
    dup2(lines_back_, STDOUT_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[0]);
  processes_[number] = {.pid = pid, .input = ends[1]};
}

void ProcessFleet::Kill(int64_t number) {
  ++kills_;
  kill(processes_.at(number).pid, SIGKILL);
  AwaitEnd(number);
}

void ProcessFleet::Leave(int64_t number) {
  ++leaves_;
  AwaitEnd(number);
}

void ProcessFleet::AwaitEnd(int64_t number) {
  const Process process = processes_.at(number);
  processes_.erase(number);
  close(process.input);
  waitpid(process.pid, nullptr, 0);
  Sync();
}

void ProcessFleet::Sync() {
  const int64_t mark = ++last_mark_;
  const std::string line = absl::StrCat(kMark, mark, "\n");
  WEIR_CHECK(write(lines_back_, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  const auto read = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return mark_ >= mark; };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&read));
}

void ProcessFleet::ReadLines() {
  std::string rest;
  char bytes[65536];
  for (;;) {
    const ssize_t n = read(lines_, bytes, sizeof(bytes));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    rest.append(bytes, static_cast<size_t>(n));
    size_t begin = 0;
    for (size_t end; (end = rest.find('\n', begin)) != std::string::npos; begin = end + 1)
      TakeLine(absl::string_view(rest).substr(begin, end - begin));
    rest.erase(0, begin);
  }
}

void ProcessFleet::TakeLine(absl::string_view line) {
  if (!absl::ConsumePrefix(&line, kMark)) return take_(line);
  absl::MutexLock lock(&mu_);
  WEIR_CHECK(absl::SimpleAtoi(line, &mark_));
}

}  // namespace weir
