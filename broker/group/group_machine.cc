#include "broker/group/group_machine.h"

#include <memory>
#include <utility>

#include "storage/base/seeded_bugs.h"

namespace weir {

GroupMachine::GroupMachine(const GroupMachineOptions& options)
    : shard_(options.shard),
      context_(options.shard, options.topics, options.listener, options.share_heads,
               [this](const MachineTime& now, const MemberName& name) {
                 return membership_.OnOverdue(now, name);
               }),
      rebalancer_(&context_),
      expiry_(&context_),
      membership_(&context_, &rebalancer_, &expiry_),
      offsets_(&context_, &expiry_),
      admin_(&context_, &rebalancer_, &expiry_),
      survey_(&context_, &rebalancer_) {}

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
  std::vector<ShareHeadPtr> share_heads;
  for (const auto& [id, group] : context_.groups.groups()) {
    if (group->head().type == GroupType::kShare) {
      share_heads.push_back(
          std::make_shared<const ShareHead>(ShareHead{group->head(), StartsOf(*group)}));
      continue;
    }
    expiry_.Watch(now, group->head());
    if (group->members().empty() || SeededBug("forget-members-at-load")) continue;
    rebalancer_.Schedule(now, id);
    for (const auto& [member_id, member] : group->members())
      context_.sessions.Disconnect(now, {id, member_id}, group->head().config);
  }
  rebalancer_.ScheduleTopics(now);
  context_.listener->OnSessionsDropped();
  if (context_.share_heads != nullptr)
    context_.share_heads->OnShareHeadsLoaded(shard_, std::move(share_heads));
}

Decision GroupMachine::TopicsChanged(const MachineTime& now) {
  rebalancer_.ScheduleTopics(now);
  return {};
}

}  // namespace weir
