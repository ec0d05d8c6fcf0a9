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
#include "tests/support/machine_world.h"
#include "tests/support/sim_random.h"

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
  // A few jobs as chance will have them: most with one of four keys, some to be delivered within 3
  // s; now and then a batch that cannot be read.
  void AppendAny(SimRandom* random, int64_t now_ms);
  // What a reader sees from an offset on: up to `most` offsets, but whole batches.
  ShareScan Scan(Offset from, int64_t most, ShareOrder order) const;
};

// Jobs that a worker has, or believes to have.
struct HeldJobs {
  SharePartitionId id;
  Offset first;
  Offset last;
  LockToken token;
};

class ShareWorld : public MachineWorld, public StateReader, public ShareListener {
 public:
  ShareWorld();

  ShareMachine& machine() { return *machine_; }
  FakeShareSettings& settings() { return settings_; }
  FakeJobLog& log(const TopicPartition& partition) { return logs_[partition]; }
  LeaderEpoch epoch() const { return epoch_; }

  // Called with whatever is told, in order.
  std::function<void(const SharePartitionId&)> on_available = [](const SharePartitionId&) {};
  std::function<void(const SharePartitionId&)> on_dying = [](const SharePartitionId&) {};
  std::function<void(const SharePartitionId&, const ShareOutcomes&)> on_outcomes =
      [](const SharePartitionId&, const ShareOutcomes&) {};
  std::function<void()> on_locks_forgotten = [] {};
  // Chance, as the machine sees it.
  std::function<uint64_t()> random = [] { return 0; };

  // Acquires as a reader does: brings scans of the log, of at most `scan` offsets each, until there
  // are as many jobs as asked for or the log ends.
  absl::StatusOr<Acquired> Acquire(AcquireRequest request, int64_t scan = 1'000);
  // The store cannot be read until this is OK again.
  void FailReads(absl::Status why) { fail_reads_ = std::move(why); }
  std::string Dump() const override;

  // The machine's.
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
  StateMachine* MakeMachine() override;

  LeaderEpoch epoch_{6};
  FakeShareSettings settings_;
  std::map<TopicPartition, FakeJobLog> logs_;
  absl::Status fail_reads_;
  std::unique_ptr<ShareMachine> machine_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_SHARE_WORLD_H_
