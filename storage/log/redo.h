// Redo: the part of recovery that brings the partitions' files in line with the journal: it writes
// each batch at its place, moves log starts and ends, and cuts what lies behind. Without space a
// partition ends in front of the first batch that is in no file, and an atomic append is in all of
// its partitions or in none. It reads no journal and flushes nothing. One thread.
#ifndef WEIR_STORAGE_LOG_REDO_H_
#define WEIR_STORAGE_LOG_REDO_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/base/file_system.h"
#include "storage/base/types.h"
#include "storage/log/journal_format.h"
#include "storage/log/partition_state.h"
#include "storage/log/recovery.h"
#include "storage/log/recovery_point.h"

namespace weir {

class Redo {
 public:
  // `options` and `report` outlive this.
  Redo(const RecoveryOptions& options, RecoveryReport* report)
      : options_(options),
        fs_(*options.file_system),
        report_(report),
        now_ms_(options.clock->NowMs()) {}

  // The states that are flushed. First.
  absl::Status LoadStates(const RecoveryPoint::States& states);
  // Does over again what the next round says.
  absl::Status ApplyRound(const JournalRound& round);
  // Cuts every partition where it ends now. After the last round.
  absl::Status CutAll();
  // OK, or the first error of a write that found no space.
  const absl::Status& no_space() const { return no_space_; }
  // Of every partition that holds data.
  RecoveryPoint::States TakeStates(RoundNumber as_of);
  // Those that are shorter than they must be, and why.
  absl::flat_hash_map<TopicPartition, std::string> TakeDamaged() { return std::move(damaged_); }

 private:
  // Where a log is; what of its state decides whether an entry can follow.
  struct Ends {
    Offset log_start;
    Offset log_end;
    Offset segment_base;
    FilePosition position;
    LeaderEpoch epoch;
  };
  struct Target {
    PartitionState state;
    Ends ahead;  // where `state` will be after the entries that were checked
    bool redone = false;
    bool stopped = false;  // there was no space for a batch: the log ends in front of it
  };
  struct Step {
    const JournalEntry* entry;
    Target* target;
  };
  bool Deleted(const TopicPartition& id) const {
    return options_.deleted_topics.contains(id.topic);
  }
  // Records of a later start than this one: what tells the starts apart was lost.
  absl::Status CheckEpoch(const TopicPartition& id, LeaderEpoch epoch) const;
  // An entry, or those of an atomic append.
  absl::Status ApplyEntries(RoundNumber round, absl::Span<const JournalEntry> entries);
  // Can the entry follow where its partition is? Moves target->ahead.
  absl::Status Check(RoundNumber round, const Step& step) const;
  absl::Status CheckAppend(RoundNumber round, const Step& step) const;
  void Note(const Step& step);
  // Of an append without room: the partitions end in front of it. A log start that belongs to it
  // waits for it, unless the records are gone.
  absl::Status StopAt(absl::Span<const Step> steps);
  // What can be done for a partition that has stopped: what moves its ends inward.
  void MoveInward(const Step& step);
  absl::StatusOr<bool> RecordsAreGone(const Step& step);
  // False: there was no space, and the file does not hold the batch already.
  absl::StatusOr<bool> WriteBatch(const JournalEntry& entry);
  absl::Status WriteBytes(const JournalEntry& entry);
  bool IsThere(const JournalEntry& entry);
  void NoteNoSpace(const absl::Status& cause) { no_space_.Update(cause); }
  absl::StatusOr<File*> OpenSegment(const TopicPartition& id, Offset base);
  absl::Status Cut(const TopicPartition& id, const PartitionState& state);

  const RecoveryOptions& options_;
  FileSystem& fs_;
  RecoveryReport* const report_;
  const int64_t now_ms_;
  absl::node_hash_map<TopicPartition, Target> targets_;
  absl::flat_hash_map<TopicPartition, std::string> damaged_;
  std::string open_path_;  // the segment that was written last stays open for the next batch
  std::unique_ptr<File> open_file_;
  absl::Status no_space_;
  bool round_is_whole_ = true;  // everything of the round under way is in its files
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_REDO_H_
