#include "tests/fault/process_life.h"

#include <unistd.h>

#include <utility>

namespace weir {

void ProcessLife::AwaitEnd() {
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  absl::MutexLock lock(&mu_);
  leaves_ = true;
  if (wake_) wake_();
}

void ProcessLife::OnLeave(std::function<void()> wake) {
  absl::MutexLock lock(&mu_);
  wake_ = std::move(wake);
  if (leaves_ && wake_) wake_();
}

bool ProcessLife::leaves() const {
  absl::MutexLock lock(&mu_);
  return leaves_;
}

void ProcessLife::Print(absl::string_view lines) const {
  // Nobody reads any more: the test has ended.
  if (write(STDOUT_FILENO, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size()))
    _exit(1);
}

}  // namespace weir
