// OffsetRanges: a set of offsets, kept as ranges: small while they lie together. Not thread-safe.
#ifndef WEIR_BROKER_SHARE_OFFSET_RANGES_H_
#define WEIR_BROKER_SHARE_OFFSET_RANGES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "storage/base/types.h"

namespace weir {

struct OffsetRange {
  Offset first;
  Offset last;

  int64_t size() const { return last - first + 1; }
  bool operator==(const OffsetRange&) const = default;
};

class OffsetRanges {
 public:
  using Map = absl::btree_map<Offset, Offset>;  // first to last; no two touch

  bool empty() const { return ranges_.empty(); }
  int64_t size() const { return size_; }  // offsets
  const Map& ranges() const { return ranges_; }

  bool Contains(Offset offset) const { return Find(offset).has_value(); }
  // The range that has the offset.
  std::optional<OffsetRange> Find(Offset offset) const;
  bool Overlaps(const OffsetRange& range) const;

  // Adds offsets of which none is there yet, and returns the range that has them now. `absorbed`
  // hears of the ranges behind `range` that are no more since they became part of that.
  OffsetRange Add(const OffsetRange& range, absl::FunctionRef<void(const OffsetRange&)> absorbed);
  OffsetRange Add(const OffsetRange& range) {
    return Add(range, [](const OffsetRange&) {});
  }
  // Removes those offsets of the range that are there; returns how many.
  int64_t Remove(const OffsetRange& range);
  // Takes away up to `count` offsets of the first range, and returns them; the set is not empty.
  OffsetRange PopFront(int64_t count);
  // The parts of `range` that are not in the set, in order.
  void VisitGaps(const OffsetRange& range, absl::FunctionRef<void(const OffsetRange&)> visit) const;
  void Clear();

 private:
  Map ranges_;
  int64_t size_ = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_OFFSET_RANGES_H_
