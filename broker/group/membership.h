// Membership: members come, are cut off, come back, give up what they are asked to, and go. Every
// call is a handler: it decides, and nothing is so before its records are durable. One strand.
//
// Errors of a call about a stream: UNKNOWN_MEMBER when the member is none any more, SESSION_LOST
// when another stream has taken it over or the machine was loaded again. No call that fails has an
// effect, except that COMMIT_UNCERTAIN leaves it open.
#ifndef WEIR_BROKER_GROUP_MEMBERSHIP_H_
#define WEIR_BROKER_GROUP_MEMBERSHIP_H_

#include <optional>

#include "absl/status/statusor.h"
#include "broker/group/draft.h"
#include "broker/group/group_context.h"
#include "broker/group/group_expiry.h"
#include "broker/group/rebalancer.h"

namespace weir {

class Membership {
 public:
  Membership(GroupContext* context, Rebalancer* rebalancer, GroupExpiry* expiry)
      : context_(context), rebalancer_(rebalancer), expiry_(expiry) {}

  // After the answer the member is told what it has, and again whenever that changes.
  // - A member that exists goes on with what it has, under the new session; an older session is
  //   told so. UNKNOWN_MEMBER: it has an epoch, and is none any more. STALE_MEMBER_EPOCH: it claims
  //   an epoch that it was never given.
  // - A new member under the instance id of one that is not connected takes its place and its
  //   partitions. INSTANCE_ID_IN_USE while that one is connected.
  // - Otherwise it is a new member. GROUP_LIMIT.
  // UNKNOWN_GROUP when there is none and the request has no start to create it with,
  // GROUP_TYPE_MISMATCH, INVALID_REQUEST, INVALID_GROUP_ID, INVALID_TOPIC_NAME, INVALID_CONFIG (the
  // assignor is not the group's). The view's errors, when the group starts at ends of logs that are
  // not available.
  Decision Join(const MachineTime& now, JoinRequest request, Reply<Joined> reply);

  // The stream broke: the member keeps its place for the session timeout. Unknown ones are passed
  // over.
  Decision SessionLost(const MachineTime& now, const MemberStream& stream);
  // A static member keeps its place for the session timeout, others go at once.
  Decision Leave(const MachineTime& now, const MemberStream& stream, Done done);
  // The member has given up all that notices up to `epoch` asked it to. STALE_MEMBER_EPOCH: it was
  // never given the epoch.
  Decision ConfirmRevoked(const MachineTime& now, const MemberStream& stream, MemberEpoch epoch,
                          Done done);
  // As Join for its errors.
  Decision Subscribe(const MachineTime& now, const MemberStream& stream, Subscription subscription,
                     Done done);

  // The member is fenced: a time of its session has passed.
  Decision OnOverdue(const MachineTime& now, const MemberName& name);

 private:
  // What is going to be when the records of a draft are.
  struct Joining {
    const Group* group = nullptr;  // null: it is about to be created
    GroupHead head;
  };
  struct Known {
    const Group* group;
    const Member* member;
  };

  absl::StatusOr<Joining> FindOrCreate(const MachineTime& now, const JoinRequest& request) const;
  absl::Status CheckNewMember(const Joining& joining, const JoinRequest& request) const;
  Decision Resume(const MachineTime& now, const Known& known, JoinRequest request,
                  Reply<Joined> reply);
  Decision Enter(const MachineTime& now, Joining joining, const JoinRequest& request,
                 Reply<Joined> reply);
  // Takes out who had the instance id and gives `member` what that one had and was not asked for.
  void TakePlace(const Member& old, GroupHead* head, Member* member, Draft* draft);
  absl::Status StartSubscribed(const MachineTime& now, const GroupHead& head,
                               const CommittedOffsets& offsets, const Subscription& subscription,
                               Draft* draft) const;

  absl::StatusOr<Known> Find(const MemberStream& stream) const;
  void Remove(const MachineTime& now, const Known& known, Draft* draft);

  GroupContext* const context_;
  Rebalancer* const rebalancer_;
  GroupExpiry* const expiry_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_MEMBERSHIP_H_
