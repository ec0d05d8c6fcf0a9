// ScanIntake: what a reader has seen of the log becomes jobs: available ones, delayed ones, ones in
// the line of their key, dead letters of what cannot be read. Used by one handler, then gone.
#ifndef WEIR_BROKER_SHARE_SCAN_INTAKE_H_
#define WEIR_BROKER_SHARE_SCAN_INTAKE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "broker/runtime/state_machine.h"
#include "broker/share/key_order.h"
#include "broker/share/share_context.h"
#include "broker/share/share_draft.h"
#include "broker/share/share_scan.h"

namespace weir {

// INVALID_REQUEST when the scan contradicts itself, or has more than limits::kScannedRecords.
absl::Status CheckScan(const ShareScan& scan);

class ScanIntake {
 public:
  ScanIntake(const MachineTime& now, ShareContext* context, const ShareContext::Known& known);

  // Takes the part of the scan that continues what is known, up to where no more can be taken in.
  // The scan is a checked one.
  absl::Status Take(const ShareScan& scan, ShareDraft* draft);

 private:
  // Up to the end of the range, or of the room.
  absl::Status TakeReadable(const OffsetRange& range, const ShareScan& scan);
  absl::Status TakeRecord(const ScannedRecord& record);
  void TakeUnreadable(const OffsetRange& range);
  // Offsets at which there is nothing.
  void TakeGone(Offset to);
  // Jobs of which nothing special is known.
  void TakePlain(Offset to);
  bool HasRoom() const;

  const MachineTime& now_;
  ShareContext* const context_;
  const ShareContext::Known& known_;
  SharePartition& partition_;
  DeliveryWindow& window_;
  KeyOrder order_;
  int64_t may_park_ = 0;  // so many more
  JobsParked parked_;
  JobsFinished gone_;
};

// kInFlightLimit, kParkLimit or kWindowLimit when that keeps jobs from being scanned or handed out,
// otherwise kOpen.
AcquireState LimitOf(const ShareContext::Known& known);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SCAN_INTAKE_H_
