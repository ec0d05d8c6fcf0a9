// DeliveryWindow: what of a share-partition is being handed out: how far the log is known, which
// jobs are available, which are locked, which fell due, which are dying. What a crash takes away; a
// reload begins it anew at the share-partition's start. Not thread-safe.
#ifndef WEIR_BROKER_SHARE_DELIVERY_WINDOW_H_
#define WEIR_BROKER_SHARE_DELIVERY_WINDOW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/time/time.h"
#include "broker/share/key_lines.h"
#include "broker/share/lock_table.h"
#include "broker/share/offset_ranges.h"
#include "broker/share/parked_jobs.h"
#include "storage/base/types.h"

namespace weir {

struct DeliveryWindow {
  using ByDue = absl::btree_set<std::pair<int64_t, Offset>>;

  DeliveryWindow(const SharePlace& place, Offset start) : scanned(start), parked(place) {}

  Offset scanned;          // everything before it is settled, available, locked or in a line
  OffsetRanges available;  // never handed out in this life, nor parked
  LockTable locks;
  ParkedJobs parked;
  ByDue ready;  // parked jobs that may be handed out
  ByDue alone;  // the same, to be handed out alone
  ByDue dying;  // whose letters wait to be taken
  KeyLines lines;
  HeldKeys held_keys;
  LineBegins line_begins;
  Offset first_parked;  // no job before it is parked, nor ever will be
  // With order=key after a reload: keys whose jobs are all in the store have not been looked at
  // yet. They are when everything before SharePartition::blocked_end() is scanned.
  bool wake_keys = true;
  std::string wake_from;  // the key in the store where that goes on; empty: at the first

  // When the share-partition's timer runs; nothing when it is not set.
  std::optional<absl::Duration> timer_at;
  bool wanting = false;        // an acquisition came back with less than it asked for,
  bool limited = false;        // and was not asked for a scan, since a limit was reached
  bool new_alone = false;      // jobs have come to `alone` since somebody was told
  bool told_of_dying = false;  // and nobody has taken them yet
  std::string letter_error;    // why the last dead letter could not be written

  int64_t available_jobs() const {
    return available.size() + static_cast<int64_t>(ready.size() + alone.size());
  }
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_DELIVERY_WINDOW_H_
