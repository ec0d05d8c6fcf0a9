// Acknowledgement: what workers say about jobs that they were handed. One strand.
#ifndef WEIR_BROKER_SHARE_ACKNOWLEDGEMENT_H_
#define WEIR_BROKER_SHARE_ACKNOWLEDGEMENT_H_

#include <vector>

#include "absl/status/status.h"
#include "broker/share/key_order.h"
#include "broker/share/share_context.h"
#include "broker/share/share_draft.h"
#include "broker/share/share_requests.h"

namespace weir {

class Acknowledgement {
 public:
  explicit Acknowledgement(ShareContext* context) : context_(context) {}

  // Every job of every item on its own; all that are OK are one append, and the answer comes when
  // that is durable. COMMIT_UNCERTAIN: saying it again gives OK or ALREADY_DONE for what is done.
  //
  // - An accept whose lock was lost is OK while nobody else has been handed the job.
  // - A release waits for the backoff, or for delay_ms (0 to limits::kReleaseDelayLongestMs) in its
  //   place; an uncounted one at least for the initial backoff, and after
  //   limits::kUncountedReleases of them it counts.
  // - The attempt that used up max.delivery.attempts, and a reject, make the job die; OK means that
  //   it is never handed out again and its dead letter follows.
  //
  // UNKNOWN_GROUP, UNKNOWN_PARTITION, INVALID_REQUEST (items whose ranges make no sense, or
  // overlap; more than limits::kAckItems or limits::kAckJobs; a delay or an error text too large):
  // no effect.
  Decision Acknowledge(const MachineTime& now, const AcknowledgeRequest& request,
                       Reply<std::vector<AckResult>> reply);

  // The locks last ack.timeout from now. Not written. Errors as above.
  Decision Renew(const MachineTime& now, const RenewRequest& request, Reply<Renewed> reply);

 private:
  // What one acknowledgement is about.
  struct Call;

  absl::Status TakeItem(Call* call, const AckItem& item);
  // Jobs of one lock, which is the item's: OK.
  absl::Status TakeHeld(Call* call, const AckItem& item, const OffsetRange& jobs, const Lock& lock);
  // Jobs that nobody holds.
  absl::Status TakeUnheld(Call* call, const AckItem& item, const OffsetRange& jobs);
  absl::Status TakeUnheldUnsettled(Call* call, const AckItem& item, const OffsetRange& jobs);
  absl::Status TakeSettled(Call* call, const AckItem& item, Offset job);
  absl::Status Finish(Call* call, const OffsetRange& jobs);
  absl::Status Finish(Call* call, const ParkedJob& job);
  // A token of an earlier life: nobody knows any more for which jobs it was.
  bool IsForgotten(const LockToken& token) const;

  ShareContext* const context_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_ACKNOWLEDGEMENT_H_
