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
#include "tests/support/machine_world.h"

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

class GroupWorld : public MachineWorld, public GroupListener, public ShareHeadListener {
 public:
  GroupWorld();

  GroupMachine& machine() { return *machine_; }
  const GroupMachine& machine() const { return *machine_; }
  FakeTopics& topics() { return topics_; }
  const FakeTopics& topics() const { return topics_; }

  // Called with whatever is told, in order.
  std::function<void(const Notice&)> on_notice = [](const Notice&) {};
  std::function<void()> on_sessions_dropped = [] {};
  std::function<void(const ShareHead&)> on_share_head = [](const ShareHead&) {};
  // Share groups as the machine has published them.
  const std::map<std::string, ShareHeadPtr>& published() const { return published_; }

  std::string Dump() const override;

  // The machine's.
  void OnNotice(const Notice& notice) override { on_notice(notice); }
  void OnSessionsDropped() override { on_sessions_dropped(); }
  void OnShareHead(ShareHeadPtr head) override {
    on_share_head(*head);
    published_[head->head.id] = std::move(head);
  }
  void OnShareHeadGone(const std::string& group) override { published_.erase(group); }
  void OnShareHeadsLoaded(PartitionIndex shard, std::vector<ShareHeadPtr> heads) override;

 private:
  StateMachine* MakeMachine() override;

  FakeTopics topics_;
  std::map<std::string, ShareHeadPtr> published_;
  std::unique_ptr<GroupMachine> machine_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_GROUP_WORLD_H_
