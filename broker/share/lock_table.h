// LockTable: which jobs of a share-partition are handed out, to whom and until when: one entry for
// neighbours that were handed out together. Not of the log: a reload forgets it. Not thread-safe.
#ifndef WEIR_BROKER_SHARE_LOCK_TABLE_H_
#define WEIR_BROKER_SHARE_LOCK_TABLE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "broker/share/offset_ranges.h"
#include "broker/share/share_types.h"

namespace weir {

struct Lock {
  int64_t counter = 0;  // of its token
  ShareSessionId session;
  absl::Duration acquired;  // of the monotonic clock
  absl::Duration until;
  bool parked = false;  // one job, which was handed out before, or had to wait
  bool alone = false;   // and the session shall have nothing else
};

struct LockedJobs {
  OffsetRange jobs;
  Lock lock;
};

class LockTable {
 public:
  int64_t in_flight() const { return in_flight_; }  // jobs
  bool empty() const { return locks_.empty(); }

  // None of them is locked.
  void Add(const OffsetRange& jobs, const Lock& lock);
  // What is locked of the range, by pieces in order, and between them what is not (`lock` null).
  void Visit(const OffsetRange& range,
             absl::FunctionRef<void(const OffsetRange& piece, const Lock* lock)> visit) const;
  // The locked jobs go. The range lies within one lock.
  void Remove(const OffsetRange& jobs);
  // They are locked until then. The range lies within one lock.
  void Extend(const OffsetRange& jobs, absl::Duration until);

  const Lock* Find(Offset offset) const;
  // In order, from an offset on, until `visit` returns false.
  void VisitFrom(Offset from, absl::FunctionRef<bool(const LockedJobs&)> visit) const;
  std::vector<LockedJobs> OfSession(ShareSessionId session) const;
  bool Holds(ShareSessionId session) const { return held_by_.contains(session); }
  // The session holds a job that shall be its only one.
  bool HoldsAlone(ShareSessionId session) const { return alone_.contains(session); }
  // Those whose time is over.
  std::vector<LockedJobs> Expired(absl::Duration now) const;
  // When the first expires; nothing when there are none. Looks at all.
  std::optional<absl::Duration> NextExpiry() const;

 private:
  struct Entry {
    Offset last;
    Lock lock;
  };
  using Map = absl::btree_map<Offset, Entry>;  // by first offset

  // The entry that has the offset, or the first behind it.
  Map::const_iterator At(Offset offset) const;
  // Cuts the entry that has the range, so that one is exactly the range.
  Map::iterator Carve(const OffsetRange& jobs);

  Map locks_;
  int64_t in_flight_ = 0;
  absl::flat_hash_map<ShareSessionId, int64_t> held_by_;  // jobs
  absl::flat_hash_set<ShareSessionId> alone_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_LOCK_TABLE_H_
