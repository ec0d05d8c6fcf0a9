// Sessions: which members are connected, until when one that is not keeps its place, and until when
// one must have given up what it was asked to. Of the world, not of the log: a reload forgets all
// of it. Not thread-safe; one strand.
#ifndef WEIR_BROKER_GROUP_SESSIONS_H_
#define WEIR_BROKER_GROUP_SESSIONS_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "broker/group/group_requests.h"
#include "broker/runtime/state_machine.h"

namespace weir {

// A member by its names.
struct MemberName {
  std::string group;
  std::string member;
};

class Sessions {
 public:
  using OnOverdue = std::function<Decision(const MachineTime&, const MemberName&)>;

  // `overdue` decides about a member that has let one of its times pass.
  explicit Sessions(OnOverdue overdue) : overdue_(std::move(overdue)) {}
  // Before everything else; outlives this.
  void UseTimers(MachineTimers* timers) { timers_ = timers; }

  // 0: the member is not connected.
  SessionId Of(const MemberName& name) const;

  // `revoking`: it was asked to give something up before. Then it has the rest of its time for
  // that, but at least limits::kConfirmAfterResumeMs, or after a reload the whole.
  void Connect(const MachineTime& now, const MemberName& name, SessionId session, bool revoking,
               const GroupConfig& config);
  // It keeps its place for the session timeout. Also for members that a reload has found.
  void Disconnect(const MachineTime& now, const MemberName& name, const GroupConfig& config);

  // `revoking`: it is asked to give something up and has the rebalance timeout for that, from the
  // first time that it is asked. Otherwise nothing is asked of it any more.
  void AwaitRevocation(const MachineTime& now, const MemberName& name, bool revoking,
                       const GroupConfig& config);
  // It has given up; for the rest, when it is `revoking` still, it has the whole time again.
  void Revoked(const MachineTime& now, const MemberName& name, bool revoking,
               const GroupConfig& config);

  // The member is none any more.
  void Remove(const MemberName& name);
  // After a reload, which has cancelled the timers.
  void Clear() { entries_.clear(); }

 private:
  struct Entry {
    SessionId session;
    std::optional<absl::Duration> revoke_deadline;  // of the monotonic clock
  };

  static std::string Key(const MemberName& name);
  void SetTimer(const std::string& key, absl::Duration at, const MemberName& name);

  const OnOverdue overdue_;
  MachineTimers* timers_ = nullptr;
  absl::flat_hash_map<std::string, Entry> entries_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_SESSIONS_H_
