#include "broker/group/group_admin.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/group/group_checks.h"
#include "broker/group/group_records.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {

absl::string_view GroupStateName(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return "empty";
    case GroupState::kReconciling:
      return "reconciling";
    case GroupState::kStable:
      break;
  }
  return "stable";
}

Decision GroupAdmin::Create(const MachineTime& now, const CreateGroupRequest& request, Done done) {
  if (context_->groups.Find(request.group) != nullptr) {
    return Refuse(std::move(done),
                  MakeError(Reason::kGroupExists,
                            absl::StrCat("there is a group '", request.group, "' already")));
  }
  absl::StatusOr<GroupHead> head =
      NewGroup(context_->groups, request.group, request.start, now.now_ms);
  if (!head.ok()) return Refuse(std::move(done), head.status());
  const absl::StatusOr<GroupConfig> config = Changed(head->config, request.config);
  if (!config.ok()) return Refuse(std::move(done), config.status());
  head->type = request.type;
  head->config = *config;
  Draft draft(context_->listener);
  draft.Add(GroupRecordOf(*head));
  expiry_->Watch(now, *head);
  return std::move(draft).Answer(std::move(done));
}

Decision GroupAdmin::Alter(const MachineTime& now, const std::string& id,
                           const GroupConfigChange& change, Reply<GroupConfig> reply) {
  const absl::StatusOr<const Group*> group = FindGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(reply), group.status());
  GroupHead head = (*group)->head();
  const absl::StatusOr<GroupConfig> config = Changed(head.config, change);
  if (!config.ok()) return Refuse(std::move(reply), config.status());
  Draft draft(context_->listener);
  if (*config != head.config) {
    head.config = *config;
    draft.Add(GroupRecordOf(head));
    expiry_->Watch(now, head);
    rebalancer_->Schedule(now, id);
  }
  return std::move(draft).Answer(std::move(reply), *config);
}

Decision GroupAdmin::SetPaused(const std::string& id, bool paused, Done done) {
  const absl::StatusOr<const Group*> group = FindGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(done), group.status());
  GroupHead head = (*group)->head();
  Draft draft(context_->listener);
  if (head.paused != paused) {
    head.paused = paused;
    draft.Add(GroupRecordOf(head));
    for (const auto& [member_id, member] : (*group)->members())
      draft.Tell(AssignmentNotice(head, *member, context_->sessions.Of({id, member_id})));
  }
  return std::move(draft).Answer(std::move(done));
}

Decision GroupAdmin::Delete(const std::string& id, Done done) {
  const absl::StatusOr<const Group*> group = FindGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(done), group.status());
  if (!(*group)->members().empty()) {
    return Refuse(std::move(done),
                  MakeError(Reason::kGroupNotEmpty,
                            absl::StrCat("group '", id, "' has ", (*group)->members().size(),
                                         " members; they must leave first")));
  }
  Draft draft(context_->listener);
  draft.Add(GroupRemovedRecord(id));
  expiry_->Forget(id);
  return std::move(draft).Answer(std::move(done));
}

GroupState GroupAdmin::StateOf(const Group& group) const {
  if (group.members().empty()) return GroupState::kEmpty;
  const bool moving = rebalancer_->IsScheduled(group.id()) ||
                      std::any_of(group.members().begin(), group.members().end(),
                                  [](const auto& entry) { return entry.second->IsRevoking(); });
  return moving ? GroupState::kReconciling : GroupState::kStable;
}

Decision GroupAdmin::List(const std::string& after, size_t limit,
                          Reply<std::vector<GroupSummary>> reply) {
  std::vector<GroupSummary> summaries;
  const auto& groups = context_->groups.groups();
  for (auto at = groups.upper_bound(after); at != groups.end() && summaries.size() < limit; ++at) {
    const Group& group = *at->second;
    summaries.push_back({.id = group.id(),
                         .type = group.head().type,
                         .state = StateOf(group),
                         .paused = group.head().paused,
                         .members = group.members().size()});
  }
  return Draft(context_->listener).Answer(std::move(reply), std::move(summaries));
}

Decision GroupAdmin::Describe(const std::string& id, Reply<GroupDescription> reply) {
  const absl::StatusOr<const Group*> group = FindGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(reply), group.status());
  GroupDescription description{.head = (*group)->head(),
                               .state = StateOf(**group),
                               .members = {},
                               .committed_offsets = (*group)->offsets().size()};
  for (const auto& [member_id, member] : (*group)->members()) {
    description.members.push_back(
        {*member, context_->sessions.Of({id, member_id}) != SessionId{0}});
  }
  return Draft(context_->listener).Answer(std::move(reply), std::move(description));
}

}  // namespace weir
