// Rebalancer: when the partitions of a group are assigned anew. Whatever changes a group schedules
// it; changes that come close together are answered by one assignment, and the larger the group the
// longer the pause between two, so that no group takes more than its share of the processor. One
// strand.
#ifndef WEIR_BROKER_GROUP_REBALANCER_H_
#define WEIR_BROKER_GROUP_REBALANCER_H_

#include <optional>
#include <string>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "broker/group/assignor.h"
#include "broker/group/draft.h"
#include "broker/group/group_context.h"

namespace weir {

class Rebalancer {
 public:
  explicit Rebalancer(GroupContext* context) : context_(context) {}

  // Members of the group, or what they subscribe to or have, have changed or are about to.
  void Schedule(const MachineTime& now, const std::string& group);
  // Topics or their partitions have.
  void ScheduleTopics(const MachineTime& now);
  GroupState StateOf(const Group& group) const;
  // The next topic behind `after` (nothing: the first) of those that members of the group read, as
  // the last assignment found them.
  std::optional<TopicId> TopicBehind(const std::string& group,
                                     const std::optional<TopicId>& after) const;

  // After a reload, which has cancelled the timers.
  void Clear();

 private:
  struct Pending {
    bool scheduled = false;
    absl::Duration not_before;                      // of the monotonic clock
    absl::btree_map<TopicId, int32_t> topics = {};  // as the last assignment found them
  };

  Decision Assign(const MachineTime& now, const std::string& id);
  // Forgets what groups have committed in topics that are gone, and schedules those whose
  // subscriptions now mean something else.
  Decision FollowTopics(const MachineTime& now);
  void ForgetDeletedTopics(const Group& group, Draft* draft) const;

  GroupContext* const context_;
  absl::flat_hash_map<std::string, Pending> pending_;
  bool topics_scheduled_ = false;
};

// What `member` of the group is to be told of its partitions.
Notice AssignmentNotice(const GroupHead& head, const Member& member, SessionId session);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_REBALANCER_H_
