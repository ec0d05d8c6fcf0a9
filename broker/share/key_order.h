// KeyOrder: with order=key, whose turn it is: the first job of each key that is not done, through
// memory (KeyLines) and store alike. Jobs that waited for a time come before the others of their
// key, by that time; the others by offset.
//
// After a reload memory has no lines, and the jobs that held keys may be in the log, not yet
// scanned again. So an ordinary job in the store is given its turn only when everything before it
// is scanned; Wake gives it to keys that nothing scanned has met. Used by one handler, then gone.
#ifndef WEIR_BROKER_SHARE_KEY_ORDER_H_
#define WEIR_BROKER_SHARE_KEY_ORDER_H_

#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/runtime/state_reader.h"
#include "broker/share/share_table.h"
#include "broker/share/share_types.h"

namespace weir {

class KeyOrder {
 public:
  KeyOrder(const StateReader* reader, ShareEntry* entry) : reader_(reader), entry_(*entry) {}

  enum class Turn : uint8_t {
    kNow,           // it holds its key from now on
    kLater,         // behind a job that is on its way
    kLaterInStore,  // behind a job that is parked, maybe for long, or in a line that is long
  };
  // An ordinary job is scanned. When it is not its turn, who asks lines it up, or parks it.
  absl::StatusOr<Turn> OnScanned(Offset job, const KeyHash& key);
  // A parked job is due. False: its key is not free.
  absl::StatusOr<bool> OnDue(const ParkedJob& job);

  // The job is to be parked, or is dying, and goes on holding its key. Of what waits behind it in
  // memory, more than a little goes to `line` (at most `room` jobs), which is to be drafted.
  void OnHolderParked(Offset job, const KeyHash& key, size_t room, std::vector<ParkedJob>* line);
  // The job is done; if it held its key, that is the next one's: it is made available, or ready.
  // The key is a copy: what it is taken from may move meanwhile.
  absl::Status OnDone(Offset job, KeyHash key);
  // As far as is known, nothing of its key comes before the job, which is in the store's line.
  absl::StatusOr<bool> IsFirst(Offset job, const KeyHash& key) const;
  // Jobs that are done in the same decision: none of them is next.
  void NoteDone(Offset job) { done_.insert(job); }

  // Gives keys whose first job is in the store their turn, as far as there is room.
  absl::Status Wake();

 private:
  struct InStore {
    Offset job;
    int64_t turn = 0;  // 0: it holds the key and waits to be tried again
  };

  // The first of the key in the store that is not done in this decision.
  absl::StatusOr<std::optional<InStore>> FirstInStore(const KeyHash& key) const;
  absl::Status MakeReady(Offset job, KeyHash key);
  bool MayHaveTurn(const InStore& next) const;

  const StateReader* const reader_;
  ShareEntry& entry_;
  absl::flat_hash_set<Offset> done_;
};

// Where a job that may be handed out stands in DeliveryWindow::ready or alone.
inline DeliveryWindow::ByDue::value_type ReadyPlace(const ParkedJob& job) {
  return {job.cause == ParkedCause::kBlocked ? 0 : job.due_ms, job.offset};
}

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_KEY_ORDER_H_
