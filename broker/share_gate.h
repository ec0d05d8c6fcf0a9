// ShareGate: keeps a log from losing jobs that share groups have taken on. Before a log start
// moves, jobs below that were handed out or wait for another try become dead letters (EXPIRED), and
// the log stays until these are written. Any thread; guarded by mu_, under which machines may be
// asked but no answer comes. Timers of a stopped one find nothing to do.
#ifndef WEIR_BROKER_SHARE_GATE_H_
#define WEIR_BROKER_SHARE_GATE_H_

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "broker/partition/log_start_gate.h"
#include "broker/runtime/timer_queue.h"
#include "broker/share/share_shards.h"
#include "broker/share_groups.h"

namespace weir {

class ShareGate : public LogStartGate, public std::enable_shared_from_this<ShareGate> {
 public:
  // All outlive Stop().
  ShareGate(const ShareGroups* groups, ShareShards* shares, TimerQueue* timers)
      : groups_(groups), timers_(timers), shares_(shares) {}

  // No machine is asked any more.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // JOBS_PENDING while dead letters of jobs below `to` are still to be written; SHUTTING_DOWN, or
  // why a machine cannot say.
  void Clear(const TopicPartition& partition, Offset to,
             absl::AnyInvocable<void(const absl::Status&)> done) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The answers of all groups; the last one reports.
  struct Gathering;

  void Ask(const SharePartitionId& id, Offset to, Reply<int64_t> reply)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Jobs below `to` are still there: more of them are to die soon, until none is left.
  void GoOn(const SharePartitionId& id, Offset to) ABSL_LOCKS_EXCLUDED(mu_);
  void OnTimer(const SharePartitionId& id) ABSL_LOCKS_EXCLUDED(mu_);

  const ShareGroups* const groups_;
  TimerQueue* const timers_;

  absl::Mutex mu_;
  ShareShards* shares_ ABSL_GUARDED_BY(mu_);  // null: stopped
  // What is being expired, up to where.
  absl::flat_hash_map<SharePartitionId, Offset> pending_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_GATE_H_
