// StateKeeper: keeps the state of the internal partitions behind their logs and in front of their
// beginnings. From time to time it has the shards write to the state store and flushes that, so
// that a start replays little; less often it makes a snapshot; and it trims each log below what the
// older of the two snapshots has applied, so that store or newer snapshot may be lost and the rest
// still gives everything. What a start does with all that is state_recovery.h's.
//
// Any thread may call; everything happens on the keeper's strand, and waits for the disk there.
#ifndef WEIR_BROKER_RUNTIME_STATE_KEEPER_H_
#define WEIR_BROKER_RUNTIME_STATE_KEEPER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/runtime/keyed_timers.h"
#include "broker/runtime/shard.h"
#include "broker/runtime/state_files.h"
#include "broker/runtime/state_recovery.h"
#include "broker/runtime/strand.h"
#include "broker/runtime/timer_queue.h"
#include "storage/base/executor.h"
#include "storage/base/limits.h"
#include "storage/log/log_manager.h"
#include "storage/meta/state_store.h"

namespace weir {

struct StateKeeperOptions {
  StateFiles files;
  std::vector<std::shared_ptr<PartitionLog>> partitions;  // every internal partition
  LogManager* logs = nullptr;
  Executor* executor = nullptr;  // its threads may wait for the disk
  TimerQueue* timers = nullptr;
  absl::Duration flush_pause = absl::Seconds(10);
  // A snapshot is made when something new is flushed and the last one is so old, or the logs have
  // grown by so much.
  absl::Duration snapshot_pause = absl::Minutes(5);
  int64_t snapshot_bytes = limits::kStateSnapshotBytes;
  // Asked before each round: true passes it over, since the disk is low and what is not flushed is
  // in the logs. Any thread; may be empty.
  std::function<bool()> disk_is_low;
  // Called once, on the strand: store or disk have failed, nothing is flushed any more. The broker
  // should stop; what is acknowledged is in the logs.
  absl::AnyInvocable<void(const absl::Status&)> on_failure;
};

class StateKeeper {
 public:
  // Recovers the store (RecoverState says how, and which errors). What the options name outlives
  // the keeper.
  static absl::StatusOr<std::unique_ptr<StateKeeper>> Open(StateKeeperOptions options,
                                                           StateNotes* notes);
  // After Stop() is done, and the shards, which use the store, are gone.
  ~StateKeeper();

  StateStore& store() { return *store_; }

  // Begins, once; `shards` run the options' partitions over store(), and are loaded.
  void Start(std::vector<Shard*> shards);

  // One round now, without waiting for the pause: the shards write, everything is flushed, a
  // snapshot is made when it is due. `done` on the strand; DISK_LOW when the round was passed over.
  // After Start() and before Stop().
  void Flush(absl::AnyInvocable<void(const absl::Status&)> done);

  // No round comes any more. `done` comes, on the strand, when none is under way: from then on the
  // shards are not used, and may stop.
  void Stop(absl::AnyInvocable<void()> done);

  // After the shards have stopped: flushes what they wrote last, so that the next start has nothing
  // to replay. Waits for the disk.
  absl::Status FlushStore();

 private:
  using Done = absl::AnyInvocable<void(const absl::Status&)>;
  struct Snapshot {
    int64_t number = 0;
    // How far it has applied each partition at least; nothing for one of an earlier start that was
    // not looked into yet.
    std::optional<std::vector<Offset>> applied;
  };

  StateKeeper(StateKeeperOptions options, std::unique_ptr<StateStore> store,
              std::vector<int64_t> snapshots);

  void BeginRound();
  void PassOver();
  void SetTimer();
  void OnShardWritten(const absl::Status& status);
  void EndRound(absl::Status status);
  void FinishStopping();
  absl::Status FlushAndSnapshot();
  void NoteGrowth();
  absl::Status MakeSnapshot(std::vector<Offset> applied);
  // Removes the snapshots that are too many, and what of the logs no snapshot needs.
  absl::Status TrimBelowOlderSnapshot();
  absl::Status LookInto(Snapshot& snapshot);

  StateKeeperOptions options_;
  const std::unique_ptr<StateStore> store_;

  // The strand's.
  std::vector<Shard*> shards_;
  std::deque<Snapshot> snapshots_;  // oldest first
  std::vector<Offset> flushed_;     // what the store has applied and flushed
  absl::Duration snapshot_at_;      // when the last one was made, or the keeper opened
  std::vector<int64_t> sizes_;      // of the logs, when they were last looked at
  int64_t grown_bytes_ = 0;         // of the logs since the last snapshot
  bool in_round_ = false;
  size_t shards_writing_ = 0;
  absl::Status round_status_;
  std::vector<Done> waiting_;        // for the end of a round
  absl::Status failed_;              // why there are no more rounds
  absl::AnyInvocable<void()> stop_;  // asked for, and until it is answered
  bool stopped_ = false;

  KeyedTimers timers_;
  Strand strand_;  // goes first: it runs what the timers have posted
};

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_STATE_KEEPER_H_
