#include "broker/runtime/timer_queue.h"

#include <pthread.h>

#include <utility>

namespace weir {

TimerQueue::TimerQueue(Clock* clock, Drive drive) : clock_(clock) {
  if (drive == Drive::kThread) thread_ = std::thread([this] { Run(); });
}

TimerQueue::~TimerQueue() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    earlier_.Signal();
  }
  if (thread_.joinable()) thread_.join();
}

TimerQueue::Timer TimerQueue::Add(absl::Duration at, absl::AnyInvocable<void()> callback) {
  if (at == absl::InfiniteDuration()) return Timer{};
  absl::MutexLock lock(&mu_);
  const Timer timer{.at = at, .sequence = ++last_sequence_};
  const auto place = timers_.emplace(timer, std::move(callback)).first;
  if (place == timers_.begin()) earlier_.Signal();
  return timer;
}

bool TimerQueue::Cancel(const Timer& timer) {
  absl::AnyInvocable<void()> dropped;  // destroyed without the lock: it may own anything
  absl::MutexLock lock(&mu_);
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return false;
  dropped = std::move(found->second);
  timers_.erase(found);
  return true;
}

int TimerQueue::RunDue() {
  int run = 0;
  for (;; ++run) {
    absl::AnyInvocable<void()> callback;
    {
      absl::MutexLock lock(&mu_);
      if (timers_.empty() || timers_.begin()->first.at > clock_->Monotonic()) return run;
      callback = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
    }
    callback();
  }
}

void TimerQueue::Run() {
  pthread_setname_np(pthread_self(), "weir-timers");
  for (;;) {
    RunDue();
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    if (timers_.empty()) {
      earlier_.Wait(&mu_);
    } else {
      earlier_.WaitWithTimeout(&mu_, timers_.begin()->first.at - clock_->Monotonic());
    }
    if (stopping_) return;
  }
}

}  // namespace weir
