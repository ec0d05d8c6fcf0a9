// GroupExpiry: consumer groups go, with their offsets, when they had no members and no commits for
// offsets.retention.ms. While the broker runs both clocks must say so: setting the time of day
// forward expires nothing at once. One strand.
#ifndef WEIR_BROKER_GROUP_GROUP_EXPIRY_H_
#define WEIR_BROKER_GROUP_GROUP_EXPIRY_H_

#include <string>

#include "broker/group/group_context.h"

namespace weir {

class GroupExpiry {
 public:
  explicit GroupExpiry(GroupContext* context) : context_(context) {}

  // The group is, or is about to be, as `head` says: it is watched while it is empty, and no more
  // when it has members.
  void Watch(const MachineTime& now, const GroupHead& head);
  // The group is about to be removed.
  void Forget(const std::string& group);

 private:
  Decision OnTimer(const MachineTime& now, const std::string& group);

  GroupContext* const context_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_EXPIRY_H_
