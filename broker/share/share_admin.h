// ShareAdmin: share-partitions are opened, set back, expired, removed and looked at, and single
// jobs are listed, released and cancelled by command. Every call is a handler. One strand. No call
// that fails has an effect, except that COMMIT_UNCERTAIN leaves it open.
#ifndef WEIR_BROKER_SHARE_SHARE_ADMIN_H_
#define WEIR_BROKER_SHARE_SHARE_ADMIN_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/share/key_order.h"
#include "broker/share/share_context.h"
#include "broker/share/share_draft.h"
#include "broker/share/share_requests.h"

namespace weir {

class ShareAdmin {
 public:
  explicit ShareAdmin(ShareContext* context) : context_(context) {}

  // The share-partition begins at `start`, unless it is there already; answers with its start
  // offset. State of an earlier group of the name is dropped first. Who opens decides where: the
  // log's end as it was when a group with start=latest was created, otherwise its beginning.
  // UNKNOWN_GROUP, GROUP_LIMIT.
  Decision Open(const MachineTime& now, const SharePartitionId& id, Offset start,
                Reply<Offset> reply);
  // Group or topic are gone, or the group does not read the topic any more. One that is not there
  // is removed well.
  Decision Remove(const SharePartitionId& id, Done done);
  // Everything begins anew at `start`: attempts, parked jobs and finished ones behind it are
  // forgotten. The answer describes what is, or with `dry_run` would be, dropped. While the group
  // is paused: GROUP_NOT_EMPTY otherwise. UNKNOWN_GROUP, UNKNOWN_PARTITION.
  Decision Reset(const MachineTime& now, const SharePartitionId& id, Offset start, bool dry_run,
                 Reply<SharePartitionDescription> reply);

  // Before the log loses what lies below `log_start`: jobs there that were handed out or parked die
  // as EXPIRED, and their letters are written as always; the others are counted as expired. Answers
  // with the number of jobs whose letters are still to be written (at least; more may follow);
  // while it is not 0 the log must keep them: ask again when they are. With 0 nothing below is
  // anybody's job any more, durably, and the log may go. At most limits::kExpireJobs parked jobs
  // die in one call. UNKNOWN_GROUP, UNKNOWN_PARTITION: nothing holds the log back.
  Decision ExpireBelow(const MachineTime& now, const SharePartitionId& id, Offset log_start,
                       Reply<int64_t> reply);

  // UNKNOWN_GROUP, UNKNOWN_PARTITION, as all that follow; INVALID_REQUEST when more than
  // limits::kJobsByCommand jobs are named.
  Decision Describe(const MachineTime& now, const SharePartitionId& id,
                    Reply<SharePartitionDescription> reply);
  Decision List(const MachineTime& now, const ListJobsRequest& request, Reply<ListedJobs> reply);
  // Those of the jobs that are delayed are due now; answers with their number.
  Decision ReleaseJobs(const MachineTime& now, const SharePartitionId& id,
                       const std::vector<Offset>& jobs, Reply<int64_t> reply);
  // Those of the jobs that are not done are, without a dead letter; answers with their number. Who
  // holds one has lost its lock. `log_end`: the high watermark.
  Decision CancelJobs(const MachineTime& now, const SharePartitionId& id, Offset log_end,
                      const std::vector<Offset>& jobs, Reply<int64_t> reply);

  // Of a dead-letter topic's partition, opened as a share-partition of its own that nobody acquires
  // from: its letters at `offsets` are driven (or purged, without batches), all together with the
  // batches or not at all. Answers with the offsets that were marked before; when there are any,
  // nothing is done. Whatever refuses the batches is the answer.
  Decision Mark(const MachineTime& now, MarkRequest request, Reply<std::vector<Offset>> reply);
  // Which of `offsets` are marked.
  Decision Marked(const SharePartitionId& id, const std::vector<Offset>& offsets,
                  Reply<std::vector<Offset>> reply);

 private:
  absl::Status ExpireLocked(const MachineTime& now, const ShareContext::Known& known,
                            Offset log_start, ShareDraft* draft);
  // Answers with the number of parked jobs below that are dying now.
  absl::StatusOr<int64_t> ExpireParked(const MachineTime& now, const ShareContext::Known& known,
                                       Offset log_start, ShareDraft* draft);
  // Nothing below is handed out or parked.
  absl::Status ExpireRest(const ShareContext::Known& known, Offset log_start, ShareDraft* draft);
  // Takes one job out of everything, for good; adds it to `finished` unless it is done.
  absl::Status Cancel(const ShareContext::Known& known, Offset job, KeyOrder* order,
                      JobsFinished* finished);

  ShareContext* const context_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_ADMIN_H_
