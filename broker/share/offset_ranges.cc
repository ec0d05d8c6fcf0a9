#include "broker/share/offset_ranges.h"

#include <algorithm>
#include <iterator>

#include "storage/base/check.h"

namespace weir {

std::optional<OffsetRange> OffsetRanges::Find(Offset offset) const {
  auto at = ranges_.upper_bound(offset);
  if (at == ranges_.begin()) return std::nullopt;
  --at;
  if (at->second < offset) return std::nullopt;
  return OffsetRange{at->first, at->second};
}

bool OffsetRanges::Overlaps(const OffsetRange& range) const {
  const auto at = ranges_.upper_bound(range.last);
  return at != ranges_.begin() && std::prev(at)->second >= range.first;
}

OffsetRange OffsetRanges::Add(const OffsetRange& range,
                              absl::FunctionRef<void(const OffsetRange&)> absorbed) {
  OffsetRange added = range;
  size_ += range.size();
  auto next = ranges_.upper_bound(range.last);
  if (next != ranges_.end() && next->first == range.last + 1) {
    added.last = next->second;
    absorbed({next->first, next->second});
    next = ranges_.erase(next);
  }
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    if (before->second + 1 == range.first) {
      added.first = before->first;
      before->second = added.last;
      return added;
    }
  }
  ranges_.insert(next, {added.first, added.last});
  return added;
}

int64_t OffsetRanges::Remove(const OffsetRange& range) {
  int64_t removed = 0;
  auto at = ranges_.upper_bound(range.first);
  if (at != ranges_.begin() && std::prev(at)->second >= range.first) --at;
  while (at != ranges_.end() && at->first <= range.last) {
    const OffsetRange old{at->first, at->second};
    const Offset first = std::max(old.first, range.first);
    const Offset last = std::min(old.last, range.last);
    removed += last - first + 1;
    if (old.first < first) {
      at->second = first - 1;
      ++at;
    } else {
      at = ranges_.erase(at);
    }
    if (last < old.last) {
      ranges_.insert(at, {last + 1, old.last});
      break;
    }
  }
  size_ -= removed;
  return removed;
}

OffsetRange OffsetRanges::PopFront(int64_t count) {
  WEIR_CHECK(!ranges_.empty() && count > 0);
  const auto front = ranges_.begin();
  OffsetRange popped{front->first, front->second};
  const auto next = ranges_.erase(front);
  if (popped.size() > count) {
    const Offset last = popped.first + (count - 1);
    ranges_.insert(next, {last + 1, popped.last});
    popped.last = last;
  }
  size_ -= popped.size();
  return popped;
}

void OffsetRanges::VisitGaps(const OffsetRange& range,
                             absl::FunctionRef<void(const OffsetRange&)> visit) const {
  Offset from = range.first;
  auto at = ranges_.upper_bound(from);
  if (at != ranges_.begin()) from = std::max(from, std::prev(at)->second + 1);
  for (; at != ranges_.end() && at->first <= range.last; ++at) {
    if (from < at->first) visit({from, at->first - 1});
    from = at->second + 1;
  }
  if (from <= range.last) visit({from, range.last});
}

void OffsetRanges::Clear() {
  ranges_.clear();
  size_ = 0;
}

}  // namespace weir
