#include "tools/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace weir {

// Values below 2^(kSubBits + 1) have a bucket each. Above, a value keeps its kSubBits + 1 highest
// bits: its bucket is the number of bits cut off, times 2^kSubBits, plus what is left.
size_t Histogram::BucketOf(int64_t value) {
  const int cut =
      std::max(0, static_cast<int>(std::bit_width(static_cast<uint64_t>(value))) - (kSubBits + 1));
  return (static_cast<size_t>(cut) << kSubBits) + static_cast<size_t>(value >> cut);
}

int64_t Histogram::UpperBound(size_t bucket) {
  const int cut = std::max(0, static_cast<int>(bucket >> kSubBits) - 1);
  const auto kept = static_cast<int64_t>(bucket) - (int64_t{cut} << kSubBits);
  return ((kept + 1) << cut) - 1;
}

Histogram::Histogram() : buckets_(BucketOf(kLargest) + 1) {}

void Histogram::AddNanoseconds(int64_t value) {
  value = std::clamp<int64_t>(value, 0, kLargest);
  ++buckets_[BucketOf(value)];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::Merge(const Histogram& other) {
  for (size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

absl::Duration Histogram::Quantile(double quantile) const {
  if (count_ == 0) return absl::ZeroDuration();
  const auto rank = std::clamp<int64_t>(
      static_cast<int64_t>(std::ceil(quantile * static_cast<double>(count_))), 1, count_);
  int64_t seen = 0;
  size_t bucket = 0;
  for (; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) break;
  }
  return absl::Nanoseconds(std::min(UpperBound(bucket), max_));
}

}  // namespace weir
