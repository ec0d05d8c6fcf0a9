// RedoView: what recovery would make of a data directory, found out without changing a byte: the
// recovery point, and every journal round behind it applied in memory. After a crash the segments
// alone lag behind this. While a broker runs it is a moment of the near past. Immutable once
// loaded.
#ifndef WEIR_TOOLS_LOG_INSPECT_REDO_VIEW_H_
#define WEIR_TOOLS_LOG_INSPECT_REDO_VIEW_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/log/journal_reader.h"
#include "storage/log/partition_state.h"
#include "storage/log/recovery_point.h"

namespace weir {

// A batch that the journal holds and recovery would write to its segment again.
struct JournaledBatch {
  Offset segment_base;
  FilePosition position;
  Offset base_offset;
  Offset next_offset;
  uint32_t size = 0;
  uint32_t crc = 0;
};

struct PartitionView {
  PartitionState state;  // with the journal applied
  // What the recovery point alone vouches for: batches below this are in the segments and flushed.
  Offset flushed_offset;
  Offset flushed_base;
  FilePosition flushed_position;
  std::vector<JournaledBatch> journal;  // what comes after, in order
};

class RedoView {
 public:
  // An empty view for a directory in which nothing was ever appended. DATA_LOSS where recovery
  // would refuse to start: the recovery point or the journal does not verify. A broker that writes
  // at the same time may make the journal look so for a moment; it is read again until it looks
  // sound, or wrong in the same way twice.
  static absl::StatusOr<RedoView> Load(FileSystem& fs, const std::string& data_directory);

  const RecoveryPoint::Position& position() const { return position_; }
  bool has_recovery_point() const { return has_recovery_point_; }
  const std::map<TopicPartition, PartitionView>& partitions() const { return partitions_; }
  int64_t rounds() const { return rounds_; }  // newer than the recovery point
  RoundNumber last_round() const { return last_round_; }

 private:
  static absl::StatusOr<RedoView> LoadOnce(FileSystem& fs, const std::string& data_directory);
  absl::Status Apply(const JournalRound& round);
  absl::Status ApplyEntry(RoundNumber round, const JournalEntry& entry);

  RecoveryPoint::Position position_;
  bool has_recovery_point_ = false;
  std::map<TopicPartition, PartitionView> partitions_;
  int64_t rounds_ = 0;
  RoundNumber last_round_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_LOG_INSPECT_REDO_VIEW_H_
