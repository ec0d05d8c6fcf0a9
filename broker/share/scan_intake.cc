#include "broker/share/scan_intake.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/share/due_jobs.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

absl::Status Contradicts(absl::string_view what) {
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat("a scan of a log is not in order: ", what));
}

bool IsWindowFull(const DeliveryWindow& window) {
  return window.lines.jobs() >= limits::kLinedUpJobs;
}

}  // namespace

absl::Status CheckScan(const ShareScan& scan) {
  if (scan.from < Offset{0} || scan.to < scan.from) return Contradicts("its ends");
  if (scan.records.size() > limits::kScannedRecords) {
    return Contradicts(absl::StrCat("it has ", scan.records.size(), " records, at most ",
                                    limits::kScannedRecords, " are taken"));
  }
  Offset next = scan.from;
  auto record = scan.records.begin();
  for (const ScannedRange& range : scan.ranges) {
    if (range.first < next || range.last < range.first || range.last >= scan.to)
      return Contradicts("its ranges");
    Offset record_next = range.first;
    for (; record != scan.records.end() && record->offset <= range.last; ++record) {
      if (record->offset < record_next || !range.readable) return Contradicts("its records");
      record_next = record->offset + 1;
    }
    next = range.last + 1;
  }
  return record == scan.records.end() ? absl::OkStatus() : Contradicts("its records");
}

AcquireState LimitOf(const ShareContext::Known& known) {
  const SharePartition& partition = known.entry->partition;
  const DeliveryWindow& window = known.entry->window;
  if (window.locks.in_flight() >= known.settings->max_in_flight)
    return AcquireState::kInFlightLimit;
  // What was scanned before a reload is scanned again in any case: keys wait for it.
  const bool scanning_again = known.entry->scanned() < partition.blocked_end();
  if (partition.parked() >= known.settings->max_parked && !scanning_again &&
      !SeededBug("share-forget-park-limit"))
    return AcquireState::kParkLimit;
  return IsWindowFull(window) ? AcquireState::kWindowLimit : AcquireState::kOpen;
}

ScanIntake::ScanIntake(const MachineTime& now, ShareContext* context,
                       const ShareContext::Known& known)
    : now_(now),
      context_(context),
      known_(known),
      partition_(known.entry->partition),
      window_(known.entry->window),
      order_(context->reader, known.entry) {
  const int64_t room = known.settings->max_parked - partition_.parked();
  may_park_ = std::min(room, static_cast<int64_t>(limits::kParkedPerDecision));
  if (known.entry->scanned() < partition_.blocked_end() || SeededBug("share-forget-park-limit"))
    may_park_ = static_cast<int64_t>(limits::kParkedPerDecision);
  parked_.number = partition_.number();
  gone_.number = partition_.number();
  gone_.cause = FinishCause::kGone;
}

bool ScanIntake::HasRoom() const {
  return static_cast<int64_t>(parked_.jobs.size()) < may_park_ && !IsWindowFull(window_);
}

absl::Status ScanIntake::Take(const ShareScan& scan, ShareDraft* draft) {
  window_.scanned = known_.entry->scanned();
  if (scan.from > window_.scanned || scan.to <= window_.scanned) return absl::OkStatus();
  absl::Status status;
  for (const ScannedRange& range : scan.ranges) {
    if (range.last < window_.scanned) continue;
    if (!HasRoom()) break;
    TakeGone(range.first);
    const OffsetRange rest{std::max(range.first, window_.scanned), range.last};
    if (range.readable) {
      status = TakeReadable(rest, scan);
    } else {
      TakeUnreadable(rest);
    }
    if (!status.ok() || window_.scanned <= range.last) break;
  }
  const bool all =
      status.ok() && (scan.ranges.empty() || window_.scanned > scan.ranges.back().last);
  if (all) TakeGone(scan.to);
  if (!gone_.ranges.empty()) draft->Add(ShareRecordOf(gone_));
  if (!parked_.jobs.empty()) draft->Add(ShareRecordOf(parked_));
  return status;
}

void ScanIntake::TakeGone(Offset to) {
  if (to <= window_.scanned) return;
  partition_.settled().VisitGaps({window_.scanned, to - 1},
                                 [this](const OffsetRange& gap) { gone_.ranges.push_back(gap); });
  window_.scanned = to;
}

void ScanIntake::TakePlain(Offset to) {
  if (to <= window_.scanned) return;
  partition_.settled().VisitGaps({window_.scanned, to - 1},
                                 [this](const OffsetRange& gap) { window_.available.Add(gap); });
  window_.scanned = to;
}

void ScanIntake::TakeUnreadable(const OffsetRange& range) {
  partition_.settled().VisitGaps(range, [this](const OffsetRange& gap) {
    parked_.jobs.push_back({.offset = gap.first,
                            .last = gap.last,
                            .cause = ParkedCause::kDying,
                            .due_ms = now_.now_ms,
                            .reason = DeathReason::kUnreadable});
    WakeAt(now_, context_, known_.entry, now_.monotonic);
  });
  window_.scanned = range.last + 1;
}

absl::Status ScanIntake::TakeReadable(const OffsetRange& range, const ShareScan& scan) {
  auto record =
      std::lower_bound(scan.records.begin(), scan.records.end(), range.first,
                       [](const ScannedRecord& r, Offset offset) { return r.offset < offset; });
  for (; record != scan.records.end() && record->offset <= range.last; ++record) {
    TakePlain(record->offset);
    if (partition_.IsSettled(record->offset)) continue;
    if (!HasRoom()) return absl::OkStatus();
    WEIR_RETURN_IF_ERROR(TakeRecord(*record));
    window_.scanned = record->offset + 1;
  }
  TakePlain(range.last + 1);
  return absl::OkStatus();
}

absl::Status ScanIntake::TakeRecord(const ScannedRecord& record) {
  ParkedJob job{.offset = record.offset, .last = record.offset};
  if (known_.settings->order == ShareOrder::kKey) job.key = record.key;
  if (record.deliver_at_ms > now_.now_ms) {
    job.cause = ParkedCause::kDelayed;
    job.due_ms = record.deliver_at_ms;
    WakeAt(now_, context_, known_.entry, job.due_ms);
    parked_.jobs.push_back(std::move(job));
    return absl::OkStatus();
  }
  if (!job.key.has_value()) {
    window_.available.Add({job.offset, job.offset});
    return absl::OkStatus();
  }
  WEIR_ASSIGN_OR_RETURN(const KeyOrder::Turn turn, order_.OnScanned(job.offset, *job.key));
  switch (turn) {
    case KeyOrder::Turn::kNow:
      window_.available.Add({job.offset, job.offset});
      break;
    case KeyOrder::Turn::kLater:
      window_.lines.LineUp(*job.key, job.offset);
      break;
    case KeyOrder::Turn::kLaterInStore:
      parked_.jobs.push_back(OrdinaryInLine(job.offset, *job.key));
      break;
  }
  return absl::OkStatus();
}

}  // namespace weir
