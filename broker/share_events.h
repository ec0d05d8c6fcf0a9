// ShareEvents: hears what happens to the share-partitions of one internal partition, and tells
// whoever has to do with it. On the machine's strand.
#ifndef WEIR_BROKER_SHARE_EVENTS_H_
#define WEIR_BROKER_SHARE_EVENTS_H_

#include "broker/rpc/worker_sessions.h"
#include "broker/share/dead_letter_writer.h"
#include "broker/share/share_requests.h"
#include "broker/share_breaker.h"
#include "broker/share_groups.h"
#include "storage/base/types.h"

namespace weir {

class ShareEvents : public ShareListener {
 public:
  // All outlive this.
  ShareEvents(PartitionIndex shard, ShareGroups* groups, ShareBreaker* breaker,
              WorkerSessions* workers)
      : shard_(shard), groups_(groups), breaker_(breaker), workers_(workers) {}

  // Before the machine is loaded.
  void UseWriter(DeadLetterWriter* writer) { writer_ = writer; }

  void OnAvailable(const SharePartitionId& id) override { workers_->Wake(id); }
  void OnDying(const SharePartitionId& id) override { writer_->OnDying(id); }
  void OnOutcomes(const SharePartitionId& id, const ShareOutcomes& outcomes) override {
    breaker_->Note(id.group, outcomes);
  }
  void OnLocksForgotten() override {
    groups_->NoteLoaded(shard_);
    workers_->OnLocksForgotten();
  }

 private:
  const PartitionIndex shard_;
  ShareGroups* const groups_;
  ShareBreaker* const breaker_;
  WorkerSessions* const workers_;
  DeadLetterWriter* writer_ = nullptr;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_EVENTS_H_
