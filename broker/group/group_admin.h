// GroupAdmin: groups are made, changed, paused, removed and looked at. Every call is a handler: it
// decides, and nothing is so before its records are durable. One strand. No call that fails has an
// effect, except that COMMIT_UNCERTAIN leaves it open.
#ifndef WEIR_BROKER_GROUP_GROUP_ADMIN_H_
#define WEIR_BROKER_GROUP_GROUP_ADMIN_H_

#include <cstddef>
#include <string>
#include <vector>

#include "broker/group/draft.h"
#include "broker/group/group_context.h"
#include "broker/group/group_expiry.h"
#include "broker/group/rebalancer.h"

namespace weir {

class GroupAdmin {
 public:
  GroupAdmin(GroupContext* context, Rebalancer* rebalancer, GroupExpiry* expiry)
      : context_(context), rebalancer_(rebalancer), expiry_(expiry) {}

  // GROUP_EXISTS, INVALID_CONFIG, INVALID_GROUP_ID, GROUP_LIMIT.
  Decision Create(const MachineTime& now, const CreateGroupRequest& request, Done done);
  // Sets and removes settings, all or none; answers with what is in force. Times that run already
  // run on as they are. UNKNOWN_GROUP, INVALID_CONFIG, INVALID_GROUP_ID.
  Decision Alter(const MachineTime& now, const std::string& group, const GroupConfigChange& change,
                 Reply<GroupConfig> reply);
  // Tells every member; a group that is as asked stays so. UNKNOWN_GROUP, INVALID_GROUP_ID.
  Decision SetPaused(const std::string& group, bool paused, Done done);
  // UNKNOWN_GROUP, GROUP_NOT_EMPTY, INVALID_GROUP_ID.
  Decision Delete(const std::string& group, Done done);

  // Up to `limit` groups whose id comes after `after`, by id.
  Decision List(const std::string& after, size_t limit, Reply<std::vector<GroupSummary>> reply);
  // UNKNOWN_GROUP, INVALID_GROUP_ID.
  Decision Describe(const std::string& group, Reply<GroupDescription> reply);

 private:
  GroupState StateOf(const Group& group) const;

  GroupContext* const context_;
  Rebalancer* const rebalancer_;
  GroupExpiry* const expiry_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_ADMIN_H_
