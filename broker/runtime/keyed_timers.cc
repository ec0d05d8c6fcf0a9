#include "broker/runtime/keyed_timers.h"

#include <utility>

namespace weir {

void KeyedTimers::Set(absl::string_view key, absl::Duration at, absl::AnyInvocable<void()> task) {
  Cancel(key);
  if (at == absl::InfiniteDuration()) return;
  const uint64_t generation = ++last_generation_;
  {
    absl::MutexLock lock(&mu_);
    ++in_queue_;
  }
  Entry& entry = entries_[key];
  entry.generation = generation;
  entry.task = std::move(task);
  entry.timer = queue_->Add(at, [this, key = std::string(key), generation] {
    strand_->Post([this, key, generation] { OnDue(key, generation); });
    absl::MutexLock lock(&mu_);
    --in_queue_;
  });
}

void KeyedTimers::Cancel(absl::string_view key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  Drop(found->second);
  entries_.erase(found);
}

void KeyedTimers::CancelAll() {
  for (const auto& [key, entry] : entries_) Drop(entry);
  entries_.clear();
}

void KeyedTimers::Drop(const Entry& entry) {
  if (!queue_->Cancel(entry.timer)) return;  // it posts, or has posted
  absl::MutexLock lock(&mu_);
  --in_queue_;
}

void KeyedTimers::OnDue(const std::string& key, uint64_t generation) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.generation != generation) return;
  absl::AnyInvocable<void()> task = std::move(found->second.task);
  entries_.erase(found);
  task();
}

void KeyedTimers::Close() {
  CancelAll();
  const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return in_queue_ == 0; };
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&none));
}

}  // namespace weir
