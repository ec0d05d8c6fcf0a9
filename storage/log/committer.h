// Committer: the only writer of the journal and the segments of a data directory. It gathers
// everything that waits into a round, gives out offsets, pays one write and one flush of the
// journal for all of it, then writes the segments, shows the new end to readers and posts the
// answers. It decides nothing about retention, checkpoints or recovery.
//
// Threads: Append and Run may be called from any thread; everything else happens on the committer's
// thread, which is the one that calls Step() (its own, or the test's).
#ifndef WEIR_STORAGE_LOG_COMMITTER_H_
#define WEIR_STORAGE_LOG_COMMITTER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/types/span.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/log/append.h"
#include "storage/log/atomic_appends.h"
#include "storage/log/commit_queue.h"
#include "storage/log/commit_round.h"
#include "storage/log/fence.h"
#include "storage/log/journal.h"
#include "storage/log/journal_format.h"
#include "storage/log/log_listener.h"
#include "storage/log/log_writer.h"
#include "storage/log/partition_log.h"

namespace weir {

struct CommitterOptions {
  Clock* clock = nullptr;
  Journal* journal = nullptr;
  Fence* fence = nullptr;
  Executor* completions = nullptr;
  Executor* background =
      nullptr;  // begins to write segments back ahead of checkpoints; null: nobody does
  LogListener* listener = nullptr;
  LeaderEpoch leader_epoch;
  RoundNumber next_round;
  int64_t round_bytes = 0;  // fits the journal's files together with limits::kRoundOverhead
  int64_t producer_expiration_ms = 0;
  // Asked for a checkpoint: `room` means that the committer cannot go on without one.
  std::function<void(bool room)> want_checkpoint;
  AtomicAppends::Remove remove_segments;  // below a log start that moved with an atomic append
  size_t dirty_logs = 0;                  // so many with unsaved changes ask for a checkpoint
};

// What a checkpoint needs to know, as of one moment between two rounds.
struct CheckpointSample {
  RoundNumber through;          // every round up to this one is in its segments
  JournalSequence oldest_live;  // the journal file that holds the first round behind it
  std::vector<std::shared_ptr<Segment>> segments;  // with unflushed bytes or news for their index
  std::vector<Segment::Dirty> files;               // the unflushed ones
  std::vector<std::string> new_files;              // directories of partitions with new files
  std::vector<std::pair<TopicPartition, std::string>>
      states;  // encoded PartitionState of every log that changed
};

// What a round says that appends nothing.
struct ControlEntry {
  EntryKind kind;
  TopicPartition partition;
  Offset segment_base;
  FilePosition position;
  Offset offset;  // the payload: the new log start or log end
};

class Committer {
 public:
  using Control = CommitQueue::Control;

  explicit Committer(CommitterOptions options);
  ~Committer();

  // Starts the thread that calls Step() until Stop().
  void Start();
  // Ends the thread. What is still queued gets SHUTTING_DOWN.
  void Stop();

  // As CommitQueue has them.
  void CloseQueue() { queue_.Close(); }
  void Drain() { queue_.Drain(); }
  void Run(Control control) { queue_.Run(std::move(control)); }
  void RefuseAppends(absl::Status reason) { queue_.RefuseAppends(std::move(reason)); }
  void NoteRoom() { queue_.NoteRoom(); }

  void Append(AppendRequest request);
  // See LogManager::CheckAtomicAppend.
  absl::Status CheckAtomicAppend(absl::Span<const BatchAppend> batches,
                                 absl::Span<const LogStartMove> log_starts);

  // Runs the waiting controls and one round. False when there was nothing to do, or nothing that
  // could be done.
  bool Step();

  // For controls, on the committer's thread.
  //
  // Writes the entries as a round of their own and flushes it. False: no room. After an error the
  // fence has tripped.
  absl::StatusOr<bool> CommitControls(absl::Span<const ControlEntry> entries);
  CheckpointSample Sample();
  // The log changed by other means than Append.
  void NoteChanged(const std::shared_ptr<PartitionLog>& log);
  // Nothing of the topic shows up in samples from now on; its logs are SetDeleted(). Returns the
  // last round that may hold some of it.
  RoundNumber Forget(const TopicId& topic);

 private:
  void ThreadMain();
  bool RunControls();
  void RetryStalled();
  absl::Status CheckFitsJournal(const AppendRequest& request) const;
  // As many as go into one round, for which the journal has room.
  std::vector<AppendRequest> TakeRequests();
  void AskForRoom();
  void Commit(std::vector<AppendRequest> requests);
  CommitRound::Rules Rules() const;
  // Writes the round and flushes it. After an error it may or may not survive.
  absl::Status WriteJournal(CommitRound* round);
  void Apply(CommitRound* round);
  // What Apply has written shows, apart from what must wait for other partitions.
  void ShowAtomic(CommitRound* round);
  void Post(std::shared_ptr<CommitRound> round);

  const CommitterOptions options_;

  CommitQueue queue_;

  // The committer's thread.
  bool lacks_room_ = false;  // in this Step
  RoundNumber next_round_;
  std::vector<std::shared_ptr<PartitionLog>> dirty_;  // changed since the last sample

  // Logs whose segments could not be written, with what the journal must keep for each: its last
  // saved state is as of the sample before it stalled.
  struct Stalled {
    std::shared_ptr<PartitionLog> log;
    RoundNumber saved_through;
    JournalSequence oldest_live;
  };
  std::vector<Stalled> stalled_;  // and those that are held
  AtomicAppends atomic_appends_;
  RoundNumber sampled_through_;
  JournalSequence sampled_live_;

  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_COMMITTER_H_
