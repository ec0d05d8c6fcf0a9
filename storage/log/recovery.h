// Recovery: the only code that opens an untrusted data directory. A positioned redo, not a guess
// about tails: the recovery point says what is flushed, the journal says, byte by byte, what was
// acknowledged since; recovery writes that, whatever the files hold, and cuts every partition
// exactly there. Idempotent, also when it is interrupted anywhere and run again. A disk without
// room for the redo is no error: each partition then ends where its files do. One thread. The
// passes are numbered in recovery.cc and in ARCHITECTURE.md.
#ifndef WEIR_STORAGE_LOG_RECOVERY_H_
#define WEIR_STORAGE_LOG_RECOVERY_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/log/log_manager.h"
#include "storage/log/partition_state.h"
#include "storage/log/recovery_point.h"

namespace weir {

struct RecoveredLog {
  // OK; otherwise a write found no space. Then `states` end in front of the first batch that is in
  // no file, nothing was cut off, and journal and recovery point must stay as they are.
  absl::Status no_space;
  bool fresh = false;                                        // there was nothing
  RecoveryPoint point;                                       // as it was loaded
  RecoveryPoint::Position position;                          // what the new recovery point must say
  RecoveryPoint::States states;                              // of every partition that holds data
  absl::flat_hash_map<TopicPartition, std::string> damaged;  // why, for those that are read-only
  RoundNumber next_round;                                    // above every round ever written
  JournalSequence
      live_from;  // journal files from here on are needed until the new recovery point is durable
  JournalSequence next_sequence;  // above every file sequence ever used
};

struct RecoveryOptions {
  FileSystem* file_system = nullptr;
  Clock* clock = nullptr;
  std::string data_directory;
  JournalUuid journal_uuid{};  // of a new directory
  LeaderEpoch leader_epoch;    // of this start; no record has a later one
  absl::flat_hash_set<TopicId> live_topics;
  absl::flat_hash_set<TopicId> deleted_topics;
};

// Brings the files in line with what was acknowledged and flushes them. The caller then begins the
// journal file `next_sequence` and replaces the recovery point with (position, states): until that
// is durable the old journal must stay. Changes neither of the two itself.
absl::StatusOr<RecoveredLog> Recover(const RecoveryOptions& options, RecoveryReport* report);

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_RECOVERY_H_
