// GroupMachine: the groups of one internal partition as a state machine: of consumer groups which
// members they have, who reads which partition, and how far each is; of share groups only what they
// read and how they are set (their jobs are ShareMachine's). It puts the parts together; the parts
// have the handlers. All of them are called on the shard's strand, through Shard::Submit:
//
//   shard.Submit([&machine, request, reply = std::move(reply)](const MachineTime& now) mutable {
//                  return machine.membership().Join(now, std::move(request), std::move(reply));
//                }, refused);
//
// What survives is what records say (GroupTable). Who is connected, what is due when and what will
// be assigned next is found anew after a reload: every member then keeps what it has for its full
// session timeout, and comes back with its id and epoch.
#ifndef WEIR_BROKER_GROUP_GROUP_MACHINE_H_
#define WEIR_BROKER_GROUP_GROUP_MACHINE_H_

#include <vector>

#include "broker/group/group_admin.h"
#include "broker/group/group_context.h"
#include "broker/group/group_expiry.h"
#include "broker/group/group_offsets.h"
#include "broker/group/group_survey.h"
#include "broker/group/membership.h"
#include "broker/group/rebalancer.h"
#include "broker/runtime/state_machine.h"

namespace weir {

struct GroupMachineOptions {
  PartitionIndex shard;               // the number of the internal partition
  const TopicView* topics = nullptr;  // complete before the machine is loaded; outlives it
  GroupListener* listener = nullptr;  // outlives the machine and what its shard still answers
  // Likewise; null where there are no share groups.
  ShareHeadListener* share_heads = nullptr;
};

class GroupMachine : public StateMachine {
 public:
  explicit GroupMachine(const GroupMachineOptions& options);

  // The shard that runs the machine; before it loads it.
  void UseTimers(MachineTimers* timers);

  absl::Status Load(const StateStore& store) override;
  absl::Status Replay(const InternalRecord& record, std::vector<StateChange>* changes) override;
  void OnLoaded(const MachineTime& now) override;

  Membership& membership() { return membership_; }
  GroupOffsets& offsets() { return offsets_; }
  GroupAdmin& admin() { return admin_; }
  const GroupSurvey& survey() const { return survey_; }

  // A handler: topics were created, deleted or extended. Groups follow within a second or two:
  // subscriptions find new topics and partitions, and what was committed in deleted ones goes.
  Decision TopicsChanged(const MachineTime& now);

  const GroupTable& groups() const { return context_.groups; }

 private:
  const PartitionIndex shard_;
  GroupContext context_;
  Rebalancer rebalancer_;
  GroupExpiry expiry_;
  Membership membership_;
  GroupOffsets offsets_;
  GroupAdmin admin_;
  GroupSurvey survey_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_MACHINE_H_
