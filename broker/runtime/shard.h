// Shard: runs one state machine over one internal partition: requests, timers and replays one at
// a time. It appends what the machine decides, with what shall go to other partitions in the same
// atomic append, answers when that is durable, brings the durable part into the state store, and
// loads the machine again when an append fails. It knows nothing of groups.
//
// While one append is under way, what is decided meanwhile gathers into the next: no record is
// ever appended that was decided after one that may not have made it.
//
// Submit, WriteStore and Stop may be called from any thread; timers only from handlers and the
// machine. Everything happens on the shard's strand.
#ifndef WEIR_BROKER_RUNTIME_SHARD_H_
#define WEIR_BROKER_RUNTIME_SHARD_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/runtime/keyed_timers.h"
#include "broker/runtime/state_machine.h"
#include "broker/runtime/state_overlay.h"
#include "broker/runtime/state_reader.h"
#include "broker/runtime/strand.h"
#include "broker/runtime/timer_queue.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/types.h"
#include "storage/log/log_manager.h"
#include "storage/meta/state_store.h"

namespace weir {

struct ShardOptions {
  std::shared_ptr<PartitionLog> log;  // of the internal partition; nobody else appends to it
  LogManager* logs = nullptr;
  StateStore* store = nullptr;
  Executor* executor = nullptr;  // shared by the shards; its threads may wait for the disk
  TimerQueue* timers = nullptr;
  Clock* clock = nullptr;
  absl::Duration store_pause = absl::Seconds(1);  // between two writes to the store
};

class Shard : public MachineTimers, public StateReader {
 public:
  // What the options name, and `machine`, outlive the shard; the machine is used from the strand
  // only.
  Shard(ShardOptions options, StateMachine* machine);
  // After Stop() is done.
  ~Shard() override;

  // Loads the machine: what the store holds, then the rest of the log. Waits for the disk; before
  // any other call. DATA_LOSS: the store is damaged, or does not fit the log (it is ahead of it, or
  // behind what the log still has); the message says which.
  absl::Status Load();

  // Runs `handler`; what it decides is answered. When the shard is stopping, or its machine could
  // not be loaded again, `refused` is called instead. Both on the strand.
  void Submit(Handler handler, absl::AnyInvocable<void(const absl::Status&)> refused);

  // For the machine.
  void SetTimer(absl::string_view key, absl::Duration at, Handler handler) override;
  void CancelTimer(absl::string_view key) override { timers_.Cancel(key); }
  absl::StatusOr<std::string> Get(StateFamily family, absl::string_view key) const override;
  absl::Status Scan(StateFamily family, absl::string_view start, absl::string_view end,
                    Visit visit) const override;

  // Writes everything durable to the store now, without waiting for the pause; `done` on the
  // strand.
  void WriteStore(absl::AnyInvocable<void(const absl::Status&)> done);

  // Handlers are refused from now on; `done` comes, on the strand, when nothing is under way and
  // the store is written. Once.
  void Stop(absl::AnyInvocable<void()> done);

  const TopicPartition& partition() const { return options_.log->id(); }

 private:
  struct Answer {
    absl::AnyInvocable<void(const absl::Status&)> tell;
    std::vector<TopicPartition> elsewhere;  // the other partitions that the decision changes
  };
  // What one append carries, and who waits for it.
  struct Round {
    std::vector<InternalRecord> records;
    std::vector<BatchAppend> appends;  // and what goes elsewhere with them
    std::vector<LogStartMove> log_starts;
    int64_t bytes = 0;
    StateOverlay changes;
    std::vector<Answer> answers;

    size_t parts_elsewhere() const { return appends.size() + log_starts.size(); }
  };

  MachineTime Now() const;
  // `at_least`: the log must give everything below it, since that was durable before.
  absl::Status LoadMachine(Offset at_least);
  absl::Status Refusal() const;
  void Run(Handler handler);
  // `decision`, or what is decided in its place while other partitions would refuse their part.
  Decision Settle(Decision decision);
  absl::Status CheckElsewhere(const Decision& decision) const;
  // The round that takes `decision`, of so many bytes.
  Round& GatheringRound(const Decision& decision, int64_t bytes);
  void SendNext();
  void OnAppended(const absl::StatusOr<std::vector<AppendResult>>& results);
  // Nothing of what was decided since the last durable record will be.
  void OnFailed(const absl::Status& why);
  // For one of those: a refusal that is about other partitions than its own is none of its making.
  absl::Status WhyFailed(const Answer& answer, const absl::Status& why) const;
  void Reload();
  void FinishStopping();
  // Replays one record; what it changes gathers in `changes`.
  absl::Status Replay(const InternalRecord& record, StateOverlay* changes);
  void NoteDurable(StateOverlay changes, Offset end);
  // Over the store, oldest first.
  std::vector<const StateOverlay*> Layers() const;
  absl::Status WriteStoreNow();

  const ShardOptions options_;
  StateMachine* const machine_;

  // The strand's.
  bool stopping_ = false;
  absl::AnyInvocable<void()> stopped_;  // until it is called
  absl::Status broken_;                 // why the machine could not be loaded again
  std::deque<Round> rounds_;            // the first is being appended, the last gathers
  Offset next_offset_;                  // of the next record that is appended
  StateOverlay unwritten_;              // durable, and not yet in the store; leads up to applied_
  Offset applied_;
  Offset written_;  // as the store says

  KeyedTimers timers_;
  Strand strand_;  // goes first: it runs what the timers have posted
};

// How far `store` has applied the partition's log: the next offset to replay. 0 when it holds
// nothing.
absl::StatusOr<Offset> AppliedOffset(const StateStore& store, const TopicPartition& id);

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_SHARD_H_
