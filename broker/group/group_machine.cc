#include "broker/group/group_machine.h"

#include "storage/base/seeded_bugs.h"

namespace weir {

GroupMachine::GroupMachine(const GroupMachineOptions& options)
    : context_(options.shard, options.topics, options.listener,
               [this](const MachineTime& now, const MemberName& name) {
                 return membership_.OnOverdue(now, name);
               }),
      rebalancer_(&context_),
      expiry_(&context_),
      membership_(&context_, &rebalancer_, &expiry_),
      offsets_(&context_, &expiry_),
      admin_(&context_, &rebalancer_, &expiry_) {}

void GroupMachine::UseTimers(MachineTimers* timers) {
  context_.timers = timers;
  context_.sessions.UseTimers(timers);
}

absl::Status GroupMachine::Load(const StateStore& store) {
  context_.sessions.Clear();
  rebalancer_.Clear();
  return context_.groups.Load(store);
}

absl::Status GroupMachine::Replay(const InternalRecord& record, std::vector<StateChange>* changes) {
  return context_.groups.Replay(record, changes);
}

void GroupMachine::OnLoaded(const MachineTime& now) {
  for (const auto& [id, group] : context_.groups.groups()) {
    expiry_.Watch(now, group->head());
    if (group->members().empty() || SeededBug("forget-members-at-load")) continue;
    rebalancer_.Schedule(now, id);
    for (const auto& [member_id, member] : group->members())
      context_.sessions.Disconnect(now, {id, member_id}, group->head().config);
  }
  rebalancer_.ScheduleTopics(now);
  context_.listener->OnSessionsDropped();
}

Decision GroupMachine::TopicsChanged(const MachineTime& now) {
  rebalancer_.ScheduleTopics(now);
  return {};
}

}  // namespace weir
