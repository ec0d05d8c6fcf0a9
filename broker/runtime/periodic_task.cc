#include "broker/runtime/periodic_task.h"

#include <utility>

namespace weir {

PeriodicTask::PeriodicTask(TimerQueue* timers, Executor* executor, absl::Duration pause,
                           absl::AnyInvocable<void()> work)
    : timers_(timers), executor_(executor), pause_(pause), work_(std::move(work)) {
  absl::MutexLock lock(&mu_);
  Schedule();
}

PeriodicTask::~PeriodicTask() {
  absl::MutexLock lock(&mu_);
  stopping_ = true;
  if (state_ == State::kWaiting && timers_->Cancel(timer_)) return;
  const auto stopped = [this]()
                           ABSL_SHARED_LOCKS_REQUIRED(mu_) { return state_ == State::kStopped; };
  mu_.Await(absl::Condition(&stopped));
}

void PeriodicTask::Schedule() {
  state_ = State::kWaiting;
  timer_ = timers_->Add(timers_->Now() + pause_, [this] { OnTimer(); });
}

void PeriodicTask::OnTimer() {
  absl::MutexLock lock(&mu_);
  if (stopping_) {
    state_ = State::kStopped;
    return;
  }
  state_ = State::kRunning;
  executor_->Post([this] { Run(); });
}

void PeriodicTask::Run() {
  work_();
  absl::MutexLock lock(&mu_);
  if (stopping_) {
    state_ = State::kStopped;
    return;
  }
  Schedule();
}

}  // namespace weir
