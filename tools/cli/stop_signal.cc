#include "tools/cli/stop_signal.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "storage/base/check.h"

namespace weir {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

void Raise(int event) {
  const uint64_t one = 1;
  WEIR_CHECK(write(event, &one, sizeof one) == sizeof one);
}

}  // namespace

void StopSignal::Block() {
  const sigset_t set = StopSignals();
  WEIR_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
}

StopSignal::StopSignal(std::function<void(int number)> on_signal)
    : on_signal_(std::move(on_signal)) {
  const sigset_t set = StopSignals();
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  requested_event_ = eventfd(0, EFD_CLOEXEC);
  closing_event_ = eventfd(0, EFD_CLOEXEC);
  WEIR_CHECK(signals_ >= 0 && requested_event_ >= 0 && closing_event_ >= 0);
  thread_ = std::make_unique<ThreadExecutor>("signals", 1);
  thread_->Post([this] { Listen(); });
}

StopSignal::~StopSignal() {
  Raise(closing_event_);
  thread_.reset();
  for (const int fd : {signals_, requested_event_, closing_event_}) close(fd);
}

void StopSignal::Listen() {
  for (int number = 0;;) {
    pollfd fds[] = {{.fd = signals_, .events = POLLIN}, {.fd = closing_event_, .events = POLLIN}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    signalfd_siginfo info;
    if (read(signals_, &info, sizeof info) != sizeof info) continue;
    if (++number == 1) {
      requested_.store(true, std::memory_order_release);
      Raise(requested_event_);
    }
    if (on_signal_) on_signal_(number);
  }
}

bool StopSignal::WaitForInput(int fd) {
  for (;;) {
    pollfd fds[] = {{.fd = requested_event_, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[0].revents != 0) return false;
    if (fds[1].revents != 0) return true;
  }
}

bool StopSignal::WaitFor(absl::Duration duration) {
  if (requested()) return true;
  const absl::Duration bounded = std::clamp(duration, absl::ZeroDuration(), absl::Hours(1));
  const timespec timeout = absl::ToTimespec(bounded);
  pollfd fds[] = {{.fd = requested_event_, .events = POLLIN}};
  ppoll(fds, 1, &timeout, nullptr);
  return requested();
}

}  // namespace weir
