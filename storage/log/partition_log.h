// PartitionLog: one partition's segments, from log start offset to log end. Readers see what is
// below the high watermark. It does not decide what is appended (the committer does, through
// log_writer.h) nor what survives a crash (recovery does). Any thread, except for writer().
#ifndef WEIR_STORAGE_LOG_PARTITION_LOG_H_
#define WEIR_STORAGE_LOG_PARTITION_LOG_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/base/limits.h"
#include "storage/base/types.h"
#include "storage/log/epoch_history.h"

namespace weir {

// The part of a topic's configuration that the log acts on.
struct LogConfig {
  int64_t segment_bytes = limits::kSegmentBytesDefault;
  absl::Duration segment_age = absl::InfiniteDuration();
  absl::Duration retention_age = absl::InfiniteDuration();
  int64_t retention_bytes = -1;  // -1: unlimited

  bool operator==(const LogConfig&) const = default;
};

// Whole batches, one after another.
struct BatchSpan {
  std::unique_ptr<char[]> data;
  size_t size = 0;

  absl::string_view view() const { return absl::string_view(data.get(), size); }
};

struct LogRead {
  BatchSpan batches;   // empty when `from` is not below the high watermark
  Offset next_offset;  // where to go on
  Offset high_watermark;
  Offset log_start;
  int64_t needed = 0;  // not 0: nothing was read; the one batch that would be has so many bytes
};

enum class ReadMode {
  kMayBlock,    // waits for the disk
  kCachedOnly,  // UNAVAILABLE when the disk would have to be waited for
};

// Where a sequential reader stands: a hint that saves the search, valid for one log. A fresh one is
// always right.
struct ReadCursor {
  Offset segment_base{-1};
  Offset offset{-1};
  FilePosition position;
  bool cold = false;  // the last read waited for the disk
};

struct TimestampOffset {
  Offset offset;
  int64_t timestamp_ms = -1;  // -1: no record is that new, offset is the high watermark
};

struct LogBounds {
  Offset log_start;
  Offset high_watermark;
};

struct LogDescription {
  Offset log_start;
  Offset high_watermark;
  Offset log_end;
  int64_t size_bytes = 0;
  int32_t segments = 0;
  LeaderEpoch leader_epoch;  // of the last append
  std::string damage;        // empty: healthy; otherwise read-only, and why
};

class DamagedPartitions;
class LogWriter;
class Segment;
class SegmentFiles;
struct PartitionState;

class PartitionLog {
 public:
  // Files outside [log start, log end]. They are kept where recovery could not finish: what lies
  // behind the end may have been acknowledged.
  enum class Leftovers { kRemove, kKeep };

  // The directory's segments, as recovery left them, for a log in `state`. Damage is not an error:
  // it shows in Describe(), makes the log read-only and is added to `damaged`, which outlives the
  // log.
  static absl::StatusOr<std::shared_ptr<PartitionLog>> Open(
      SegmentFiles* files, std::string directory, TopicPartition id,
      std::unique_ptr<PartitionState> state, DamagedPartitions* damaged, Leftovers leftovers);
  ~PartitionLog();

  const TopicPartition& id() const { return id_; }
  Offset log_start() const ABSL_LOCKS_EXCLUDED(mu_);
  Offset high_watermark() const ABSL_LOCKS_EXCLUDED(mu_);
  LogBounds bounds() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::ReaderMutexLock lock(&mu_);
    AwaitChange();
    return {log_start_, high_watermark_.offset};
  }
  LogDescription Describe() const ABSL_LOCKS_EXCLUDED(mu_);
  LogConfig config() const ABSL_LOCKS_EXCLUDED(mu_);
  void SetConfig(const LogConfig& config) ABSL_LOCKS_EXCLUDED(mu_);

  // What lies before damage is read; who comes to it gets the error, and from then on the log is
  // read-only.
  //
  // Batches from the one that holds `from` on, at least one when there is any, at most `max_bytes`
  // otherwise; none when `from` lies between high watermark and log end: what is there cannot be
  // read yet. OFFSET_OUT_OF_RANGE (below log start or above log end), PARTITION_DAMAGED,
  // UNAVAILABLE (kCachedOnly), or the file system's error. `cursor` may be null. `room` is what the
  // caller has memory for: a batch that is larger than both is not read (LogRead::needed).
  absl::StatusOr<LogRead> Read(Offset from, int64_t max_bytes, ReadMode mode, ReadCursor* cursor,
                               int64_t room = std::numeric_limits<int64_t>::max())
      ABSL_LOCKS_EXCLUDED(mu_);

  // OK when Read(from) would read or find nothing yet; otherwise OFFSET_OUT_OF_RANGE.
  absl::Status CheckOffset(Offset from) const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::ReaderMutexLock lock(&mu_);
    AwaitChange();
    return CheckRange(from);
  }

  // The first record whose timestamp is at or after `timestamp_ms`. Of a batch that cannot be
  // decoded only the first record counts, with the time that the header gives. Reads the disk.
  absl::StatusOr<TimestampOffset> FindByTime(int64_t timestamp_ms) ABSL_LOCKS_EXCLUDED(mu_);

  // What refuses every append now: UNKNOWN_TOPIC (the topic was deleted), PARTITION_DAMAGED,
  // DISK_LOW (earlier records wait for space).
  absl::Status CheckAppendable() const ABSL_LOCKS_EXCLUDED(mu_);
  // May the log start move to `start`? UNKNOWN_TOPIC, PARTITION_DAMAGED, or OFFSET_OUT_OF_RANGE.
  absl::Status CheckLogStart(Offset start) const ABSL_LOCKS_EXCLUDED(mu_);

  // The side that appends. The committer's thread only.
  LogWriter& writer() { return *writer_; }

  // Where the log start may move so that `config` is met at `now_ms`: whole segments only. Reads
  // the disk.
  absl::StatusOr<Offset> RetentionStart(const LogConfig& config, int64_t now_ms)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The files were removed: closes them, so that their space is free. Reads that are under way
  // finish, later ones fail.
  void LetGoOfFiles() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class LogWriter;  // publishes what can be read

  // What can be read, moved as one value.
  struct HighWatermark {
    Offset offset;
    Offset segment_base;
    FilePosition position;
  };
  struct Place;  // where a read begins

  PartitionLog(SegmentFiles* files, std::string directory, TopicPartition id,
               std::unique_ptr<PartitionState> state, DamagedPartitions* damaged);
  absl::StatusOr<Place> FindPlace(Offset from, ReadMode mode, const ReadCursor* cursor)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status CheckRange(Offset from) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::Status CheckChangeable() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  // Waits while an atomic append is being shown in this log and others: who has seen it in one of
  // them must find it in this one.
  void AwaitChange() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    if (changing_)
      mu_.Await(absl::Condition(
          +[](const bool* c) { return !*c; }, &changing_));
  }
  absl::Status Damaged(absl::string_view what) const;
  // A reader came to damage in `file` (empty: no file is there to see). Makes the log read-only and
  // returns the error; UNAVAILABLE, and nothing else, when the reader must not wait for the disk.
  absl::Status FoundDamage(ReadMode mode, const std::string& file, absl::string_view what)
      ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<std::shared_ptr<Segment>> Segments() const ABSL_LOCKS_EXCLUDED(mu_);

  SegmentFiles* const files_;
  const std::string directory_;
  const TopicPartition id_;
  DamagedPartitions* const damaged_;

  const std::unique_ptr<LogWriter> writer_;  // the committer's thread only

  mutable absl::Mutex mu_;
  std::vector<std::shared_ptr<Segment>> segments_
      ABSL_GUARDED_BY(mu_);  // ascending by base; none before the first append
  Offset log_start_ ABSL_GUARDED_BY(mu_);
  HighWatermark high_watermark_ ABSL_GUARDED_BY(mu_);
  Offset log_end_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const EpochHistory> epochs_
      ABSL_GUARDED_BY(mu_);  // for the check of what is read
  LogConfig config_ ABSL_GUARDED_BY(mu_);
  std::string damage_ ABSL_GUARDED_BY(mu_);
  bool deleted_ ABSL_GUARDED_BY(mu_) = false;
  bool waits_for_space_ ABSL_GUARDED_BY(mu_) = false;
  bool changing_ ABSL_GUARDED_BY(mu_) = false;  // together with other logs
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_PARTITION_LOG_H_
