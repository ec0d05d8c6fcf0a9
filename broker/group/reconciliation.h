// Reconciliation: the next step of a group from what its members have to what they shall have.
// Members keep what they have and shall have; they are asked for what they shall not have; what
// nobody has goes to who shall have it. What is still with somebody who was asked for it waits: a
// later step, after that one has confirmed, gives it away. So no partition ever has two owners, and
// the target needs no place in the log: every step finds it anew. Pure functions.
#ifndef WEIR_BROKER_GROUP_RECONCILIATION_H_
#define WEIR_BROKER_GROUP_RECONCILIATION_H_

#include <vector>

#include "broker/group/assignor.h"
#include "broker/group/group.h"
#include "broker/group/member.h"
#include "broker/group/topic_view.h"

namespace weir {

// The topics that exist of what a member subscribes to.
std::vector<TopicView::Topic> Resolve(const Subscription& subscription, const TopicView& topics);

// The topics that exist, with their partitions, of those that some member subscribes to or has.
absl::btree_map<TopicId, int32_t> TopicsOf(const Group& group, const TopicView& topics);

// The group as the assignor wants it: members with what they subscribe to, and what they have and
// were not asked for; TopicsOf(group).
AssignorInput InputOf(const Group& group, const TopicView& topics);

struct Step {
  MemberEpoch epoch;            // of the group after the step
  std::vector<Member> changed;  // as they are after it; none: the step changes nothing
};
// `input`: InputOf(group).
Step NextStep(const Group& group, const AssignorInput& input);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_RECONCILIATION_H_
