// GroupContext: what the parts of the machine of consumer groups share. One strand.
#ifndef WEIR_BROKER_GROUP_GROUP_CONTEXT_H_
#define WEIR_BROKER_GROUP_GROUP_CONTEXT_H_

#include <utility>

#include "broker/group/group_counters.h"
#include "broker/group/group_requests.h"
#include "broker/group/group_table.h"
#include "broker/group/sessions.h"
#include "broker/group/share_head.h"
#include "broker/group/topic_view.h"
#include "broker/runtime/state_machine.h"
#include "storage/base/types.h"

namespace weir {

struct GroupContext {
  GroupContext(PartitionIndex shard, const TopicView* topics, GroupListener* listener,
               ShareHeadListener* share_heads, Sessions::OnOverdue overdue)
      : groups(shard),
        sessions(std::move(overdue)),
        topics(topics),
        listener(listener),
        share_heads(share_heads) {}

  GroupTable groups;
  Sessions sessions;
  GroupCounters counters;
  const TopicView* const topics;
  GroupListener* const listener;
  ShareHeadListener* const share_heads;
  MachineTimers* timers = nullptr;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_CONTEXT_H_
