// Histogram: how often which duration came, in log-linear buckets: exact below 128 ns, within 1/64
// (1.6 %) above, up to an hour. Adding costs a few nanoseconds and no memory. Not thread-safe: each
// thread has its own and they are merged.
#ifndef WEIR_TOOLS_BENCH_HISTOGRAM_H_
#define WEIR_TOOLS_BENCH_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace weir {

class Histogram {
 public:
  Histogram();

  // Negative counts as 0, more than an hour as an hour.
  void Add(absl::Duration value) { AddNanoseconds(absl::ToInt64Nanoseconds(value)); }
  void AddNanoseconds(int64_t value);
  void Merge(const Histogram& other);

  int64_t count() const { return count_; }
  absl::Duration max() const { return absl::Nanoseconds(max_); }
  // The smallest value that is at least as large as `quantile` (0 to 1) of all values, up to the
  // bucket's width; zero when empty. Never above max().
  absl::Duration Quantile(double quantile) const;

 private:
  static constexpr int kSubBits = 6;  // 64 buckets for each doubling
  static constexpr int64_t kLargest = int64_t{3600} * 1'000'000'000;

  static size_t BucketOf(int64_t value);
  // The largest value that goes into the bucket.
  static int64_t UpperBound(size_t bucket);

  std::vector<int64_t> buckets_;
  int64_t count_ = 0;
  int64_t max_ = 0;
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_HISTOGRAM_H_
