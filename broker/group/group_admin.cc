#include "broker/group/group_admin.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/group/group_checks.h"
#include "broker/group/group_records.h"
#include "broker/group/topic_start.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

absl::Status NotOfConsumers(absl::string_view group) {
  return MakeError(Reason::kGroupTypeMismatch,
                   absl::StrCat("'", group,
                                "' is a consumer group, whose members say themselves what they "
                                "read; only share groups have a subscription"));
}

}  // namespace

absl::string_view GroupStateName(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return "empty";
    case GroupState::kRebalancing:
      return "rebalancing";
    case GroupState::kStable:
      break;
  }
  return "stable";
}

absl::StatusOr<GroupHead> GroupAdmin::NewHead(const MachineTime& now,
                                              const CreateGroupRequest& request) const {
  if (context_->groups.Find(request.group) != nullptr) {
    return MakeError(Reason::kGroupExists,
                     absl::StrCat("there is a group '", request.group, "' already"));
  }
  WEIR_ASSIGN_OR_RETURN(GroupHead head,
                        NewGroup(context_->groups, request.group, request.start, now.now_ms));
  head.type = request.type;
  WEIR_ASSIGN_OR_RETURN(head.config, Changed(head.type, head.config, request.config));
  if (head.type == GroupType::kShare) {
    WEIR_RETURN_IF_ERROR(MakeShareHead(request, &head));
  } else if (request.subscription != Subscription{}) {
    return NotOfConsumers(request.group);
  }
  return head;
}

absl::Status GroupAdmin::MakeShareHead(const CreateGroupRequest& request, GroupHead* head) const {
  if (head->start == GroupStart::kNone) {
    return MakeError(Reason::kInvalidRequest,
                     "the start of a share group cannot be none; allowed are earliest and latest");
  }
  WEIR_RETURN_IF_ERROR(CheckSubscription(request.subscription));
  ShareTopics& share = head->share;
  WEIR_ASSIGN_OR_RETURN(share.dead_letter.name,
                        DeadLetterTopicName(head->id, head->config, request.subscription));
  share.dead_letter.id = request.dead_letter_topic;
  head->empty_since_ms = 0;
  WEIR_RETURN_IF_ERROR(CheckSubscribes(share, request.subscription));
  share.subscription = request.subscription;
  return absl::OkStatus();
}

absl::Status GroupAdmin::CheckSubscribes(const ShareTopics& share,
                                         const Subscription& subscription) const {
  WEIR_RETURN_IF_ERROR(CheckSubscription(subscription));
  for (const std::string& topic : subscription.topics) {
    if (topic == share.dead_letter.name) {
      return MakeError(Reason::kInvalidRequest, absl::StrCat("the group cannot read '", topic,
                                                             "', its own dead-letter topic"));
    }
    if (!context_->topics->Find(topic).has_value())
      return MakeError(Reason::kUnknownTopic, absl::StrCat("there is no topic '", topic, "'"));
  }
  return absl::OkStatus();
}

Decision GroupAdmin::Create(const MachineTime& now, const CreateGroupRequest& request, Done done) {
  const absl::StatusOr<GroupHead> head = NewHead(now, request);
  if (!head.ok()) return Refuse(std::move(done), head.status());
  Draft draft(context_->listener);
  draft.Add(GroupRecordOf(*head));
  if (head->type == GroupType::kConsumer) {
    expiry_->Watch(now, *head);
    return std::move(draft).Answer(std::move(done));
  }
  GroupHead before = *head;
  before.share.subscription = {};
  absl::StatusOr<ShareStarts> starts = MoveStarts(
      Group(std::move(before)), head->share.subscription, *context_->topics, now.now_ms, &draft);
  if (!starts.ok()) return Refuse(std::move(done), starts.status());
  Publish(*head, *std::move(starts), &draft);
  return std::move(draft).Answer(std::move(done));
}

Decision GroupAdmin::Plan(const MachineTime& now, const CreateGroupRequest& request,
                          Reply<GroupHead> reply) {
  absl::StatusOr<GroupHead> head = NewHead(now, request);
  if (!head.ok()) return Refuse(std::move(reply), head.status());
  return Draft(context_->listener).Answer(std::move(reply), *std::move(head));
}

absl::StatusOr<GroupHead> GroupAdmin::Altered(
    const Group& group, const GroupConfigChange& change,
    const std::optional<Subscription>& subscription) const {
  GroupHead head = group.head();
  WEIR_ASSIGN_OR_RETURN(head.config, Changed(head.type, head.config, change));
  if (head.type == GroupType::kConsumer) {
    if (subscription.has_value()) return NotOfConsumers(head.id);
    return head;
  }
  const GroupConfig& before = group.head().config;
  // Its name is in force, whether it was set or is the default.
  if (head.config.dead_letter_topic == head.share.dead_letter.name)
    head.config.dead_letter_topic = before.dead_letter_topic;
  WEIR_RETURN_IF_ERROR(CheckFixed(before, head.config));
  if (subscription.has_value()) {
    WEIR_RETURN_IF_ERROR(CheckSubscribes(head.share, *subscription));
    head.share.subscription = *subscription;
  }
  return head;
}

Decision GroupAdmin::Alter(const MachineTime& now, const std::string& id,
                           const GroupConfigChange& change,
                           const std::optional<Subscription>& subscription,
                           Reply<GroupHead> reply) {
  const absl::StatusOr<const Group*> group = FindGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(reply), group.status());
  const absl::StatusOr<GroupHead> head = Altered(**group, change, subscription);
  if (!head.ok()) return Refuse(std::move(reply), head.status());
  Draft draft(context_->listener);
  if (*head == (*group)->head()) return std::move(draft).Answer(std::move(reply), *head);
  draft.Add(GroupRecordOf(*head));
  if (head->type == GroupType::kConsumer) {
    expiry_->Watch(now, *head);
    rebalancer_->Schedule(now, id);
  } else {
    absl::StatusOr<ShareStarts> starts =
        MoveStarts(**group, head->share.subscription, *context_->topics, now.now_ms, &draft);
    if (!starts.ok()) return Refuse(std::move(reply), starts.status());
    Publish(*head, *std::move(starts), &draft);
  }
  return std::move(draft).Answer(std::move(reply), *head);
}

void GroupAdmin::Publish(GroupHead head, ShareStarts starts, Draft* draft) const {
  draft->OnDurable(
      [listener = context_->share_heads, published = std::make_shared<const ShareHead>(
                                             ShareHead{std::move(head), std::move(starts)})] {
        listener->OnShareHead(published);
      });
}

Decision GroupAdmin::Replace(const Group& group, GroupHead head, Done done) {
  Draft draft(context_->listener);
  if (head != group.head()) {
    draft.Add(GroupRecordOf(head));
    Publish(std::move(head), StartsOf(group), &draft);
  }
  return std::move(draft).Answer(std::move(done));
}

Decision GroupAdmin::SetPaused(const std::string& id, bool paused, Done done) {
  const absl::StatusOr<const Group*> group = FindGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(done), group.status());
  GroupHead head = (*group)->head();
  head.paused_by_breaker = head.paused_by_breaker && paused;
  head.paused = paused;
  if (head.type == GroupType::kShare) return Replace(**group, std::move(head), std::move(done));
  Draft draft(context_->listener);
  if (head != (*group)->head()) {
    draft.Add(GroupRecordOf(head));
    for (const auto& [member_id, member] : (*group)->members())
      draft.Tell(AssignmentNotice(head, *member, context_->sessions.Of({id, member_id})));
  }
  return std::move(draft).Answer(std::move(done));
}

Decision GroupAdmin::PauseByBreaker(const std::string& id, int64_t created_ms, Done done) {
  const absl::StatusOr<const Group*> group = FindShareGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(done), group.status());
  GroupHead head = (*group)->head();
  if (head.created_ms == created_ms && !head.paused) head.paused = head.paused_by_breaker = true;
  return Replace(**group, std::move(head), std::move(done));
}

Decision GroupAdmin::OwnDeadLetterTopic(const std::string& id, TopicId topic, Done done) {
  const absl::StatusOr<const Group*> group = FindShareGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(done), group.status());
  GroupHead head = (*group)->head();
  head.share.dead_letter.id = topic;
  return Replace(**group, std::move(head), std::move(done));
}

Decision GroupAdmin::OwnRedriveTopic(const std::string& id, const std::string& source,
                                     const OwnedTopic& topic, Done done) {
  const absl::StatusOr<const Group*> group = FindShareGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(done), group.status());
  GroupHead head = (*group)->head();
  head.share.redrive[source] = topic;
  if (head.share.redrive.size() > limits::kRedriveTopics) {
    return Refuse(std::move(done),
                  MakeError(Reason::kGroupLimit,
                            absl::StrCat("group '", id, "' has ", limits::kRedriveTopics,
                                         " topics for what is redriven, as many as it may")));
  }
  return Replace(**group, std::move(head), std::move(done));
}

Decision GroupAdmin::Delete(const std::string& id, Done done) {
  const absl::StatusOr<const Group*> group = FindGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(done), group.status());
  if (!(*group)->members().empty() && !SeededBug("delete-group-with-members")) {
    return Refuse(std::move(done),
                  MakeError(Reason::kGroupNotEmpty,
                            absl::StrCat("group '", id, "' has ", (*group)->members().size(),
                                         " members; they must leave first")));
  }
  Draft draft(context_->listener);
  draft.Add(GroupRemovedRecord(id));
  draft.OnDurable([this, id] { context_->counters.Forget(id); });
  expiry_->Forget(id);
  if ((*group)->head().type == GroupType::kShare)
    draft.OnDurable([listener = context_->share_heads, id] { listener->OnShareHeadGone(id); });
  return std::move(draft).Answer(std::move(done));
}

Decision GroupAdmin::List(const std::string& after, size_t limit,
                          Reply<std::vector<GroupSummary>> reply) {
  std::vector<GroupSummary> summaries;
  const auto& groups = context_->groups.groups();
  for (auto at = groups.upper_bound(after); at != groups.end() && summaries.size() < limit; ++at) {
    const Group& group = *at->second;
    summaries.push_back({.id = group.id(),
                         .type = group.head().type,
                         .state = rebalancer_->StateOf(group),
                         .paused = group.head().paused,
                         .members = group.members().size()});
  }
  return Draft(context_->listener).Answer(std::move(reply), std::move(summaries));
}

Decision GroupAdmin::Describe(const std::string& id, Reply<GroupDescription> reply) {
  const absl::StatusOr<const Group*> group = FindGroup(context_->groups, id);
  if (!group.ok()) return Refuse(std::move(reply), group.status());
  GroupDescription description{.head = (*group)->head(),
                               .state = rebalancer_->StateOf(**group),
                               .members = {},
                               .committed_offsets = (*group)->offsets().size()};
  for (const auto& [member_id, member] : (*group)->members()) {
    description.members.push_back(
        {*member, context_->sessions.Of({id, member_id}) != SessionId{0}});
  }
  return Draft(context_->listener).Answer(std::move(reply), std::move(description));
}

}  // namespace weir
