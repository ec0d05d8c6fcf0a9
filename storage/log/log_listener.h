// LogListener: what the log tells the rest of the broker as it happens. Every call comes on the
// completion executor (one at a time) unless it says otherwise, and must not block.
#ifndef WEIR_STORAGE_LOG_LOG_LISTENER_H_
#define WEIR_STORAGE_LOG_LOG_LISTENER_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/base/types.h"

namespace weir {

class PartitionLog;

struct RoundStats {
  int64_t requests = 0;
  int64_t batches = 0;
  int64_t payload_bytes = 0;  // batches
  int64_t journal_bytes = 0;  // with heads and padding
  absl::Duration journal_write;
  absl::Duration flush;  // fdatasync of the journal
  absl::Duration apply;  // segment writes
};

struct CheckpointStats {
  int64_t segments_flushed = 0;
  absl::Duration duration;
};

class LogListener {
 public:
  virtual ~LogListener() = default;
  // The partition has more to read: its high watermark moved. Once per partition and round.
  virtual void OnHighWatermark(const PartitionLog& log) = 0;
  virtual void OnRound(const RoundStats& stats) = 0;
  virtual void OnCheckpoint(const CheckpointStats& stats) = 0;
  // The directory takes no more writes, for the reason given; the process is expected to exit soon.
  // Any thread, once.
  virtual void OnFenced(const absl::Status& reason) = 0;
  // The partition turned out to be damaged and takes no more appends, for the reason given; what
  // recovery finds is in its report instead. Any thread, once for each partition, with locks of the
  // log held: no calls back into it.
  virtual void OnDamaged(const TopicPartition&, absl::string_view) {}
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_LOG_LISTENER_H_
