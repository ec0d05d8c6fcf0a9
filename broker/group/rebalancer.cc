#include "broker/group/rebalancer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/group/group_records.h"
#include "broker/group/reconciliation.h"
#include "broker/group/topic_start.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr absl::string_view kTopicsTimer = "topics";

// Grows with what an assignment costs.
absl::Duration PauseAfter(const AssignorInput& input) {
  size_t subscribed = 0;
  for (const AssignorInput::Member& member : input.members) subscribed += member.subscribed->size();
  size_t units = input.members.size() + subscribed / 100;  // those cost the least
  for (const auto& [topic, partitions] : input.topics) units += static_cast<size_t>(partitions);
  return absl::Milliseconds(limits::kAssignPauseMs +
                            static_cast<int64_t>(units) / limits::kAssignUnitsPerMs);
}

}  // namespace

Notice AssignmentNotice(const GroupHead& head, const Member& member, SessionId session) {
  Notice notice{.kind = Notice::Kind::kAssignment,
                .group = head.id,
                .member_id = member.id,
                .session = session,
                .epoch = member.epoch,
                .assigned = {},
                .revoked = {},
                .paused = head.paused};
  for (const auto& [partition, hold] : member.held)
    (hold.IsRevoked() ? notice.revoked : notice.assigned).push_back(partition);
  return notice;
}

void Rebalancer::Schedule(const MachineTime& now, const std::string& group) {
  Pending& pending = pending_[group];
  if (pending.scheduled) return;
  pending.scheduled = true;
  context_->timers->SetTimer(absl::StrCat("assign/", group),
                             std::max(now.monotonic, pending.not_before),
                             [this, group](const MachineTime& at) { return Assign(at, group); });
}

void Rebalancer::ScheduleTopics(const MachineTime& now) {
  if (topics_scheduled_) return;
  topics_scheduled_ = true;
  context_->timers->SetTimer(kTopicsTimer,
                             now.monotonic + absl::Milliseconds(limits::kTopicsPauseMs),
                             [this](const MachineTime& at) { return FollowTopics(at); });
}

GroupState Rebalancer::StateOf(const Group& group) const {
  if (group.members().empty()) return GroupState::kEmpty;
  if (group.IsRevoking()) return GroupState::kRebalancing;
  const auto found = pending_.find(group.id());
  return found != pending_.end() && found->second.scheduled ? GroupState::kRebalancing
                                                            : GroupState::kStable;
}

std::optional<TopicId> Rebalancer::TopicBehind(const std::string& group,
                                               const std::optional<TopicId>& after) const {
  const auto found = pending_.find(group);
  if (found == pending_.end()) return std::nullopt;
  const auto& topics = found->second.topics;
  const auto topic = after.has_value() ? topics.upper_bound(*after) : topics.begin();
  if (topic == topics.end()) return std::nullopt;
  return topic->first;
}

void Rebalancer::Clear() {
  pending_.clear();
  topics_scheduled_ = false;
}

Decision Rebalancer::Assign(const MachineTime& now, const std::string& id) {
  const Group* const group = context_->groups.Find(id);
  if (group == nullptr || group->members().empty()) {
    pending_.erase(id);
    return {};
  }
  const AssignorInput input = InputOf(*group, *context_->topics);
  pending_[id] = {
      .scheduled = false, .not_before = now.monotonic + PauseAfter(input), .topics = input.topics};
  Draft draft(context_->listener);
  StartLaterTopics(*group, input.topics, &draft);
  const Step step = NextStep(*group, input);
  if (!step.changed.empty()) {
    GroupHead head = group->head();
    head.epoch = step.epoch;
    draft.Add(GroupRecordOf(head));
    draft.OnDurable([this, id] { context_->counters.Add(id, {.rebalances = 1}); });
    for (const Member& member : step.changed) {
      if (draft.bytes() >= limits::kAssignBytes) {
        Schedule(now, id);  // the rest is found again by the next step
        break;
      }
      const MemberName name{id, member.id};
      draft.Add(MemberRecordOf(id, member));
      draft.Tell(AssignmentNotice(head, member, context_->sessions.Of(name)));
      context_->sessions.AwaitRevocation(now, name, member.IsRevoking(), head.config);
    }
  }
  return std::move(draft).Silent();
}

Decision Rebalancer::FollowTopics(const MachineTime& now) {
  topics_scheduled_ = false;
  Draft draft(context_->listener);
  for (const auto& [id, group] : context_->groups.groups()) {
    ForgetDeletedTopics(*group, &draft);
    if (group->head().type == GroupType::kShare) {
      absl::btree_map<TopicId, int32_t> read;
      for (const TopicView::Topic& topic : ReadBy(group->head().share, *context_->topics))
        read[topic.id] = topic.partitions;
      StartLaterTopics(*group, read, &draft);
      continue;
    }
    if (group->members().empty()) continue;
    const auto pending = pending_.find(id);
    if (pending == pending_.end() || pending->second.topics != TopicsOf(*group, *context_->topics))
      Schedule(now, id);
  }
  return std::move(draft).Silent();
}

void Rebalancer::ForgetDeletedTopics(const Group& group, Draft* draft) const {
  for (const TopicId topic : group.offsets().Topics()) {
    if (!context_->topics->Find(topic).has_value())
      draft->Add(TopicForgottenRecord(group.id(), topic));
  }
}

}  // namespace weir
