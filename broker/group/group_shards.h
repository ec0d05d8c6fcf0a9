// GroupShards: all groups of the broker. The internal topic __weir_groups has a fixed
// number of partitions; a group belongs to one of them by the hash of its id, and for each a
// machine and the shard that runs it are here. It decides nothing about groups. Any thread.
#ifndef WEIR_BROKER_GROUP_GROUP_SHARDS_H_
#define WEIR_BROKER_GROUP_GROUP_SHARDS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "broker/group/group_machine.h"
#include "broker/group/group_requests.h"
#include "broker/group/topic_view.h"
#include "broker/runtime/shard.h"
#include "broker/runtime/timer_queue.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/log/log_manager.h"
#include "storage/meta/state_store.h"

namespace weir {

inline constexpr absl::string_view kGroupsTopic = "__weir_groups";

// The topic, made at the broker's first start.
absl::StatusOr<TopicPtr> RequireGroupsTopic(TopicCatalog* catalog);

class GroupShards {
 public:
  // All outlive this.
  struct Options {
    TopicPtr topic;  // of RequireGroupsTopic
    LogManager* logs = nullptr;
    StateStore* store = nullptr;
    const TopicView* topics = nullptr;
    Executor* executor = nullptr;  // of the shards: its threads wait for the disk
    TimerQueue* timers = nullptr;
    Clock* clock = nullptr;
    // What the members of one partition's groups are told.
    std::function<GroupListener*(PartitionIndex)> listener;
    ShareHeadListener* share_heads = nullptr;  // null where there are no share groups
    // What the partition's shard runs: the machine of groups, and whatever else lives there.
    std::function<StateMachine*(PartitionIndex, GroupMachine*)> whole =
        [](PartitionIndex, GroupMachine* machine) { return machine; };
  };
  // One handler; it gives its decision for `reply`'s answer.
  template <typename T>
  using Question = absl::AnyInvocable<Decision(GroupMachine&, const MachineTime&, Reply<T> reply)>;

  // Errors of the logs.
  static absl::StatusOr<std::unique_ptr<GroupShards>> Open(const Options& options);
  // Stop() came before.
  ~GroupShards();

  // Loads every group, before any question. Waits for the disk. DATA_LOSS as Shard::Load.
  absl::Status Load();

  // Questions are refused from now on; returns when what was decided is durable and stored. Once.
  void Stop();

  size_t size() const { return parts_.size(); }
  // Where the group belongs, whether it exists or not.
  PartitionIndex PartitionOf(absl::string_view group) const;

  // Asks the machine of the partition; `reply` comes on its shard's strand: what it says, or
  // SHUTTING_DOWN, or why the shard is not to be used.
  template <typename T>
  void Ask(PartitionIndex partition, Question<T> question, Reply<T> reply) {
    Part& part = *parts_[static_cast<size_t>(partition.value())];
    // One of the two is called.
    auto shared = std::make_shared<Reply<T>>(std::move(reply));
    part.shard.Submit(
        [&part, question = std::move(question), shared](const MachineTime& now) mutable {
          return question(part.machine, now,
                          [shared](absl::StatusOr<T> answer) { (*shared)(std::move(answer)); });
        },
        [shared](const absl::Status& refused) { (*shared)(refused); });
  }
  // The same, and waits for it.
  template <typename T>
  absl::StatusOr<T> AskAndWait(PartitionIndex partition, Question<T> question) {
    absl::StatusOr<T> answer = absl::UnknownError("");
    absl::Notification answered;
    Ask<T>(partition, std::move(question), [&](absl::StatusOr<T> given) {
      answer = std::move(given);
      answered.Notify();
    });
    answered.WaitForNotification();
    return answer;
  }

  // The same for questions whose answer is only whether it was done.
  using Order = absl::AnyInvocable<Decision(GroupMachine&, const MachineTime&, Done done)>;
  void Tell(PartitionIndex partition, Order order, Done done);
  absl::Status TellAndWait(PartitionIndex partition, Order order);

  // Topics were created, deleted or extended.
  void NoteTopicsChanged();

  // For whoever keeps the state store.
  std::vector<Shard*> shards();

 private:
  struct Part {
    Part(const Options& options, const std::shared_ptr<PartitionLog>& log);
    GroupMachine machine;
    Shard shard;
  };

  GroupShards() = default;

  std::vector<std::unique_ptr<Part>> parts_;  // by partition
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_SHARDS_H_
