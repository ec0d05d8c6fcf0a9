// CommitRound: what the committer makes durable at once: the requests in queue order, what each
// will be told, and the batches with their places. It decides every request, and is the last
// place where one can be refused; it writes nothing. The committer's thread, and the completion
// thread once the committer has let go of it.
#ifndef WEIR_STORAGE_LOG_COMMIT_ROUND_H_
#define WEIR_STORAGE_LOG_COMMIT_ROUND_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/base/types.h"
#include "storage/log/append.h"
#include "storage/log/atomic_appends.h"
#include "storage/log/journal_format.h"
#include "storage/log/log_listener.h"
#include "storage/log/log_writer.h"
#include "storage/log/partition_log.h"

namespace weir {

// What a request is told whose round failed: COMMIT_UNCERTAIN, it may or may not survive.
absl::Status CommitUncertain(const absl::Status& cause);

class CommitRound {
 public:
  struct Rules {
    LeaderEpoch leader_epoch;
    int64_t producer_expiration_ms = 0;
    absl::Status refusal;           // not OK: of every request
    absl::Status refusal_by_space;  // not OK: of those that are not internal
  };
  // What goes to one partition, in order of position.
  struct PartitionPart {
    std::shared_ptr<PartitionLog> log;
    std::vector<PlacedBatch> batches;
  };

  // What would refuse an atomic append of this, apart from sequences. Any thread.
  static absl::Status CheckAtomic(absl::Span<const BatchAppend> batches,
                                  absl::Span<const LogStartMove> log_starts, const Rules& rules);
  // May an atomic append be so large?
  static absl::Status CheckSize(absl::Span<const BatchAppend> batches,
                                absl::Span<const LogStartMove> log_starts);

  // Decides every request: it is refused as a whole, or its batches get offset, epoch and place,
  // and its log starts move. The logs' ends have moved when this returns.
  CommitRound(std::vector<AppendRequest> requests, const AppendTime& time, const Rules& rules);

  const AppendTime& append_time() const { return time_; }
  // Nothing has to be written: all were refused, or written before.
  bool empty() const { return placed_.empty() && atomic_.empty(); }
  // Something has to be shown in several logs at one moment.
  bool has_atomic() const { return !atomic_.empty(); }

  // Entry heads and payloads in turn, as the journal takes them; borrowed from the round until
  // TakeParts().
  std::vector<absl::string_view> JournalPieces();

  // The answers of those who asked for no more than the write.
  std::vector<absl::AnyInvocable<void()>> TakeEarlyAnswers();

  // The write or the flush failed: whoever was to hear of success hears COMMIT_UNCERTAIN.
  void MakeUncertain(const absl::Status& cause);

  // What the segments get; once. The round remembers the partitions, for touched().
  std::vector<PartitionPart> TakeParts();
  // What TakeParts() gives is a part of these, of which each is shown as one; once.
  std::vector<AtomicAppend> TakeAtomic();
  // Each partition of TakeParts() once.
  const std::vector<std::shared_ptr<PartitionLog>>& touched() const { return touched_; }

  // Calls `done` of every request not yet answered. Once.
  void Answer();

  RoundStats& stats() { return stats_; }

 private:
  // An atomic append with its place among the journal's entries.
  struct Placed {
    size_t begin = 0;  // its batches, in placed_; its log starts follow them
    size_t end = 0;
    AtomicAppend append;
  };

  absl::StatusOr<std::vector<AppendResult>> Decide(AppendRequest& request, const Rules& rules);
  static absl::Status CheckPart(const BatchAppend& batch, const Rules& rules);
  static absl::Status CheckPart(const LogStartMove& move);
  absl::StatusOr<AppendResult> Check(const BatchAppend& batch, const Rules& rules);
  void PlaceLogStarts(AppendRequest& request);
  void AddHead(EntryHead head, std::vector<absl::string_view>* pieces);
  void AddLogStarts(const Placed& atomic, std::vector<absl::string_view>* pieces);

  const AppendTime time_;
  std::vector<AppendRequest> requests_;
  std::vector<absl::StatusOr<std::vector<AppendResult>>> results_;  // one a request
  std::vector<PlacedBatch> placed_;
  std::vector<std::shared_ptr<PartitionLog>> placed_in_;  // parallel to placed_
  std::vector<std::shared_ptr<PartitionLog>> touched_;
  std::vector<Placed> atomic_;
  std::string heads_;  // of the journal's entries, and the payloads of those without a batch
  RoundStats stats_;
};

}  // namespace weir

#endif  // WEIR_STORAGE_LOG_COMMIT_ROUND_H_
