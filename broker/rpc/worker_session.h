// WorkerSession: one worker's session with a share group. It acquires jobs as long as the worker
// has credits, in turn from every partition that the group reads, finds their records in the logs,
// and hands them to its owner; it knows neither messages nor what becomes of a job. While the
// worker's stream is broken it rests, and goes on with the next owner.
//
// Any thread; guarded by mu_, under which the owner is called. What it has asked for keeps it
// alive.
#ifndef WEIR_BROKER_RPC_WORKER_SESSION_H_
#define WEIR_BROKER_RPC_WORKER_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/partition/partition.h"
#include "broker/partition/partition_read.h"
#include "broker/rpc/job_delivery.h"
#include "broker/rpc/services.h"
#include "broker/rpc/work_places.h"
#include "broker/runtime/waiters.h"
#include "broker/share/share_requests.h"
#include "storage/base/types.h"

namespace weir {

class WorkerSession : public std::enable_shared_from_this<WorkerSession> {
 public:
  // Must not wait, and not call the session.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnJobs(JobDelivery delivery) = 0;
    // The group is no more, or not to be used. Nothing more comes.
    virtual void OnEnd(const absl::Status& why) = 0;
  };
  struct Options {
    ShareSessionId id;
    std::string group;
    std::string worker;
    int64_t opened_ms = 0;   // of day
    int64_t read_bytes = 0;  // of one buffer; a single larger batch is read all the same
    // For a worker of single calls: what brings jobs uses up all credits, and what the worker still
    // does is not known.
    bool once = false;
  };

  WorkerSession(const Services* services, Options options)
      : services_(services),
        options_(std::move(options)),
        places_(services, options_.group, options_.id) {}

  const std::string& group() const { return options_.group; }
  const std::string& worker() const { return options_.worker; }
  ShareSessionId id() const { return options_.id; }
  int64_t opened_ms() const { return options_.opened_ms; }

  // Who gets the jobs from now on; it has no credits yet. Null: nobody, and nothing is acquired.
  void SetOwner(Owner* owner) ABSL_LOCKS_EXCLUDED(mu_);
  // The worker takes so many more jobs.
  void AddCredits(int64_t credits) ABSL_LOCKS_EXCLUDED(mu_);
  // The owner has passed a delivery on, and may get another.
  void OnPassedOn() ABSL_LOCKS_EXCLUDED(mu_);
  // The worker is done with so many jobs that it was handed. `renewed_until_ms`: when the last of
  // the locks ends that it has renewed meanwhile; 0: none.
  void OnSettled(int64_t jobs, int64_t renewed_until_ms) ABSL_LOCKS_EXCLUDED(mu_);

  // There may be jobs in the share-partition again. Whether the session can take some now.
  bool Wake(const SharePartitionId& id) ABSL_LOCKS_EXCLUDED(mu_);
  // All locks were forgotten: it holds nothing.
  void OnLocksForgotten() ABSL_LOCKS_EXCLUDED(mu_);
  // Nothing more is acquired; whatever still comes is dropped. The shards in which it may hold
  // jobs.
  absl::btree_set<PartitionIndex> Close() ABSL_LOCKS_EXCLUDED(mu_);
  absl::btree_set<PartitionIndex> shards() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Then = void (WorkerSession::*)(const WorkPlacePtr&, Offset, absl::StatusOr<PartitionRead>);

  // Does what there is to do until something is under way, or nothing is left. One thread at a
  // time: another leaves it to that one.
  void Pump() ABSL_LOCKS_EXCLUDED(mu_);
  // Plans the next step: what is to be done without the lock goes to action_.
  void Plan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // False: the group is no more, and the session has ended.
  bool Refresh() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool MayAcquire() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Then no lock is left that the worker has.
  absl::Duration UntilLocksEnd() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Rest(absl::Duration longest) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnRested(WakeReason why) ABSL_LOCKS_EXCLUDED(mu_);

  void Read(const WorkPlacePtr& place, Offset from, int64_t max_bytes, Then then)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnScanned(const WorkPlacePtr& place, Offset from, absl::StatusOr<PartitionRead> read)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Acquire(const WorkPlacePtr& place, std::optional<ShareScan> scan)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnAcquired(const WorkPlacePtr& place, int64_t asked, absl::StatusOr<Acquired> acquired)
      ABSL_LOCKS_EXCLUDED(mu_);
  void NoteAcquired(const WorkPlacePtr& place, int64_t asked, Acquired acquired)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Hands over what lies in the buffer, and has read what does not.
  void Deliver() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnMissingRead(const WorkPlacePtr& place, Offset from, absl::StatusOr<PartitionRead> read)
      ABSL_LOCKS_EXCLUDED(mu_);
  // The records of the next jobs cannot be had.
  void GiveBack(const WorkPlacePtr& place, const absl::Status& why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Services* const services_;
  const Options options_;

  mutable absl::Mutex mu_;
  Owner* owner_ ABSL_GUARDED_BY(mu_) = nullptr;
  WorkPlaces places_ ABSL_GUARDED_BY(mu_);
  absl::btree_set<PartitionIndex> shards_ ABSL_GUARDED_BY(mu_);  // in which it has acquired
  int64_t credits_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t held_ ABSL_GUARDED_BY(mu_) = 0;           // handed out, and not settled
  int64_t held_until_ms_ ABSL_GUARDED_BY(mu_) = 0;  // then all of their locks have ended
  int deliveries_ ABSL_GUARDED_BY(mu_) = 0;         // that the owner has not passed on
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  int64_t alone_until_ms_ ABSL_GUARDED_BY(mu_) = 0;   // it holds a job that is to be its only one
  bool draining_ ABSL_GUARDED_BY(mu_) = false;        // takes nothing until it holds nothing
  bool try_again_soon_ ABSL_GUARDED_BY(mu_) = false;  // there was no memory
  UndeliveredJobs undelivered_ ABSL_GUARDED_BY(mu_);  // acquired, and not yet the owner's

  // The last that was read, of one place; none while nothing is to be delivered or acquired, so
  // that workers that wait or are busy hold no memory.
  std::shared_ptr<const JobBuffer> buffer_ ABSL_GUARDED_BY(mu_);

  bool pumping_ ABSL_GUARDED_BY(mu_) = false;  // some thread is in Pump
  bool again_ ABSL_GUARDED_BY(mu_) = false;    // it shall look again
  bool busy_ ABSL_GUARDED_BY(mu_) = false;     // something was asked for that is not answered
  absl::AnyInvocable<void()> action_ ABSL_GUARDED_BY(mu_);      // to do without the lock,
  std::vector<SharePartitionId> to_wake_ ABSL_GUARDED_BY(mu_);  // and others to tell
  Waiters::Handle rest_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_WORKER_SESSION_H_
