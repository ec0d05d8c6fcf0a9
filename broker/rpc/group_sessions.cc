#include "broker/rpc/group_sessions.h"

namespace weir {

GroupSessions::GroupSessions(int32_t partitions) {
  for (int32_t i = 0; i < partitions; ++i) parts_.push_back(std::make_unique<Part>());
}

SessionId GroupSessions::Enter(PartitionIndex partition, GroupStream* stream) {
  const SessionId session{last_session_.fetch_add(1, std::memory_order_relaxed) + 1};
  PartOf(partition).Add(session, stream);
  return session;
}

void GroupSessions::Leave(PartitionIndex partition, SessionId session) {
  PartOf(partition).Remove(session);
}

void GroupSessions::Part::Add(SessionId session, GroupStream* stream) {
  absl::MutexLock lock(&mu_);
  streams_.emplace(session, stream);
}

void GroupSessions::Part::Remove(SessionId session) {
  absl::MutexLock lock(&mu_);
  streams_.erase(session);
}

void GroupSessions::Part::OnNotice(const Notice& notice) {
  absl::MutexLock lock(&mu_);
  const auto found = streams_.find(notice.session);
  if (found != streams_.end()) found->second->OnNotice(notice);
}

void GroupSessions::Part::OnSessionsDropped() {
  absl::MutexLock lock(&mu_);
  for (const auto& [session, stream] : streams_) stream->OnDropped();
}

}  // namespace weir
