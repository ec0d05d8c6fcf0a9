// ParkedJobs: the parked jobs of a share-partition that are in memory: of those that wait for a
// time the soonest, up to the horizon, and all that are handed out or about to be. The rest is in
// the store, however many there are, and comes in when the soonest are used up. Kept true by
// replay, filled by handlers. Not thread-safe.
#ifndef WEIR_BROKER_SHARE_PARKED_JOBS_H_
#define WEIR_BROKER_SHARE_PARKED_JOBS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/runtime/state_reader.h"
#include "broker/share/parked_job.h"
#include "storage/base/types.h"
#include "storage/meta/share_keys.h"

namespace weir {

class ParkedJobs {
 public:
  explicit ParkedJobs(const SharePlace& place) : place_(place) {}

  // Replay: the job is parked so from now on, or is not any more.
  void OnParked(const ParkedJob& job);
  void OnUnparked(Offset offset);

  // In memory; null when it is not. Good until the next call that is not const.
  const ParkedJob* Find(Offset offset) const;
  // From memory or the store. Nothing: no job is parked at the offset.
  absl::StatusOr<std::optional<ParkedJob>> Get(const StateReader& reader, Offset offset) const;
  // Those from an offset on, by offset, from the store, until `visit` returns false.
  static absl::Status Visit(const StateReader& reader, const SharePlace& place, Offset from,
                            absl::FunctionRef<bool(const ParkedJob&)> visit);

  // The next whose time has come, taken out of those that wait: it stays here until it is not
  // parked so any more. Nothing: none in memory is due.
  std::optional<ParkedJob> TakeDue(int64_t now_ms);
  bool IsTaken(Offset offset) const;
  // One that was taken waits again.
  void PutBack(Offset offset);
  // One that waits for no time, from the store, is taken as well.
  void Take(const ParkedJob& job);
  // When the next of those in memory is due.
  std::optional<int64_t> NextDue() const;
  // Memory has run short of soonest ones, and the store has more.
  bool NeedsMore() const;
  // Takes in the next soonest from the store.
  absl::Status Refill(const StateReader& reader);

  // Of a cause, those that are taken.
  int64_t taken(ParkedCause cause) const { return taken_[static_cast<size_t>(cause)]; }
  size_t in_memory() const { return jobs_.size(); }

 private:
  using Due = std::pair<int64_t, Offset>;
  static constexpr Due kEverything{std::numeric_limits<int64_t>::max(), Offset{0}};

  struct Held {
    ParkedJob job;
    bool taken = false;
  };

  int64_t& TakenOf(const Held& held) { return taken_[static_cast<size_t>(held.job.cause)]; }

  const SharePlace place_;
  absl::flat_hash_map<Offset, Held> jobs_;
  absl::btree_set<Due> waiting_;    // of jobs_, those that are not taken
  std::array<int64_t, 5> taken_{};  // of jobs_, by ParkedCause
  // Every job of the store that waits for a time up to this one, itself included, is in jobs_.
  Due horizon_{-1, Offset{-1}};
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_PARKED_JOBS_H_
