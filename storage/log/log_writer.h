// LogWriter: the appending side of one PartitionLog. The committer asks it whether a batch may be
// appended, places it (offset, segment, position), and after the journal is durable has it written
// to the segment and shown to readers. It does no I/O but that of the segments. The committer's
// thread only.
#ifndef WEIR_STORAGE_LOG_LOG_WRITER_H_
#define WEIR_STORAGE_LOG_LOG_WRITER_H_

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/base/bytes.h"
#include "storage/base/types.h"
#include "storage/log/partition_state.h"
#include "storage/log/segment.h"
#include "storage/record/record_batch.h"

namespace weir {

class PartitionLog;

// A batch with its place in the log.
struct PlacedBatch {
  RecordBatchHeader header;                  // base offset and epoch set
  std::array<char, kBatchHeaderBytes> head;  // the same, encoded
  SharedBytes bytes;  // as it was sent; its first 61 bytes are replaced by `head`
  Offset segment_base;
  FilePosition position;

  // Appends the batch's bytes to `pieces`, borrowed from this.
  void AppendTo(std::vector<absl::string_view>* pieces) const;
};

struct AppendTime {
  int64_t now_ms = 0;
  absl::Duration monotonic;
};

class LogWriter {
 public:
  LogWriter(PartitionLog* log, PartitionState state) : log_(log), state_(std::move(state)) {}

  const PartitionState& state() const { return state_; }
  // The state as a recovery point keeps it, containing every round up to `as_of`.
  std::string EncodeState(RoundNumber as_of);

  // Is a batch with this header what its producer may send next? A duplicate, or why not. Changes
  // nothing. (PartitionLog::CheckAppendable() says whether the log takes anything.)
  absl::StatusOr<ProducerState::Verdict> CheckSequence(const RecordBatchHeader& header,
                                                       int64_t now_ms, int64_t expiration_ms);

  // Gives the batch its offset and place; the log's end has moved when this returns.
  PlacedBatch Place(const RecordBatchHeader& header, SharedBytes bytes, LeaderEpoch epoch,
                    const AppendTime& time);

  // Writes placed batches (in order of position) to their segments. When there is no space they are
  // kept here: stalled() until Retry() succeeds. Any other error is returned; the directory must be
  // fenced.
  absl::Status Apply(std::vector<PlacedBatch> batches, const AppendTime& time);
  absl::Status Retry(const AppendTime& time);
  bool stalled() const { return !stalled_.empty(); }

  // What was applied is not shown yet, since it belongs to an atomic append that is stalled
  // elsewhere.
  void SetHeld(bool held);
  bool held() const { return held_; }
  // Takes nothing until there is space, and has a state that must not be saved: what the journal
  // holds of it is still needed.
  bool waits() const { return stalled() || held(); }

  // What of the active segment the kernel may begin to write back, once that is `at_least` bytes.
  std::optional<Segment::Writeback> TakeWriteback(int64_t at_least) {
    return active_ == nullptr ? std::nullopt : active_->TakeWriteback(at_least);
  }

  // Shows where the log ends, ahead of what can be read: a producer may be told so before the
  // flush.
  void ShowEnd();

  // The topic was deleted: appends that were on their way are refused from now on.
  void SetDeleted();

  // Shows what was applied to readers; false when that is nothing new.
  bool Publish();

  // Readers wait from the first call to the second: several logs change as one.
  void BeginChange();
  void EndChange();

  // The log start moves to `start` (log start <= start <= high watermark). Returns what a journal
  // entry must say (where the log goes on), and nothing when there is nothing to do.
  struct LogStart {
    Offset start;
    Offset segment_base;
    FilePosition position;
  };
  std::optional<LogStart> PlanLogStart(Offset start) const;
  // Moves it for what is placed from now on.
  void PlaceLogStart(const LogStart& to);
  // After the entry is durable, and what was placed meanwhile is applied and published: moves it
  // for everybody and returns the segments that are gone, lowest first.
  std::vector<std::shared_ptr<Segment>> ShowLogStart(const LogStart& to);
  // Both, when nothing comes between.
  std::vector<std::shared_ptr<Segment>> ApplyLogStart(const LogStart& to);

  // A cut at `end`, a batch boundary. INVALID_REQUEST when it is none, or below the high watermark;
  // DISK_LOW while the log is held: it must not lose its part of an atomic append.
  struct Cut {
    Offset end;
    Offset segment_base;
    FilePosition position;
  };
  absl::StatusOr<Cut> PlanTruncate(Offset end) const;
  // After the entry is durable. An error fences the directory. What is cut off is removed before
  // this returns: the next segment may begin where one of those did, and get its name.
  absl::Status ApplyTruncate(const Cut& cut);

  // The segments with unflushed bytes, and those whose index has news. Clears the list.
  std::vector<std::shared_ptr<Segment>> TakeTouched();
  const std::string& directory() const;

  // For the committer's list of logs that a checkpoint must save.
  bool listed_dirty = false;

 private:
  // PartitionLog::CheckAppendable() says what waits() does.
  void NoteWaits();
  Segment* ActiveSegment(Offset base);
  absl::Status WriteRun(absl::Span<const PlacedBatch> run, const AppendTime& time);

  PartitionLog* const log_;
  PartitionState state_;
  std::shared_ptr<Segment> active_;  // what Apply writes to; null before the first append
  std::optional<absl::Duration>
      segment_since_;  // monotonic time of the first append to it in this process
  std::deque<PlacedBatch> stalled_;
  bool held_ = false;
  bool waits_noted_ = false;
  std::vector<std::shared_ptr<Segment>> touched_;
  Offset applied_end_;  // what Publish shows
  Offset applied_segment_;
  FilePosition applied_position_;
  bool applied_any_ = false;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_LOG_WRITER_H_
