// PartitionState: what must be known of a partition's log to append to it, beside its files. The
// committer advances it with every batch, checkpoints save it in the recovery point, redo brings
// the saved one up to date. Not thread-safe.
#ifndef WEIR_STORAGE_LOG_PARTITION_STATE_H_
#define WEIR_STORAGE_LOG_PARTITION_STATE_H_

#include <string>

#include "storage/base/bytes.h"
#include "storage/base/types.h"
#include "storage/log/epoch_history.h"
#include "storage/log/producer_state.h"

namespace weir {

struct PartitionState {
  RoundNumber as_of;  // rounds up to this one are contained; meaningful in a recovery point
  Offset log_start;
  Offset log_end;         // the next offset to give
  Offset segment_base;    // the segment that is appended to,
  FilePosition position;  // and where in it. At 0 its file need not exist.
  EpochHistory epochs;
  ProducerState producers;

  // A batch with its base offset and epoch set was appended at (segment_base, position).
  void NoteAppend(const RecordBatchHeader& header, Offset at_segment, FilePosition at_position,
                  int64_t now_ms);
  // The log start moves to `start`; the log goes on in segment `base` at `at`.
  void NoteLogStart(Offset start, Offset base, FilePosition at);
  // The log ends at `end`, which is (base, at).
  void NoteTruncate(Offset end, Offset base, FilePosition at);

  // No log can be in another state, whatever happened to it.
  bool MakesSense() const;

  void EncodeTo(std::string* out) const;
  // False when the bytes make no sense.
  bool DecodeFrom(ByteReader* in);
  // Only what comes before epochs and producers, which may be many.
  bool DecodeEndsFrom(ByteReader* in);
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_PARTITION_STATE_H_
