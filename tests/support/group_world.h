// GroupWorld: a machine of consumer groups in a world that a test moves: time, timers, topics, a
// log that is durable at once, a state store that may lag behind it. Decisions are replayed as the
// shard would, so everything that the machine decides is seen as record, answer or notice. One
// thread.
#ifndef WEIR_TESTS_SUPPORT_GROUP_WORLD_H_
#define WEIR_TESTS_SUPPORT_GROUP_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/group/group_machine.h"
#include "tests/support/fake_state_store.h"

namespace weir {

// Topics that a test makes, each with logs from 0 to 0 until it says otherwise.
class FakeTopics : public TopicView {
 public:
  // A new one, or more partitions for one that exists.
  TopicId Set(const std::string& name, int32_t partitions);
  void Delete(const std::string& name) { by_name_.erase(name); }
  void SetBounds(const TopicPartition& partition, Bounds bounds) { bounds_[partition] = bounds; }
  void SetUnavailable(absl::Status why) { unavailable_ = std::move(why); }
  // Also of one that was deleted.
  std::string NameOf(TopicId id) const;
  const std::map<std::string, Topic>& all() const { return by_name_; }

  std::optional<Topic> Find(absl::string_view name) const override;
  std::optional<Topic> Find(TopicId id) const override;
  std::vector<Topic> WithPrefix(absl::string_view prefix) const override;
  absl::StatusOr<Bounds> BoundsOf(const TopicPartition& partition) const override;

 private:
  std::map<std::string, Topic> by_name_;
  std::map<TopicId, std::string> names_;
  std::map<TopicPartition, Bounds> bounds_;
  absl::Status unavailable_;
  uint8_t made_ = 0;
};

class GroupWorld : public MachineTimers, public GroupListener, public ShareHeadListener {
 public:
  GroupWorld();

  GroupMachine& machine() { return *machine_; }
  const GroupMachine& machine() const { return *machine_; }
  FakeTopics& topics() { return topics_; }
  const FakeTopics& topics() const { return topics_; }
  FakeStateStore& store() { return store_; }
  const MachineTime& now() const { return now_; }
  // Of all that was ever decided.
  int64_t record_count() const { return static_cast<int64_t>(log_.size()); }
  int64_t record_bytes() const { return record_bytes_; }
  // Of the largest decision.
  int64_t most_record_bytes() const { return most_record_bytes_; }

  // Called with whatever happens, in order.
  std::function<void(const InternalRecord&)> on_record = [](const InternalRecord&) {};
  std::function<void(const Notice&)> on_notice = [](const Notice&) {};
  std::function<void()> on_sessions_dropped = [] {};
  std::function<void(const ShareHead&)> on_share_head = [](const ShareHead&) {};
  // Share groups as the machine has published them.
  const std::map<std::string, ShareHeadPtr>& published() const { return published_; }

  // Runs a handler, and the timers that are due then.
  void Run(Handler handler);
  // Time passes, timer by timer.
  void Advance(absl::Duration by);
  // The time of day is set, forward or back.
  void JumpWall(absl::Duration by) { now_.now_ms += absl::ToInt64Milliseconds(by); }
  // When the next timer is due; nothing when none is set.
  std::optional<absl::Duration> NextTimer() const;
  // The next decision with records fails to be appended: it is answered so, and the machine loaded
  // again, as the shard does.
  void FailNextAppend(absl::Status why) { fail_next_ = std::move(why); }
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
  void OnNotice(const Notice& notice) override { on_notice(notice); }
  void OnSessionsDropped() override { on_sessions_dropped(); }
  void OnShareHead(ShareHeadPtr head) override {
    on_share_head(*head);
    published_[head->head.id] = std::move(head);
  }
  void OnShareHeadGone(const std::string& group) override { published_.erase(group); }
  void OnShareHeadsLoaded(PartitionIndex shard, std::vector<ShareHeadPtr> heads) override;

 private:
  using Due = std::pair<absl::Duration, uint64_t>;  // when, and in order of setting
  struct Timer {
    std::string key;
    Handler handler;
  };

  void Start();
  // Loads the machine, as it is or a new one.
  void Load();
  void RunOne(Handler handler);
  // Runs what is due until then.
  void RunTimers(absl::Duration until);

  MachineTime now_{.now_ms = 1'700'000'000'000, .monotonic = absl::Seconds(1000)};
  FakeTopics topics_;
  FakeStateStore store_;
  std::vector<InternalRecord> log_;
  int64_t record_bytes_ = 0;
  int64_t most_record_bytes_ = 0;
  size_t written_ = 0;  // records that the store holds
  std::vector<StateChange> unwritten_;
  std::map<Due, Timer> timers_;
  std::map<std::string, Due> timers_by_key_;
  uint64_t last_sequence_ = 0;
  absl::Status fail_next_;
  std::map<std::string, ShareHeadPtr> published_;
  std::unique_ptr<GroupMachine> machine_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_GROUP_WORLD_H_
