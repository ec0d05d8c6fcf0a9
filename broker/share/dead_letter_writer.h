// DeadLetterWriter: everything between a job that dies and its dead letter. Told of a
// share-partition with dying jobs, it takes some, reads their records, makes their letters
// (LetterMaker), brings both back to the machine, which appends them as one, and goes on until
// nothing is dying. What cannot be made is postponed, with the reason. It keeps nothing: after a
// start the machines tell it again.
//
// Letters of one share-partition are written one portion after the other; few share-partitions have
// their turn at once, the others wait. It has no thread: work that may wait for the disk runs on
// the disk executor. Any thread; guarded by mu_, which is not held over a call.
#ifndef WEIR_BROKER_SHARE_DEAD_LETTER_WRITER_H_
#define WEIR_BROKER_SHARE_DEAD_LETTER_WRITER_H_

#include <deque>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "broker/limits/admission.h"
#include "broker/partition/partition_manager.h"
#include "broker/share/letter_machines.h"
#include "broker/share/letter_maker.h"
#include "broker/share/share_directory.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_types.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"

namespace weir {

class DeadLetterWriter {
 public:
  // All outlive the writer.
  struct Options {
    LetterMachines* machines = nullptr;
    ShareDirectory* directory = nullptr;
    PartitionManager* partitions = nullptr;
    const TopicCatalog* catalog = nullptr;
    Executor* disk = nullptr;
    MemoryShare* memory = nullptr;  // for what is read and made
    const Clock* clock = nullptr;
  };
  explicit DeadLetterWriter(const Options& options) : options_(options) {}
  // Stop() came before, or nothing was ever dying.
  ~DeadLetterWriter();

  // Before this nobody has a turn: machines tell of what is dying while the broker starts. Once.
  void Start() ABSL_LOCKS_EXCLUDED(mu_);

  // As ShareListener::OnDying: on the machine's strand; does not wait.
  void OnDying(const SharePartitionId& id) ABSL_LOCKS_EXCLUDED(mu_);

  // Returns when nothing is under way; the machines still answer. What is dying then is told again
  // after the next start.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Turn;
  using TurnPtr = std::shared_ptr<Turn>;

  // Gives those that wait their turn, as many as may have one.
  std::vector<TurnPtr> NextTurns() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Wait(const SharePartitionId& id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Take(const TurnPtr& turn);
  void OnTaken(const TurnPtr& turn, absl::StatusOr<std::vector<DyingJob>> jobs);
  // On the disk executor, with the memory for it.
  void Begin(const TurnPtr& turn);
  absl::StatusOr<LetterMaker> MakerFor(Turn* turn) const;
  absl::StatusOr<TopicPtr> DeadLetterTopicOf(const std::string& group) const;
  void GoOn(const TurnPtr& turn);
  void Postpone(const TurnPtr& turn, std::vector<Offset> jobs, const absl::Status& why);
  // Back from the machine's strand.
  void Continue(const TurnPtr& turn);
  // `more`: jobs may be dying still; they have their turn behind the others.
  void EndTurn(const TurnPtr& turn, bool more) ABSL_LOCKS_EXCLUDED(mu_);
  bool stopping() const ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;
  mutable absl::Mutex mu_;
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  // Whose turn it is; true: told of again meanwhile.
  absl::flat_hash_map<SharePartitionId, bool> turns_ ABSL_GUARDED_BY(mu_);
  std::deque<SharePartitionId> waiting_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_set<SharePartitionId> waits_ ABSL_GUARDED_BY(mu_);  // the same
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_DEAD_LETTER_WRITER_H_
