#include "broker/group/membership.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/group/group_checks.h"
#include "broker/group/group_records.h"
#include "broker/group/topic_start.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

absl::Status Limit(absl::string_view what, size_t count) {
  return MakeError(Reason::kGroupLimit, absl::StrCat("there are ", count, " members in ", what,
                                                     ", at most so many may be"));
}

absl::Status UnknownMember(absl::string_view group, absl::string_view member) {
  return MakeError(Reason::kUnknownMember,
                   absl::StrCat("group '", group, "' has no member '", member, "'"));
}

absl::Status NeverGiven(const Member& member, MemberEpoch epoch) {
  return MakeError(Reason::kStaleMemberEpoch,
                   absl::StrCat("the epoch ", epoch.value(), " was never given to member '",
                                member.id, "', whose newest is ", member.epoch.value()));
}

Joined JoinedAs(const GroupHead& head, MemberEpoch epoch, bool resumed) {
  return {.epoch = epoch,
          .resumed = resumed,
          .session_timeout_ms = head.config.session_timeout_ms,
          .rebalance_timeout_ms = head.config.rebalance_timeout_ms};
}

}  // namespace

Decision Membership::Join(const MachineTime& now, JoinRequest request, Reply<Joined> reply) {
  absl::StatusOr<Joining> joining = FindOrCreate(now, request);
  if (!joining.ok()) return Refuse(std::move(reply), joining.status());
  if (joining->group != nullptr) {
    const Member* const member = joining->group->Find(request.member_id);
    if (member != nullptr)
      return Resume(now, {joining->group, member}, std::move(request), std::move(reply));
  }
  if (absl::Status status = CheckNewMember(*joining, request); !status.ok())
    return Refuse(std::move(reply), std::move(status));
  return Enter(now, *std::move(joining), request, std::move(reply));
}

absl::StatusOr<Membership::Joining> Membership::FindOrCreate(const MachineTime& now,
                                                             const JoinRequest& request) const {
  WEIR_RETURN_IF_ERROR(CheckJoin(request));
  const bool creates = request.start.has_value() && request.epoch == MemberEpoch{0} &&
                       context_->groups.Find(request.group) == nullptr;
  if (creates) {
    WEIR_ASSIGN_OR_RETURN(GroupHead head,
                          NewGroup(context_->groups, request.group, *request.start, now.now_ms));
    return Joining{nullptr, std::move(head)};
  }
  // Who was a member of a group that is gone may join anew, and create it again.
  if (request.epoch > MemberEpoch{0} && context_->groups.Find(request.group) == nullptr)
    return UnknownMember(request.group, request.member_id);
  WEIR_ASSIGN_OR_RETURN(const Group* const group,
                        FindConsumerGroup(context_->groups, request.group));
  return Joining{group, group->head()};
}

absl::Status Membership::CheckNewMember(const Joining& joining, const JoinRequest& request) const {
  if (request.epoch > MemberEpoch{0}) return UnknownMember(request.group, request.member_id);
  if (context_->groups.members() >= limits::kMembersPerShard)
    return Limit("the group's internal partition", context_->groups.members());
  if (joining.group == nullptr || joining.group->members().empty()) return absl::OkStatus();
  const Group& group = *joining.group;
  if (request.assignor.has_value() && *request.assignor != joining.head.config.assignor) {
    return MakeError(Reason::kInvalidConfig,
                     absl::StrCat("the assignor of group '", group.id(), "' is ",
                                  AssignorName(joining.head.config.assignor), ", not ",
                                  AssignorName(*request.assignor),
                                  "; only an alteration of the group changes it"));
  }
  const Member* const holder = group.FindInstance(request.instance_id);
  if (holder == nullptr) {
    if (group.members().size() < limits::kMembersPerGroup) return absl::OkStatus();
    return Limit(absl::StrCat("group '", group.id(), "'"), group.members().size());
  }
  if (context_->sessions.Of({group.id(), holder->id}) == SessionId{0}) return absl::OkStatus();
  return MakeError(Reason::kInstanceIdInUse,
                   absl::StrCat("member '", holder->id, "' of group '", group.id(),
                                "' is connected with the instance id '", holder->instance_id, "'"),
                   absl::Milliseconds(limits::kInstanceInUseRetryMs));
}

Decision Membership::Resume(const MachineTime& now, const Known& known, JoinRequest request,
                            Reply<Joined> reply) {
  const GroupHead& head = known.group->head();
  Member member = *known.member;
  if (request.epoch > member.epoch)
    return Refuse(std::move(reply), NeverGiven(member, request.epoch));
  if (request.instance_id != member.instance_id) {
    return Refuse(
        std::move(reply),
        MakeError(Reason::kInvalidRequest,
                  absl::StrCat("member '", member.id, "' has the instance id '", member.instance_id,
                               "', not '", request.instance_id, "'")));
  }
  Draft draft(context_->listener);
  if (request.subscription != member.subscription) {
    absl::Status started =
        StartSubscribed(now, head, known.group->offsets(), request.subscription, &draft);
    if (!started.ok()) return Refuse(std::move(reply), std::move(started));
    member.subscription = std::move(request.subscription);
    draft.Add(MemberRecordOf(head.id, member));
    rebalancer_->Schedule(now, head.id);
  }
  const MemberName name{head.id, member.id};
  draft.Tell({.kind = Notice::Kind::kSuperseded,
              .group = head.id,
              .member_id = member.id,
              .session = context_->sessions.Of(name)});
  context_->sessions.Connect(now, name, request.session, member.IsRevoking(), head.config);
  draft.Tell(AssignmentNotice(head, member, request.session));
  return std::move(draft).Answer(std::move(reply), JoinedAs(head, member.epoch, true));
}

Decision Membership::Enter(const MachineTime& now, Joining joining, const JoinRequest& request,
                           Reply<Joined> reply) {
  GroupHead head = std::move(joining.head);
  const bool was_empty = joining.group == nullptr || joining.group->members().empty();
  const Member* const old =
      joining.group == nullptr ? nullptr : joining.group->FindInstance(request.instance_id);
  if (was_empty) {
    head.empty_since_ms = 0;
    if (request.assignor.has_value()) head.config.assignor = *request.assignor;
  }
  Member member{.id = request.member_id,
                .instance_id = request.instance_id,
                .subscription = request.subscription,
                .client_id = request.client_id,
                .host = request.host,
                .since_ms = now.now_ms,
                .epoch = head.epoch,
                .held = {}};
  Draft draft(context_->listener);
  if (old != nullptr) {
    TakePlace(*old, &head, &member, &draft);
  } else if (was_empty) {
    draft.Add(GroupRecordOf(head));
  }
  draft.Add(MemberRecordOf(head.id, member));
  const CommittedOffsets none;
  const CommittedOffsets& offsets = joining.group == nullptr ? none : joining.group->offsets();
  absl::Status started = StartSubscribed(now, head, offsets, member.subscription, &draft);
  if (!started.ok()) return Refuse(std::move(reply), std::move(started));

  if (old != nullptr) context_->sessions.Remove({head.id, old->id});
  context_->sessions.Connect(now, {head.id, member.id}, request.session, false, head.config);
  expiry_->Watch(now, head);
  rebalancer_->Schedule(now, head.id);
  draft.Tell(AssignmentNotice(head, member, request.session));
  return std::move(draft).Answer(std::move(reply), JoinedAs(head, member.epoch, false));
}

void Membership::TakePlace(const Member& old, GroupHead* head, Member* member, Draft* draft) {
  ++head->epoch;
  member->epoch = head->epoch;
  for (const auto& [partition, hold] : old.held) {
    if (!hold.IsRevoked())
      member->held[partition] = {.assigned = head->epoch, .revoked = MemberEpoch{0}};
  }
  draft->Add(GroupRecordOf(*head));
  draft->Add(MemberRemovedRecord(head->id, old.id));
}

absl::Status Membership::StartSubscribed(const MachineTime& now, const GroupHead& head,
                                         const CommittedOffsets& offsets,
                                         const Subscription& subscription, Draft* draft) const {
  return StartTopics(head, offsets, subscription, *context_->topics, now.now_ms, draft);
}

absl::StatusOr<Membership::Known> Membership::Find(const MemberStream& stream) const {
  const Group* const group = context_->groups.Find(stream.group);
  const Member* const member = group == nullptr ? nullptr : group->Find(stream.member_id);
  if (member == nullptr) return UnknownMember(stream.group, stream.member_id);
  if (context_->sessions.Of({stream.group, stream.member_id}) == stream.session)
    return Known{group, member};
  return MakeError(Reason::kSessionLost,
                   absl::StrCat("the stream does not hold member '", member->id, "' of group '",
                                group->id(), "' any more"));
}

Decision Membership::SessionLost(const MachineTime& now, const MemberStream& stream) {
  const absl::StatusOr<Known> known = Find(stream);
  if (known.ok()) {
    context_->sessions.Disconnect(now, {stream.group, stream.member_id},
                                  known->group->head().config);
  }
  return {};
}

Decision Membership::Leave(const MachineTime& now, const MemberStream& stream, Done done) {
  const absl::StatusOr<Known> known = Find(stream);
  if (!known.ok()) return Refuse(std::move(done), known.status());
  Draft draft(context_->listener);
  if (known->member->IsStatic()) {
    context_->sessions.Disconnect(now, {stream.group, stream.member_id},
                                  known->group->head().config);
  } else {
    Remove(now, *known, &draft);
  }
  return std::move(draft).Answer(std::move(done));
}

Decision Membership::ConfirmRevoked(const MachineTime& now, const MemberStream& stream,
                                    MemberEpoch epoch, Done done) {
  const absl::StatusOr<Known> known = Find(stream);
  if (!known.ok()) return Refuse(std::move(done), known.status());
  Member member = *known->member;
  if (epoch > member.epoch) return Refuse(std::move(done), NeverGiven(member, epoch));
  const size_t given_up = absl::erase_if(member.held, [epoch](const auto& entry) {
    return entry.second.IsRevoked() && entry.second.revoked <= epoch;
  });
  Draft draft(context_->listener);
  if (given_up > 0) {
    draft.Add(MemberRecordOf(stream.group, member));
    context_->sessions.Revoked(now, {stream.group, member.id}, member.IsRevoking(),
                               known->group->head().config);
    rebalancer_->Schedule(now, stream.group);
  }
  return std::move(draft).Answer(std::move(done));
}

Decision Membership::Subscribe(const MachineTime& now, const MemberStream& stream,
                               Subscription subscription, Done done) {
  const absl::StatusOr<Known> known = Find(stream);
  if (!known.ok()) return Refuse(std::move(done), known.status());
  if (absl::Status status = CheckSubscription(subscription); !status.ok())
    return Refuse(std::move(done), std::move(status));
  Draft draft(context_->listener);
  absl::Status started =
      StartSubscribed(now, known->group->head(), known->group->offsets(), subscription, &draft);
  if (!started.ok()) return Refuse(std::move(done), std::move(started));
  Member member = *known->member;
  member.subscription = std::move(subscription);
  draft.Add(MemberRecordOf(stream.group, member));
  rebalancer_->Schedule(now, stream.group);
  return std::move(draft).Answer(std::move(done));
}

Decision Membership::OnOverdue(const MachineTime& now, const MemberName& name) {
  const Group* const group = context_->groups.Find(name.group);
  const Member* const member = group == nullptr ? nullptr : group->Find(name.member);
  if (member == nullptr) return {};
  Draft draft(context_->listener);
  draft.Tell({.kind = Notice::Kind::kFenced,
              .group = name.group,
              .member_id = name.member,
              .session = context_->sessions.Of(name)});
  draft.OnDurable([this, id = name.group] { context_->counters.Add(id, {.fenced_members = 1}); });
  Remove(now, {group, member}, &draft);
  return std::move(draft).Silent();
}

void Membership::Remove(const MachineTime& now, const Known& known, Draft* draft) {
  draft->Add(MemberRemovedRecord(known.group->id(), known.member->id));
  context_->sessions.Remove({known.group->id(), known.member->id});
  if (known.group->members().size() == 1) {
    GroupHead head = known.group->head();
    head.empty_since_ms = now.now_ms;
    draft->Add(GroupRecordOf(head));
    expiry_->Watch(now, head);
  }
  rebalancer_->Schedule(now, known.group->id());
}

}  // namespace weir
