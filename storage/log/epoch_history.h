// EpochHistory: which leader epoch began at which offset of a partition. It grows with the first
// append in a new epoch. Below its bound the oldest entries merge, which only makes checks of very
// old batches coarser. Not thread-safe.
#ifndef WEIR_STORAGE_LOG_EPOCH_HISTORY_H_
#define WEIR_STORAGE_LOG_EPOCH_HISTORY_H_

#include <string>
#include <vector>

#include "storage/base/bytes.h"
#include "storage/base/types.h"

namespace weir {

class EpochHistory {
 public:
  struct Entry {
    LeaderEpoch epoch;
    Offset start;
    bool operator==(const Entry&) const = default;
  };

  // An append at `offset` under `epoch`; `epoch` is at least latest().
  void Note(LeaderEpoch epoch, Offset offset);
  // Forgets what began at or above `end`.
  void TruncateTo(Offset end);
  // Forgets epochs that ended at or below `start`.
  void DropBelow(Offset start);

  // -1 when nothing was ever appended.
  LeaderEpoch latest() const { return entries_.empty() ? LeaderEpoch{-1} : entries_.back().epoch; }
  // The epoch in force at `offset`; -1 when it began before the history.
  LeaderEpoch EpochAt(Offset offset) const;
  const std::vector<Entry>& entries() const { return entries_; }

  void EncodeTo(std::string* out) const;
  // False when the bytes make no sense.
  bool DecodeFrom(ByteReader* in);

  bool operator==(const EpochHistory&) const = default;

 private:
  std::vector<Entry> entries_;  // both fields strictly ascending
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_EPOCH_HISTORY_H_
