// ShareWorld: a machine of share groups in a world that a test moves: time, timers, settings of
// groups, topics with their records, a log of the machine that is durable at once, a state store
// that may lag behind it. Decisions are replayed as the shard would, so everything that the machine
// decides is seen as record, answer or notice. One thread.
#ifndef WEIR_TESTS_SUPPORT_SHARE_WORLD_H_
#define WEIR_TESTS_SUPPORT_SHARE_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/runtime/state_overlay.h"
#include "broker/share/share_machine.h"
#include "tests/support/fake_state_store.h"

namespace weir {

// Settings that a test makes.
class FakeShareSettings : public ShareSettingsView {
 public:
  void Set(const std::string& group, const ShareSettings& settings) {
    groups_[group] = std::make_shared<const ShareSettings>(settings);
  }
  void Remove(const std::string& group) { groups_.erase(group); }

  std::shared_ptr<const ShareSettings> Find(absl::string_view group) const override {
    const auto found = groups_.find(std::string(group));
    return found == groups_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::string, std::shared_ptr<const ShareSettings>> groups_;
};

// One partition's log, as far as share groups care.
struct FakeJobLog {
  struct Record {
    std::string key;            // empty: none
    int64_t deliver_at_ms = 0;  // 0: at once
    Offset batch_first;         // of an unreadable batch; Offset{-1}: it can be read
    Offset batch_last;
  };

  Offset start;
  std::vector<Record> records;  // from offset 0 on

  Offset end() const { return Offset{static_cast<int64_t>(records.size())}; }
  // What a reader sees from an offset on: up to `most` offsets, but whole batches.
  ShareScan Scan(Offset from, int64_t most, ShareOrder order) const;
};

class ShareWorld : public MachineTimers, public StateReader, public ShareListener {
 public:
  ShareWorld();

  ShareMachine& machine() { return *machine_; }
  FakeShareSettings& settings() { return settings_; }
  FakeJobLog& log(const TopicPartition& partition) { return logs_[partition]; }
  FakeStateStore& store() { return store_; }
  const MachineTime& now() const { return now_; }
  LeaderEpoch epoch() const { return epoch_; }
  int64_t record_count() const { return static_cast<int64_t>(log_.size()); }

  // Called with whatever happens, in order.
  std::function<void(const InternalRecord&)> on_record = [](const InternalRecord&) {};
  std::function<void(const SharePartitionId&)> on_available = [](const SharePartitionId&) {};
  std::function<void(const SharePartitionId&)> on_dying = [](const SharePartitionId&) {};
  std::function<void(const SharePartitionId&, const ShareOutcomes&)> on_outcomes =
      [](const SharePartitionId&, const ShareOutcomes&) {};
  std::function<void()> on_locks_forgotten = [] {};
  // Called with how many batches a decision appends to other partitions, before its records.
  std::function<void(size_t)> on_append = [](size_t) {};
  // Chance, as the machine sees it.
  std::function<uint64_t()> random = [] { return 0; };

  // What appends to other partitions are refused with; OK: they are taken.
  absl::Status refuse_appends;

  // Runs a handler, and the timers that are due then.
  void Run(Handler handler);
  // Acquires as a reader does: brings scans of the log, of at most `scan` offsets each, until there
  // are as many jobs as asked for or the log ends.
  absl::StatusOr<Acquired> Acquire(AcquireRequest request, int64_t scan = 1'000);
  // Time passes, timer by timer.
  void Advance(absl::Duration by);
  // The time of day is set, forward or back.
  void JumpWall(absl::Duration by) { now_.now_ms += absl::ToInt64Milliseconds(by); }
  // When the next timer is due; nothing when none is set.
  std::optional<absl::Duration> NextTimer() const;
  // The next decision with records fails to be appended: it is answered so, and the machine loaded
  // again, as the shard does.
  void FailNextAppend(absl::Status why) { fail_next_ = std::move(why); }
  // The store cannot be read until this is OK again.
  void FailReads(absl::Status why) { fail_reads_ = std::move(why); }
  // The store takes on everything up to now.
  void WriteStore();
  // A new process: it has the store as it was last written, and the log. Empty when its state is
  // the one before; otherwise what differs.
  std::string Restart();
  // All that records say, as text.
  std::string Dump() const;

  // The machine's.
  void SetTimer(absl::string_view key, absl::Duration at, Handler handler) override;
  void CancelTimer(absl::string_view key) override;
  absl::StatusOr<std::string> Get(StateFamily family, absl::string_view key) const override;
  absl::Status Scan(StateFamily family, absl::string_view start, absl::string_view end,
                    Visit visit) const override;
  void OnAvailable(const SharePartitionId& id) override { on_available(id); }
  void OnDying(const SharePartitionId& id) override { on_dying(id); }
  void OnOutcomes(const SharePartitionId& id, const ShareOutcomes& outcomes) override {
    on_outcomes(id, outcomes);
  }
  void OnLocksForgotten() override { on_locks_forgotten(); }

 private:
  using Due = std::pair<absl::Duration, uint64_t>;  // when, and in order of setting
  struct Timer {
    std::string key;
    Handler handler;
  };

  void Start();
  // Loads the machine, as it is or a new one.
  void Load();
  void Replay(const InternalRecord& record);
  void RunOne(Handler handler);
  // Runs what is due until then.
  void RunTimers(absl::Duration until);

  MachineTime now_{.now_ms = 1'700'000'000'000, .monotonic = absl::Seconds(1000)};
  LeaderEpoch epoch_{6};
  FakeShareSettings settings_;
  std::map<TopicPartition, FakeJobLog> logs_;
  FakeStateStore store_;
  std::vector<InternalRecord> log_;
  size_t written_ = 0;  // records that the store holds
  StateOverlay unwritten_;
  std::map<Due, Timer> timers_;
  std::map<std::string, Due> timers_by_key_;
  uint64_t last_sequence_ = 0;
  absl::Status fail_next_;
  absl::Status fail_reads_;
  std::unique_ptr<ShareMachine> machine_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SHARE_WORLD_H_
