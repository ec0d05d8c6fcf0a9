#include "broker/runtime/strand.h"

#include <utility>

namespace weir {
namespace {
constexpr int kTasksInARow = 64;
}  // namespace

Strand::~Strand() {
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !scheduled_; };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&idle));
}

void Strand::Post(absl::AnyInvocable<void()> task) {
  absl::MutexLock lock(&mu_);
  tasks_.push_back(std::move(task));
  if (std::exchange(scheduled_, true)) return;
  executor_->Post([this] { Run(); });
}

void Strand::Run() {
  for (int ran = 0;; ++ran) {
    absl::AnyInvocable<void()> task;
    {
      absl::MutexLock lock(&mu_);
      if (tasks_.empty()) {
        scheduled_ = false;
        return;
      }
      if (ran == kTasksInARow) {
        executor_->Post([this] { Run(); });
        return;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace weir
