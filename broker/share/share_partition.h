// SharePartition: one share-partition as records say it: which offsets are finished or parked, how
// many jobs are parked and why, and what has come of the others. It changes only as records are
// replayed, and says what that changes in the store. Parked jobs themselves are in the store
// (ParkedJobs reads them), and what is handed out is not here (DeliveryWindow): a crash takes that
// away. Not thread-safe.
//
//   start                       scan position (of the DeliveryWindow)
//     v                           v
//   --|xxxx....xx..........x......|      x: in settled()
#ifndef WEIR_BROKER_SHARE_SHARE_PARTITION_H_
#define WEIR_BROKER_SHARE_SHARE_PARTITION_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/share/offset_ranges.h"
#include "broker/share/parked_job.h"
#include "broker/share/share_records.h"
#include "broker/share/share_requests.h"
#include "broker/share/share_types.h"
#include "storage/base/types.h"
#include "storage/meta/share_keys.h"
#include "storage/meta/state_store.h"

namespace weir {

class SharePartition {
 public:
  SharePartition(const SharePlace& place, SharePartitionId id, int64_t incarnation, Offset start);

  const SharePlace& place() const { return place_; }
  int64_t number() const { return place_.number; }
  const SharePartitionId& id() const { return id_; }
  int64_t incarnation() const { return incarnation_; }

  // Everything before it is finished or parked, and it is not.
  Offset start() const { return start_; }
  // The ranges from start() on that are finished or parked. Bounded by what is handed out or waits
  // in memory: between two of them is such a job.
  const OffsetRanges& settled() const { return settled_; }
  bool IsSettled(Offset offset) const { return offset < start_ || settled_.Contains(offset); }
  const ShareCounts& counts() const { return counts_; }
  // Parked jobs of one cause, and of all.
  int64_t parked(ParkedCause cause) const { return parked_[static_cast<size_t>(cause)]; }
  int64_t parked() const;
  // Behind the last offset that was ever parked as kBlocked.
  Offset blocked_end() const { return blocked_end_; }

  // A record is replayed; `changes` gets what it changes in the store. DATA_LOSS when it makes no
  // sense.
  void Opened(std::vector<StateChange>* changes);
  void Removed(std::vector<StateChange>* changes);
  absl::Status Finished(const JobsFinished& finished, std::vector<StateChange>* changes);
  absl::Status Parked(const JobsParked& parked, std::vector<StateChange>* changes);
  absl::Status StartMoved(const ShareStartMoved& moved, std::vector<StateChange>* changes);

  // From the store: its state, then its ranges.
  static absl::StatusOr<SharePartition> Decode(const SharePlace& place, absl::string_view state);
  absl::Status LoadSettled(Offset first, Offset last);

 private:
  std::string Encode() const;
  void PutState(std::vector<StateChange>* changes) const;
  // A range of offsets is finished or parked. DATA_LOSS when it was before.
  absl::Status Settle(const OffsetRange& range, std::vector<StateChange>* changes);
  // One entry of the parked jobs comes or goes.
  absl::Status Park(const ParkedJob& job, std::vector<StateChange>* changes);
  absl::Status Unpark(const ParkedJob& job, std::vector<StateChange>* changes);
  void AddAttempt(const ParkedJob& job, const AttemptEnd& attempt,
                  std::vector<StateChange>* changes) const;
  void RemoveAttempts(const ParkedJob& job, std::vector<StateChange>* changes) const;

  SharePlace place_;
  SharePartitionId id_;
  int64_t incarnation_ = 0;
  Offset start_;
  OffsetRanges settled_;
  Offset blocked_end_;
  std::array<int64_t, 5> parked_{};  // by ParkedCause
  ShareCounts counts_;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_PARTITION_H_
