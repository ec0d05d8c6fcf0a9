// Ownership: which member of a group holds which partition of a topic, as the members themselves
// know it: from when one is told that it owns a partition until it is about to say that it has
// given it up. Any thread; guarded by mu_.
#ifndef WEIR_TOOLS_BENCH_OWNERSHIP_H_
#define WEIR_TOOLS_BENCH_OWNERSHIP_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace weir {

class Ownership {
 public:
  explicit Ownership(int32_t partitions);

  // A member that is to have a share from now on; nothing yet.
  void Add(int member) ABSL_LOCKS_EXCLUDED(mu_);
  // It holds these now, and only these.
  void Set(int member, absl::Span<const int32_t> partitions) ABSL_LOCKS_EXCLUDED(mu_);
  // It is a member no more.
  void Remove(int member) ABSL_LOCKS_EXCLUDED(mu_);

  // A time during which one member holds one partition; absent while it does not.
  std::optional<int64_t> HoldOf(int member, int32_t partition) const ABSL_LOCKS_EXCLUDED(mu_);
  // How often a member took what another still held.
  int64_t doubles() const ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until every partition is held and no member has two more than another. False: not within
  // `max_wait`.
  bool AwaitEven(absl::Duration max_wait) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Place {
    int member = -1;  // -1: nobody
    int64_t hold = 0;
  };

  bool IsEven() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void Recount(int member, size_t size) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::vector<Place> places_ ABSL_GUARDED_BY(mu_);  // by partition
  std::map<int, std::vector<int32_t>> members_ ABSL_GUARDED_BY(mu_);
  std::map<size_t, int> sizes_ ABSL_GUARDED_BY(mu_);  // how many members hold so many
  size_t held_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t holds_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t doubles_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_OWNERSHIP_H_
