#include "broker/rpc/worker_sessions.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

WorkerSessions::~WorkerSessions() {
  absl::flat_hash_map<ShareSessionId, Resting> resting;
  {
    absl::MutexLock lock(&mu_);
    resting.swap(resting_);
    for (const auto& [id, rests] : resting) {
      if (timers_->Cancel(rests.timer)) --timers_set_;
    }
    const auto none = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return timers_set_ == 0; };
    mu_.Await(absl::Condition(&none));
  }
}

absl::StatusOr<std::shared_ptr<WorkerSession>> WorkerSessions::Open(
    const Services* services, WorkerSession::Options options) {
  absl::MutexLock lock(&mu_);
  if (size_ >= limits::kWorkerSessions) {
    return MakeError(Reason::kTooManyRequests,
                     absl::StrCat("there are ", size_, " sessions of workers; at most ",
                                  limits::kWorkerSessions, " are allowed"));
  }
  options.id = ShareSessionId(++last_id_);
  options.opened_ms = clock_->NowMs();
  auto session = std::make_shared<WorkerSession>(services, std::move(options));
  groups_[session->group()].sessions.push_back(session);
  ++size_;
  return session;
}

void WorkerSessions::Rest(const std::shared_ptr<WorkerSession>& session, absl::Duration until,
                          bool broken) {
  const ShareSessionId id = session->id();
  resting_[id] = {.session = session, .broken = broken, .timer = timers_->Add(until, [this, id] {
                    OnTimer(id);
                  })};
  ++timers_set_;
}

std::shared_ptr<WorkerSession> WorkerSessions::Rouse(ShareSessionId id, const std::string& group,
                                                     bool broken) {
  const auto found = resting_.find(id);
  if (found == resting_.end() || found->second.broken != broken ||
      found->second.session->group() != group || !timers_->Cancel(found->second.timer)) {
    return nullptr;  // unknown, somebody else's, or its time is over at this moment
  }
  --timers_set_;
  std::shared_ptr<WorkerSession> session = std::move(found->second.session);
  resting_.erase(found);
  return session;
}

std::shared_ptr<WorkerSession> WorkerSessions::Resume(ShareSessionId id, const std::string& group) {
  std::shared_ptr<WorkerSession> session;
  {
    absl::MutexLock lock(&mu_);
    session = Rouse(id, group, /*broken=*/true);
  }
  if (session == nullptr) return nullptr;
  for (const PartitionIndex shard : session->shards()) {
    shards_->Tell(
        shard,
        [id](ShareMachine& machine, const MachineTime& now, Done done) {
          Decision decision = machine.sessions().Resume(now, id);
          decision.answer = std::move(done);
          return decision;
        },
        [](const absl::Status&) {});
  }
  return session;
}

void WorkerSessions::Break(const std::shared_ptr<WorkerSession>& session) {
  session->SetOwner(nullptr);
  const ShareSessionId id = session->id();
  for (const PartitionIndex shard : session->shards()) {
    shards_->Tell(
        shard,
        [id](ShareMachine& machine, const MachineTime& now, Done done) {
          Decision decision = machine.sessions().Break(now, id);
          decision.answer = std::move(done);
          return decision;
        },
        [](const absl::Status&) {});
  }
  absl::MutexLock lock(&mu_);
  Rest(session, clock_->Monotonic() + absl::Milliseconds(limits::kSessionResumeMs),
       /*broken=*/true);
}

void WorkerSessions::Close(const std::shared_ptr<WorkerSession>& session) {
  const absl::btree_set<PartitionIndex> shards = session->Close();
  {
    absl::MutexLock lock(&mu_);
    Forget(session);
  }
  TellClosed(session->id(), shards);
}

void WorkerSessions::Keep(const std::shared_ptr<WorkerSession>& session, absl::Duration until) {
  session->SetOwner(nullptr);
  absl::MutexLock lock(&mu_);
  Rest(session, until, /*broken=*/false);
  kept_.emplace(std::pair(session->group(), session->worker()), session->id());
}

void WorkerSessions::Unkeep(const WorkerSession& session) {
  const auto [begin, end] = kept_.equal_range(std::pair(session.group(), session.worker()));
  const auto found =
      std::find_if(begin, end, [&](const auto& kept) { return kept.second == session.id(); });
  if (found != end) kept_.erase(found);
}

std::shared_ptr<WorkerSession> WorkerSessions::Take(ShareSessionId id, const std::string& group,
                                                    const std::string& worker) {
  absl::MutexLock lock(&mu_);
  if (id.value() == 0) {
    const auto found = kept_.find(std::pair(group, worker));
    if (found == kept_.end()) return nullptr;
    id = found->second;
  }
  std::shared_ptr<WorkerSession> session = Rouse(id, group, /*broken=*/false);
  if (session != nullptr) Unkeep(*session);
  return session;
}

void WorkerSessions::OnTimer(ShareSessionId id) {
  Resting rested;
  {
    absl::MutexLock lock(&mu_);
    if (const auto found = resting_.find(id); found != resting_.end()) {
      rested = std::move(found->second);
      resting_.erase(found);
      Unkeep(*rested.session);
    }
  }
  if (rested.session != nullptr && !rested.broken) Close(rested.session);
  if (rested.session != nullptr && rested.broken) rested.session->Close();
  absl::MutexLock lock(&mu_);
  // The machines end by themselves what was not resumed in time, and count its attempts.
  if (rested.session != nullptr && rested.broken) Forget(rested.session);
  --timers_set_;
}

void WorkerSessions::Forget(const std::shared_ptr<WorkerSession>& session) {
  const auto group = groups_.find(session->group());
  if (group == groups_.end()) return;
  std::vector<std::shared_ptr<WorkerSession>>& sessions = group->second.sessions;
  const auto found = std::find(sessions.begin(), sessions.end(), session);
  if (found == sessions.end()) return;
  sessions.erase(found);
  --size_;
  if (sessions.empty()) groups_.erase(group);
}

void WorkerSessions::TellClosed(ShareSessionId id, const absl::btree_set<PartitionIndex>& shards) {
  for (const PartitionIndex shard : shards) {
    shards_->Tell(
        shard,
        [id](ShareMachine& machine, const MachineTime& now, Done done) {
          return machine.sessions().Close(now, id, std::move(done));
        },
        [](const absl::Status&) {});  // or the machine is loaded anew, without sessions
  }
}

bool WorkerSessions::Lease(const SharePartitionId& id, ShareSessionId session) {
  absl::MutexLock lock(&mu_);
  return leases_.try_emplace(id, session).first->second == session;
}

void WorkerSessions::GiveUpLease(const SharePartitionId& id, ShareSessionId session) {
  absl::MutexLock lock(&mu_);
  const auto found = leases_.find(id);
  if (found != leases_.end() && found->second == session) leases_.erase(found);
}

void WorkerSessions::Wake(const SharePartitionId& id) {
  std::vector<std::shared_ptr<WorkerSession>> sessions;  // in turn
  {
    absl::MutexLock lock(&mu_);
    const auto found = groups_.find(id.group);
    if (found == groups_.end()) return;
    Group& group = found->second;
    const size_t first = group.turn++ % group.sessions.size();
    for (size_t i = 0; i < group.sessions.size(); ++i)
      sessions.push_back(group.sessions[(first + i) % group.sessions.size()]);
  }
  for (const std::shared_ptr<WorkerSession>& session : sessions) {
    if (session->Wake(id)) return;
  }
}

void WorkerSessions::OnLocksForgotten() {
  std::vector<std::shared_ptr<WorkerSession>> sessions;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [name, group] : groups_)
      sessions.insert(sessions.end(), group.sessions.begin(), group.sessions.end());
  }
  for (const std::shared_ptr<WorkerSession>& session : sessions) session->OnLocksForgotten();
}

std::vector<WorkerSessions::Worker> WorkerSessions::WorkersOf(const std::string& group) const {
  std::vector<Worker> workers;
  {
    absl::MutexLock lock(&mu_);
    const auto found = groups_.find(group);
    if (found == groups_.end()) return workers;
    for (const std::shared_ptr<WorkerSession>& session : found->second.sessions) {
      const auto resting = resting_.find(session->id());
      workers.push_back({.session = session->id(),
                         .name = session->worker(),
                         .since_ms = session->opened_ms(),
                         .connected = resting == resting_.end() || !resting->second.broken});
    }
  }
  std::sort(workers.begin(), workers.end(),
            [](const Worker& a, const Worker& b) { return a.session < b.session; });
  return workers;
}

size_t WorkerSessions::CountOf(const std::string& group) const {
  absl::MutexLock lock(&mu_);
  const auto found = groups_.find(group);
  return found == groups_.end() ? 0 : found->second.sessions.size();
}

size_t WorkerSessions::size() const {
  absl::MutexLock lock(&mu_);
  return size_;
}

}  // namespace weir
