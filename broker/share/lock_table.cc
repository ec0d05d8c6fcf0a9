#include "broker/share/lock_table.h"

#include <algorithm>
#include <iterator>

#include "storage/base/check.h"

namespace weir {

void LockTable::Add(const OffsetRange& jobs, const Lock& lock) {
  locks_.insert({jobs.first, {jobs.last, lock}});
  in_flight_ += jobs.size();
  held_by_[lock.session] += jobs.size();
  if (lock.alone) alone_.insert(lock.session);
}

LockTable::Map::const_iterator LockTable::At(Offset offset) const {
  const auto next = locks_.upper_bound(offset);
  if (next == locks_.begin()) return next;
  const auto before = std::prev(next);
  return before->second.last >= offset ? before : next;
}

void LockTable::Visit(
    const OffsetRange& range,
    absl::FunctionRef<void(const OffsetRange& piece, const Lock* lock)> visit) const {
  Offset from = range.first;
  for (auto at = At(from); at != locks_.end() && at->first <= range.last; ++at) {
    const Offset first = std::max(at->first, from);
    if (from < first) visit({from, first - 1}, nullptr);
    const Offset last = std::min(at->second.last, range.last);
    visit({first, last}, &at->second.lock);
    from = last + 1;
  }
  if (from <= range.last) visit({from, range.last}, nullptr);
}

LockTable::Map::iterator LockTable::Carve(const OffsetRange& jobs) {
  auto at = locks_.upper_bound(jobs.first);
  WEIR_CHECK(at != locks_.begin());
  --at;
  const Offset first = at->first;
  const Entry old = at->second;
  WEIR_CHECK(old.last >= jobs.last);
  if (first == jobs.first && old.last == jobs.last) return at;
  // Whatever is inserted or erased, iterators are no good any more.
  if (first < jobs.first) {
    at->second.last = jobs.first - 1;
    at = locks_.insert({jobs.first, {jobs.last, old.lock}}).first;
  } else {
    at->second.last = jobs.last;
  }
  if (jobs.last == old.last) return at;
  locks_.insert({jobs.last + 1, old});
  return locks_.find(jobs.first);
}

void LockTable::Remove(const OffsetRange& jobs) {
  const auto at = Carve(jobs);
  const Lock lock = at->second.lock;
  locks_.erase(at);
  in_flight_ -= jobs.size();
  const auto held = held_by_.find(lock.session);
  held->second -= jobs.size();
  if (held->second == 0) held_by_.erase(held);
  if (lock.alone) alone_.erase(lock.session);
}

void LockTable::Extend(const OffsetRange& jobs, absl::Duration until) {
  Carve(jobs)->second.lock.until = until;
}

const Lock* LockTable::Find(Offset offset) const {
  const auto at = At(offset);
  return at == locks_.end() || at->first > offset ? nullptr : &at->second.lock;
}

void LockTable::VisitFrom(Offset from, absl::FunctionRef<bool(const LockedJobs&)> visit) const {
  for (auto at = At(from); at != locks_.end(); ++at) {
    if (!visit({{std::max(at->first, from), at->second.last}, at->second.lock})) return;
  }
}

std::vector<LockedJobs> LockTable::OfSession(ShareSessionId session) const {
  std::vector<LockedJobs> found;
  if (!Holds(session)) return found;
  for (const auto& [first, entry] : locks_) {
    if (entry.lock.session == session) found.push_back({{first, entry.last}, entry.lock});
  }
  return found;
}

std::vector<LockedJobs> LockTable::Expired(absl::Duration now) const {
  std::vector<LockedJobs> found;
  for (const auto& [first, entry] : locks_) {
    if (entry.lock.until <= now) found.push_back({{first, entry.last}, entry.lock});
  }
  return found;
}

std::optional<absl::Duration> LockTable::NextExpiry() const {
  std::optional<absl::Duration> next;
  for (const auto& [first, entry] : locks_) {
    if (!next.has_value() || entry.lock.until < *next) next = entry.lock.until;
  }
  return next;
}

}  // namespace weir
