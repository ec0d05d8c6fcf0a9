#include "broker/group/sessions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

std::string SessionTimer(const std::string& key) { return absl::StrCat("session/", key); }
std::string RevokeTimer(const std::string& key) { return absl::StrCat("revoke/", key); }

}  // namespace

// Group ids have no '/'.
std::string Sessions::Key(const MemberName& name) {
  return absl::StrCat(name.group, "/", name.member);
}

SessionId Sessions::Of(const MemberName& name) const {
  const auto found = entries_.find(Key(name));
  return found == entries_.end() ? SessionId{0} : found->second.session;
}

void Sessions::SetTimer(const std::string& key, absl::Duration at, const MemberName& name) {
  timers_->SetTimer(key, at, [this, name](const MachineTime& now) { return overdue_(now, name); });
}

void Sessions::Connect(const MachineTime& now, const MemberName& name, SessionId session,
                       bool revoking, const GroupConfig& config) {
  const std::string key = Key(name);
  Entry& entry = entries_[key];
  entry.session = session;
  timers_->CancelTimer(SessionTimer(key));
  if (!revoking) return;
  const absl::Duration at_least = now.monotonic + absl::Milliseconds(limits::kConfirmAfterResumeMs);
  entry.revoke_deadline = entry.revoke_deadline.has_value()
                              ? std::max(*entry.revoke_deadline, at_least)
                              : now.monotonic + absl::Milliseconds(config.rebalance_timeout_ms);
  SetTimer(RevokeTimer(key), *entry.revoke_deadline, name);
}

void Sessions::Disconnect(const MachineTime& now, const MemberName& name,
                          const GroupConfig& config) {
  const std::string key = Key(name);
  entries_[key].session = SessionId{0};
  timers_->CancelTimer(RevokeTimer(key));
  SetTimer(SessionTimer(key), now.monotonic + absl::Milliseconds(config.session_timeout_ms), name);
}

void Sessions::AwaitRevocation(const MachineTime& now, const MemberName& name, bool revoking,
                               const GroupConfig& config) {
  const std::string key = Key(name);
  Entry& entry = entries_[key];
  if (!revoking) {
    entry.revoke_deadline = std::nullopt;
    timers_->CancelTimer(RevokeTimer(key));
  } else if (!entry.revoke_deadline.has_value()) {
    entry.revoke_deadline = now.monotonic + absl::Milliseconds(config.rebalance_timeout_ms);
    if (entry.session != SessionId{0}) SetTimer(RevokeTimer(key), *entry.revoke_deadline, name);
  }
}

void Sessions::Revoked(const MachineTime& now, const MemberName& name, bool revoking,
                       const GroupConfig& config) {
  AwaitRevocation(now, name, false, config);
  AwaitRevocation(now, name, revoking, config);
}

void Sessions::Remove(const MemberName& name) {
  const std::string key = Key(name);
  timers_->CancelTimer(SessionTimer(key));
  timers_->CancelTimer(RevokeTimer(key));
  entries_.erase(key);
}

}  // namespace weir
