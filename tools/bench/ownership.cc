#include "tools/bench/ownership.h"

#include <algorithm>

#include "storage/base/check.h"

namespace weir {

Ownership::Ownership(int32_t partitions) : places_(static_cast<size_t>(partitions)) {}

void Ownership::Add(int member) {
  absl::MutexLock lock(&mu_);
  WEIR_CHECK(members_.try_emplace(member).second);
  ++sizes_[0];
}

void Ownership::Set(int member, absl::Span<const int32_t> partitions) {
  absl::MutexLock lock(&mu_);
  const auto found = members_.find(member);
  if (found == members_.end()) return;  // told after it had left
  std::vector<int32_t>& held = found->second;
  const std::vector<int32_t> now(partitions.begin(), partitions.end());
  for (const int32_t p : held) {
    if (std::find(now.begin(), now.end(), p) != now.end()) continue;
    Place& place = places_[static_cast<size_t>(p)];
    if (place.member != member) continue;  // somebody took it, which was counted
    place = {};
    --held_;
  }
  for (const int32_t p : now) {
    Place& place = places_[static_cast<size_t>(p)];
    if (place.member == member) continue;
    if (place.member == -1) {
      ++held_;
    } else {
      ++doubles_;
    }
    place = {.member = member, .hold = ++holds_};
  }
  Recount(member, now.size());
  held = now;
}

void Ownership::Remove(int member) {
  absl::MutexLock lock(&mu_);
  const auto found = members_.find(member);
  if (found == members_.end()) return;
  for (const int32_t p : found->second) {
    Place& place = places_[static_cast<size_t>(p)];
    if (place.member != member) continue;  // somebody took it, which was counted
    place = {};
    --held_;
  }
  const auto size = sizes_.find(found->second.size());
  if (--size->second == 0) sizes_.erase(size);
  members_.erase(found);
}

void Ownership::Recount(int member, size_t size) {
  const auto before = sizes_.find(members_.at(member).size());
  if (--before->second == 0) sizes_.erase(before);
  ++sizes_[size];
}

std::optional<int64_t> Ownership::HoldOf(int member, int32_t partition) const {
  absl::MutexLock lock(&mu_);
  const Place& place = places_[static_cast<size_t>(partition)];
  if (place.member != member) return std::nullopt;
  return place.hold;
}

int64_t Ownership::doubles() const {
  absl::MutexLock lock(&mu_);
  return doubles_;
}

bool Ownership::IsEven() const {
  return held_ == places_.size() && !sizes_.empty() &&
         sizes_.rbegin()->first - sizes_.begin()->first <= 1;
}

bool Ownership::AwaitEven(absl::Duration max_wait) const {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(this, &Ownership::IsEven), max_wait);
}

}  // namespace weir
