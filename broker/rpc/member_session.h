// MemberSession: one stream's life as a member of a group: it joins, hears what it is told,
// confirms what it has given up, and is over by leaving, by a break, or because the broker says so.
// It knows neither messages nor records; its owner is the stream.
//
// Any thread; guarded by mu_, under which the owner is called. Kept alive by what it has asked.
#ifndef WEIR_BROKER_RPC_MEMBER_SESSION_H_
#define WEIR_BROKER_RPC_MEMBER_SESSION_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "broker/group/group_requests.h"
#include "broker/group/group_shards.h"
#include "broker/rpc/group_sessions.h"

namespace weir {

class MemberSession : public GroupStream, public std::enable_shared_from_this<MemberSession> {
 public:
  // Must not wait, and not call the session.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnJoined(const Joined& joined) = 0;
    // The newest picture of what the member owns.
    virtual void OnAssignment(const Notice& notice) = 0;
    // The session is over, and nothing more comes: it could not join, was fenced, or superseded.
    virtual void OnEnd(const absl::Status& why) = 0;
  };

  // All outlive the session.
  MemberSession(GroupShards* shards, GroupSessions* sessions, Owner* owner)
      : shards_(shards), sessions_(sessions), owner_(owner) {}

  // Once, and first. `request` names no session. The owner hears of the outcome.
  void Join(JoinRequest request) ABSL_LOCKS_EXCLUDED(mu_);
  // All that notices up to `epoch` asked for is given up.
  void ConfirmRevoked(MemberEpoch epoch) ABSL_LOCKS_EXCLUDED(mu_);
  void Subscribe(Subscription subscription) ABSL_LOCKS_EXCLUDED(mu_);

  // The stream is over; the owner is not called any more. `leave`: the member goes at once,
  // otherwise it has its session timeout to come back.
  void Close(bool leave) ABSL_LOCKS_EXCLUDED(mu_);

  // Once it has joined.
  std::string member_id() const ABSL_LOCKS_EXCLUDED(mu_);

  void OnNotice(const Notice& notice) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnDropped() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void OnJoined(const absl::StatusOr<Joined>& joined) ABSL_LOCKS_EXCLUDED(mu_);
  // A failure ends the session.
  void EndIfFailed(const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  void End(const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells the machine that the stream is gone.
  void TellGone(const MemberStream& stream, bool leave);
  MemberStream stream() const ABSL_LOCKS_EXCLUDED(mu_);

  GroupShards* const shards_;
  GroupSessions* const sessions_;
  PartitionIndex partition_;  // where the group belongs; set by Join

  mutable absl::Mutex mu_;
  Owner* owner_ ABSL_GUARDED_BY(mu_);         // null: it hears nothing any more
  MemberStream stream_ ABSL_GUARDED_BY(mu_);  // session 0: Join() was not called
  bool joined_ ABSL_GUARDED_BY(mu_) = false;  // the machine has said so
  bool closed_ ABSL_GUARDED_BY(mu_) = false;  // Close() came,
  bool leave_ ABSL_GUARDED_BY(mu_) = false;   // as a leave
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_MEMBER_SESSION_H_
