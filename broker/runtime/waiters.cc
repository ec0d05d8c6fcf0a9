#include "broker/runtime/waiters.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/error.h"

namespace weir {

struct Waiters::Wait {
  Wait(std::vector<Target> targets, absl::AnyInvocable<void(WakeReason)> wake)
      : targets(std::move(targets)), wake(std::move(wake)) {}

  const std::vector<Target> targets;
  absl::AnyInvocable<void(WakeReason)> wake;  // belongs to whoever set `ended`
  std::atomic<bool> ended{false};
  absl::Mutex mu;
  TimerQueue::Timer timer ABSL_GUARDED_BY(mu);
};

Waiters::Waiters(TimerQueue* timers, Executor* executor, size_t limit)
    : timers_(timers), executor_(executor), limit_(limit) {}

absl::StatusOr<Waiters::Handle> Waiters::Add(std::vector<Target> targets, absl::Duration deadline,
                                             absl::AnyInvocable<void(WakeReason)> wake) {
  if (size_.fetch_add(1, std::memory_order_relaxed) >= limit_) {
    size_.fetch_sub(1, std::memory_order_relaxed);
    return MakeError(
        Reason::kTooManyRequests,
        absl::StrCat("the broker lets at most ", limit_, " reads wait for new records at a time"),
        absl::Seconds(1));
  }
  const auto wait = std::make_shared<Wait>(std::move(targets), std::move(wake));
  Link(wait);
  {
    absl::MutexLock lock(&wait->mu);
    if (!wait->ended) {
      wait->timer = timers_->Add(deadline, [this, wait] { End(wait, WakeReason::kDeadline); });
    }
  }
  // What moved before Link did not see this wait.
  for (const Target& target : wait->targets) {
    if (target.partition->high_watermark() > target.above) {
      End(wait, WakeReason::kMoved);
      break;
    }
  }
  if (stopped_) End(wait, WakeReason::kCancelled);
  return wait;
}

void Waiters::OnHighWatermark(const TopicPartition& id, Offset reached) {
  // A read-modify-write, so that it and the one in Link come in one order: either this sees the
  // wait, or the wait's own look at the high watermark, which comes after, sees the move.
  if (ShardOf(id).count.fetch_add(0, std::memory_order_acq_rel) == 0) return;
  EndBelow(id, reached);
}

void Waiters::WakeAll(const TopicPartition& id) {
  EndBelow(id, Offset{std::numeric_limits<int64_t>::max()});
}

void Waiters::Stop() {
  stopped_ = true;
  for (Shard& shard : shards_) {
    std::vector<Handle> waits;
    {
      absl::MutexLock lock(&shard.mu);
      for (const auto& [id, entries] : shard.entries) {
        for (const Entry& entry : entries) waits.push_back(entry.wait);
      }
    }
    for (const Handle& wait : waits) End(wait, WakeReason::kCancelled);
  }
  absl::flat_hash_set<Handle> timed;
  {
    absl::MutexLock lock(&timed_mu_);
    timed = timed_;
  }
  for (const Handle& wait : timed) End(wait, WakeReason::kCancelled);
}

void Waiters::Link(const Handle& wait) {
  if (wait->targets.empty()) {
    absl::MutexLock lock(&timed_mu_);
    timed_.insert(wait);
  }
  for (const Target& target : wait->targets) {
    Shard& shard = ShardOf(target.partition->id());
    absl::MutexLock lock(&shard.mu);
    if (wait->ended) return;  // Unlink may have passed this shard already
    shard.entries[target.partition->id()].push_back({.wait = wait, .above = target.above});
    shard.count.fetch_add(1, std::memory_order_acq_rel);
  }
}

void Waiters::Unlink(const Handle& wait) {
  if (wait->targets.empty()) {
    absl::MutexLock lock(&timed_mu_);
    timed_.erase(wait);
  }
  for (const Target& target : wait->targets) {
    Shard& shard = ShardOf(target.partition->id());
    absl::MutexLock lock(&shard.mu);
    const auto found = shard.entries.find(target.partition->id());
    if (found == shard.entries.end()) continue;
    Entries& entries = found->second;
    const auto entry = std::find_if(entries.begin(), entries.end(),
                                    [&](const Entry& candidate) { return candidate.wait == wait; });
    if (entry == entries.end()) continue;
    *entry = std::move(entries.back());
    entries.pop_back();
    shard.count.fetch_sub(1, std::memory_order_acq_rel);
    if (entries.empty()) shard.entries.erase(found);
  }
}

void Waiters::EndBelow(const TopicPartition& id, Offset reached) {
  Entries ended;
  {
    Shard& shard = ShardOf(id);
    absl::MutexLock lock(&shard.mu);
    const auto found = shard.entries.find(id);
    if (found == shard.entries.end()) return;
    Entries& entries = found->second;
    // Taken off at once, so that Unlink does not search for each of many.
    const auto first_ended = std::partition(
        entries.begin(), entries.end(), [&](const Entry& entry) { return entry.above >= reached; });
    ended.assign(std::make_move_iterator(first_ended), std::make_move_iterator(entries.end()));
    entries.erase(first_ended, entries.end());
    shard.count.fetch_sub(ended.size(), std::memory_order_acq_rel);
    if (entries.empty()) shard.entries.erase(found);
  }
  for (const Entry& entry : ended) End(entry.wait, WakeReason::kMoved);
}

void Waiters::End(const Handle& wait, WakeReason reason) {
  if (wait->ended.exchange(true)) return;
  TimerQueue::Timer timer;
  {
    absl::MutexLock lock(&wait->mu);
    timer = wait->timer;
  }
  timers_->Cancel(timer);
  Unlink(wait);
  size_.fetch_sub(1, std::memory_order_relaxed);
  executor_->Post([wake = std::move(wait->wake), reason]() mutable { wake(reason); });
}

}  // namespace weir
