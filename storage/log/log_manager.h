// LogManager: every partition log of one data directory, with the journal, the committer,
// checkpoints and retention behind it. The door of storage/log: the broker uses this class,
// PartitionLog and append.h, nothing else. Any thread unless a function says otherwise.
#ifndef WEIR_STORAGE_LOG_LOG_MANAGER_H_
#define WEIR_STORAGE_LOG_LOG_MANAGER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/file_system.h"
#include "storage/base/limits.h"
#include "storage/base/types.h"
#include "storage/log/append.h"
#include "storage/log/log_listener.h"
#include "storage/log/partition_log.h"

namespace weir {

struct LogManagerOptions {
  FileSystem* file_system = nullptr;
  Clock* clock = nullptr;
  std::string directory;                     // the data directory; exists, locked by the caller
  LogListener* listener = nullptr;           // outlives the manager
  Executor* completions = nullptr;           // one thread; runs `done` callbacks and the listener
  Executor* background = nullptr;            // journal file creation and segment deletion
  LeaderEpoch leader_epoch;                  // of this start
  std::vector<TopicId> live_topics;          // recovery keeps these,
  std::vector<TopicId> deleted_topics;       // removes these, and reports every other directory
  std::array<uint8_t, 16> directory_uuid{};  // of this data directory, for ever: marks its journal
  int64_t journal_file_bytes = limits::kJournalFileBytes;
  int journal_files = limits::kJournalFiles;
  size_t open_files = limits::kOpenFiles;
  size_t dirty_segments = limits::kCheckpointDirtySegments;
  int64_t producer_expiration_ms = limits::kProducerExpirationMs;
  bool threads =
      true;  // false: nothing runs by itself, the owner calls RunCommitter() and RunCheckpoint()
};

// What a start found; for the operator.
struct RecoveryReport {
  struct Damage {
    TopicPartition partition;
    std::string what;
  };
  bool clean = false;  // the last stop was orderly
  // OK; or DISK_LOW: the disk has no room to finish, the start is read-only, and what to do.
  absl::Status read_only;
  int64_t rounds_redone = 0;
  int64_t rounds_not_redone = 0;  // of them something is in no segment yet; 0 unless read_only
  int64_t batches_redone = 0;
  int64_t bytes_redone = 0;
  int64_t partitions = 0;  // that hold data
  std::vector<Damage> damaged;
  std::vector<std::string> unknown_directories;  // kept, not touched
  std::vector<std::string> notes;                // one line for each other thing that was repaired
  absl::Duration duration;
};

class LogManager {
 public:
  // Recovers the directory and takes it into use. When the disk has no room for that, the log is
  // read-only for good: `report->read_only` says so, whatever changes something is refused with it,
  // and journal and recovery point stay as they are, so that a start with room finds everything.
  // Errors: corruption that must not be papered over (DATA_LOSS, the message names the file and
  // what to do), or the file system's. Nothing was deleted that was not finished or unacknowledged.
  static absl::StatusOr<std::unique_ptr<LogManager>> Open(LogManagerOptions options,
                                                          RecoveryReport* report);

  virtual ~LogManager() = default;

  // The partition's log, opened on first use; an empty one when nothing was ever appended. The file
  // system's error when it cannot be opened. `config` applies from now on.
  virtual absl::StatusOr<std::shared_ptr<PartitionLog>> GetLog(TopicPartition id,
                                                               const LogConfig& config) = 0;

  // What can be read of the partition, also while its log is not open; 0 and 0 when nothing was
  // ever appended. From memory. UNKNOWN_TOPIC after DeleteTopic().
  virtual absl::StatusOr<LogBounds> Bounds(const TopicPartition& id) = 0;

  // The partition's log; null while it is not open. From memory.
  virtual std::shared_ptr<PartitionLog> FindOpenLog(const TopicPartition& id) = 0;

  // Queues the request; never blocks. `request.done` tells the outcome.
  virtual void Append(AppendRequest request) = 0;

  // What would refuse an atomic append of this now: a part too large, a deleted topic, damage, a
  // full disk, a fenced directory, a log start out of range. From memory, on any thread. OK
  // promises nothing (sequences are not looked at, and all the rest may change): it spares who must
  // undo a refused append most of those.
  virtual absl::Status CheckAtomicAppend(absl::Span<const BatchAppend> batches,
                                         absl::Span<const LogStartMove> log_starts) = 0;

  // Moves the log start to `before` (at most the high watermark; never back) and removes whole
  // segments below it. `done` comes on the completion executor, with the log start in force, after
  // the move is durable.
  virtual void DeleteRecords(std::shared_ptr<PartitionLog> log, Offset before,
                             absl::AnyInvocable<void(absl::StatusOr<Offset>)> done) = 0;

  // Cuts the log's end back to `to`, which must be a batch boundary at or above the high watermark.
  // For replication.
  virtual void Truncate(std::shared_ptr<PartitionLog> log, Offset to,
                        absl::AnyInvocable<void(absl::Status)> done) = 0;

  // Where the log start may move (DeleteRecords) so that the config is met: whole segments only.
  // The log start as it is when nothing is to go. One partition at a time; reads the disk.
  virtual absl::StatusOr<Offset> RetentionStart(TopicPartition id, const LogConfig& config) = 0;

  // Removes the topic's logs and files, whose space is free when this returns. The caller has
  // durably marked the topic deleted before; the mark must stay until `forgotten` is called on the
  // completion executor: before that, a start would find the topic in the journal and write its
  // records again. When that is not in this process's life, it is not called; the next start's
  // recovery has forgotten the topics in `deleted_topics`. Blocks on the disk.
  virtual absl::Status DeleteTopic(TopicId topic, absl::AnyInvocable<void()> forgotten) = 0;

  // While not OK every append that is not internal is refused with this Status (a full disk);
  // deletions and reads go on.
  virtual void RefuseAppends(absl::Status reason) = 0;

  // OK, or why the directory is fenced.
  virtual absl::Status health() const = 0;

  // How many partitions are known to be damaged: found by recovery, when opened, or by a reader.
  virtual int64_t damaged_partitions() const = 0;

  // Bytes that the journal ring takes on disk; 0 when it is not in use (read-only).
  virtual int64_t journal_bytes() const = 0;

  // Finishes what is queued, checkpoints and marks the directory clean. Appends from now on get
  // SHUTTING_DOWN. Once.
  virtual absl::Status Close() = 0;

  // With options.threads == false: runs one round (false: nothing was waiting); runs one
  // checkpoint.
  virtual bool RunCommitter() = 0;
  virtual absl::Status RunCheckpoint() = 0;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_LOG_MANAGER_H_
