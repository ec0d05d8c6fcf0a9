// GroupAdmin: groups are made, changed, paused, removed and looked at. Every call is a handler: it
// decides, and nothing is so before its records are durable. One strand. No call that fails has an
// effect, except that COMMIT_UNCERTAIN leaves it open.
#ifndef WEIR_BROKER_GROUP_GROUP_ADMIN_H_
#define WEIR_BROKER_GROUP_GROUP_ADMIN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/group/draft.h"
#include "broker/group/group_context.h"
#include "broker/group/group_expiry.h"
#include "broker/group/rebalancer.h"

namespace weir {

class GroupAdmin {
 public:
  GroupAdmin(GroupContext* context, Rebalancer* rebalancer, GroupExpiry* expiry)
      : context_(context), rebalancer_(rebalancer), expiry_(expiry) {}

  // GROUP_EXISTS, INVALID_CONFIG, INVALID_GROUP_ID, GROUP_LIMIT, INVALID_REQUEST. A share group
  // also INVALID_TOPIC_NAME, UNKNOWN_TOPIC (a topic that it names does not exist), and the view's
  // errors when it starts at ends of logs that are not available.
  Decision Create(const MachineTime& now, const CreateGroupRequest& request, Done done);
  // What Create would make, with the name of a share group's dead-letter topic; the request has no
  // id of it yet. Errors as Create; nothing happens.
  Decision Plan(const MachineTime& now, const CreateGroupRequest& request, Reply<GroupHead> reply);
  // Sets and removes settings, and what a share group reads, all or none; answers with what is in
  // force. Times that run already run on as they are. UNKNOWN_GROUP, INVALID_CONFIG,
  // INVALID_GROUP_ID; GROUP_TYPE_MISMATCH for the subscription of a consumer group, and errors of
  // subscriptions as Create.
  Decision Alter(const MachineTime& now, const std::string& group, const GroupConfigChange& change,
                 const std::optional<Subscription>& subscription, Reply<GroupHead> reply);
  // Tells every member; a group that is as asked stays so, and what the breaker paused is resumed
  // like any other. UNKNOWN_GROUP, INVALID_GROUP_ID.
  Decision SetPaused(const std::string& group, bool paused, Done done);
  // UNKNOWN_GROUP, GROUP_NOT_EMPTY, INVALID_GROUP_ID.
  Decision Delete(const std::string& group, Done done);

  // Of share groups. UNKNOWN_GROUP, GROUP_TYPE_MISMATCH, INVALID_GROUP_ID.

  // Too many jobs of the group that was made at `created_ms` have died. One that is paused already,
  // or another one of the name, stays as it is.
  Decision PauseByBreaker(const std::string& group, int64_t created_ms, Done done);
  // The topic is the group's dead-letter topic from now on, whose name it has.
  Decision OwnDeadLetterTopic(const std::string& group, TopicId topic, Done done);
  // The topic is the one to which dead letters of `source` are driven. GROUP_LIMIT.
  Decision OwnRedriveTopic(const std::string& group, const std::string& source,
                           const OwnedTopic& topic, Done done);

  // Up to `limit` groups whose id comes after `after`, by id.
  Decision List(const std::string& after, size_t limit, Reply<std::vector<GroupSummary>> reply);
  // UNKNOWN_GROUP, INVALID_GROUP_ID.
  Decision Describe(const std::string& group, Reply<GroupDescription> reply);

 private:
  absl::StatusOr<GroupHead> NewHead(const MachineTime& now,
                                    const CreateGroupRequest& request) const;
  absl::Status MakeShareHead(const CreateGroupRequest& request, GroupHead* head) const;
  absl::Status CheckSubscribes(const ShareTopics& share, const Subscription& subscription) const;
  absl::StatusOr<GroupHead> Altered(const Group& group, const GroupConfigChange& change,
                                    const std::optional<Subscription>& subscription) const;
  // A share group is published when its head is durable.
  void Publish(GroupHead head, ShareStarts starts, Draft* draft) const;
  // The share group is so from now on.
  Decision Replace(const Group& group, GroupHead head, Done done);

  GroupContext* const context_;
  Rebalancer* const rebalancer_;
  GroupExpiry* const expiry_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_ADMIN_H_
