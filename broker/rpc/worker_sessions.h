// WorkerSessions: the sessions of share groups' workers: which there are, those whose streams broke
// and that may be resumed, and who scans which share-partition. It brings what the machines tell to
// a session that can use it. Any thread; guarded by mu_, which is never held while a session or a
// machine is called.
#ifndef WEIR_BROKER_RPC_WORKER_SESSIONS_H_
#define WEIR_BROKER_RPC_WORKER_SESSIONS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/rpc/worker_session.h"
#include "broker/runtime/timer_queue.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_shards.h"
#include "storage/base/clock.h"

namespace weir {

class WorkerSessions {
 public:
  // All outlive this.
  WorkerSessions(TimerQueue* timers, Clock* clock) : timers_(timers), clock_(clock) {}
  ~WorkerSessions();

  // Before the first session.
  void UseShards(ShareShards* shards) { shards_ = shards; }

  // A new session. TOO_MANY_REQUESTS when there are limits::kWorkerSessions.
  absl::StatusOr<std::shared_ptr<WorkerSession>> Open(const Services* services,
                                                      WorkerSession::Options options)
      ABSL_LOCKS_EXCLUDED(mu_);
  // A session that broke and whose time is not over, of the same group; null: there is none. Its
  // locks are as they were.
  std::shared_ptr<WorkerSession> Resume(ShareSessionId id, const std::string& group)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The stream of the session broke: it may be resumed for limits::kSessionResumeMs.
  void Break(const std::shared_ptr<WorkerSession>& session) ABSL_LOCKS_EXCLUDED(mu_);
  // The session is over: what it holds goes back uncounted.
  void Close(const std::shared_ptr<WorkerSession>& session) ABSL_LOCKS_EXCLUDED(mu_);

  // A session without a stream, used until `until` (monotonic) at least; then it is closed.
  void Keep(const std::shared_ptr<WorkerSession>& session, absl::Duration until)
      ABSL_LOCKS_EXCLUDED(mu_);
  // A session that Keep keeps, which nobody else gets before Keep is called again: that of the
  // number, or, for 0, any of the group's worker; null when there is none.
  std::shared_ptr<WorkerSession> Take(ShareSessionId id, const std::string& group,
                                      const std::string& worker) ABSL_LOCKS_EXCLUDED(mu_);

  // Only who has the lease scans a share-partition; whether `session` has it now.
  bool Lease(const SharePartitionId& id, ShareSessionId session) ABSL_LOCKS_EXCLUDED(mu_);
  void GiveUpLease(const SharePartitionId& id, ShareSessionId session) ABSL_LOCKS_EXCLUDED(mu_);

  // There may be jobs in the share-partition: tells one session of the group that can take some, in
  // turn.
  void Wake(const SharePartitionId& id) ABSL_LOCKS_EXCLUDED(mu_);
  // The machine of the internal partition was loaded anew.
  void OnLocksForgotten() ABSL_LOCKS_EXCLUDED(mu_);

  // The workers of a group, by session.
  struct Worker {
    ShareSessionId session;
    std::string name;
    int64_t since_ms = 0;   // of day
    bool connected = true;  // false: its stream broke, and it may come back
  };
  std::vector<Worker> WorkersOf(const std::string& group) const ABSL_LOCKS_EXCLUDED(mu_);
  size_t CountOf(const std::string& group) const ABSL_LOCKS_EXCLUDED(mu_);

  size_t size() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Group {
    std::vector<std::shared_ptr<WorkerSession>> sessions;
    size_t turn = 0;
  };
  struct Resting {
    std::shared_ptr<WorkerSession> session;
    bool broken = false;      // its stream broke; otherwise it has none
    TimerQueue::Timer timer;  // closes it
  };

  void Forget(const std::shared_ptr<WorkerSession>& session) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells the machines that the session is over.
  void TellClosed(ShareSessionId id, const absl::btree_set<PartitionIndex>& shards);
  void Rest(const std::shared_ptr<WorkerSession>& session, absl::Duration until, bool broken)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // A session that rests, in time; null otherwise.
  std::shared_ptr<WorkerSession> Rouse(ShareSessionId id, const std::string& group, bool broken)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Unkeep(const WorkerSession& session) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnTimer(ShareSessionId id) ABSL_LOCKS_EXCLUDED(mu_);

  TimerQueue* const timers_;
  Clock* const clock_;
  ShareShards* shards_ = nullptr;

  mutable absl::Mutex mu_;
  uint64_t last_id_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<std::string, Group> groups_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<ShareSessionId, Resting> resting_ ABSL_GUARDED_BY(mu_);
  // Those that Keep keeps, by group and worker.
  std::multimap<std::pair<std::string, std::string>, ShareSessionId> kept_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<SharePartitionId, ShareSessionId> leases_ ABSL_GUARDED_BY(mu_);
  size_t size_ ABSL_GUARDED_BY(mu_) = 0;
  int timers_set_ ABSL_GUARDED_BY(mu_) = 0;  // and not cancelled, nor over
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_WORKER_SESSIONS_H_
