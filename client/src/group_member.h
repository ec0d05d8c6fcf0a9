// GroupMember: a place in a consumer group, kept alive by a thread of its own: it joins, comes back
// after a break with its id and epoch, and joins anew when the broker has put it out. It knows who
// owns what, and nothing of records. Any thread; guarded by mu_.
#ifndef WEIR_CLIENT_SRC_GROUP_MEMBER_H_
#define WEIR_CLIENT_SRC_GROUP_MEMBER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/src/channel.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "weir/v1/group.pb.h"

namespace weir::client {

inline constexpr char kJoin[] = "/weir.v1.GroupService/Join";

class GroupMember {
 public:
  // `membership` names no member. `on_change` is called, on any thread, when Take may have news.
  GroupMember(std::shared_ptr<Channel> channel, v1::Membership membership,
              std::function<void()> on_change);
  // Leave() came before, or the member is given up: it has until its session times out.
  ~GroupMember();

  // What has changed since the last call.
  struct News {
    bool lost = false;  // everything owned before is: the member was put out, or cut off too long
    std::optional<v1::MemberAssignment> assignment;  // the newest
    absl::Status failure;                            // it cannot be a member; goes on being told
  };
  News Take() ABSL_LOCKS_EXCLUDED(mu_);

  // All that was asked for up to the epoch is given up.
  void Confirm(int64_t epoch) ABSL_LOCKS_EXCLUDED(mu_);

  // For commits; epoch 0 while it is not a member.
  struct Identity {
    std::string member_id;
    int64_t epoch = 0;
  };
  Identity identity() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status last_error() const ABSL_LOCKS_EXCLUDED(mu_);

  // Ends membership; returns when the broker knows, at most after `max_wait`. A member that is cut
  // off comes back for that.
  absl::Status Leave(absl::Duration max_wait) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Link;  // one stream

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void OnAssignment(Link* link, v1::MemberAssignment assignment) ABSL_LOCKS_EXCLUDED(mu_);
  void OnClosed(Link* link, const absl::Status& status) ABSL_LOCKS_EXCLUDED(mu_);
  // The broker thinks that this is a member, and has not heard that it leaves. Once it is leaving.
  bool MustTell() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // It owns nothing any more, and is to join anew.
  void Lose() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<Channel> channel_;
  const std::function<void()> on_change_;
  Clock& clock_ = Clock::Real();

  mutable absl::Mutex mu_;
  v1::Membership membership_ ABSL_GUARDED_BY(mu_);  // as the next stream names it
  std::shared_ptr<Link> link_ ABSL_GUARDED_BY(mu_);
  std::optional<v1::MemberAssignment> assignment_ ABSL_GUARDED_BY(mu_);  // not yet taken
  bool lost_ ABSL_GUARDED_BY(mu_) = false;                               // not yet taken
  absl::Duration session_timeout_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  absl::Duration cut_off_at_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();  // monotonic
  absl::Duration join_at_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();         // monotonic
  int failures_ ABSL_GUARDED_BY(mu_) = 0;                                      // in a row
  absl::Status last_error_ ABSL_GUARDED_BY(mu_);
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  bool leaving_ ABSL_GUARDED_BY(mu_) = false;
  bool told_ ABSL_GUARDED_BY(mu_) = false;    // the broker knows that it has left
  absl::Status closed_ ABSL_GUARDED_BY(mu_);  // how the last stream ended
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  absl::CondVar changed_;
  std::unique_ptr<ThreadExecutor> thread_;  // runs Run()
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_GROUP_MEMBER_H_
