#include "broker/share/due_jobs.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/share/job_endings.h"
#include "broker/share/key_order.h"
#include "broker/share/scan_intake.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

// After the store could not be read, and for room while no more may be parked.
constexpr absl::Duration kLookAgain = absl::Milliseconds(limits::kParkLimitLookMs);

// The locks that are over, by session. False: there was none.
bool ExpireLocks(const MachineTime& now, ShareContext* context, const ShareContext::Known& known,
                 ShareDraft* draft) {
  const absl::Duration early =
      SeededBug("share-expire-early") ? absl::Seconds(1) : absl::ZeroDuration();
  std::vector<LockedJobs> expired = known.entry->window.locks.Expired(now.monotonic + early);
  std::stable_sort(expired.begin(), expired.end(), [](const LockedJobs& a, const LockedJobs& b) {
    return a.lock.session < b.lock.session;
  });
  for (auto at = expired.begin(); at != expired.end();) {
    const auto end = std::find_if(at, expired.end(), [at](const LockedJobs& jobs) {
      return jobs.lock.session != at->lock.session;
    });
    EndAttempts(now, context, known, {at, end}, {.event = JobEvent::kLockExpired}, draft);
    at = end;
  }
  return !expired.empty();
}

Decision OnTimer(const MachineTime& now, ShareContext* context, int64_t number) {
  ShareDraft draft(context->listener);
  ShareEntry* const entry = context->table.Find(number);
  if (entry == nullptr) return {};
  entry->window.timer_at.reset();
  const absl::StatusOr<ShareContext::Known> known = context->Find(entry->partition.id());
  if (!known.ok()) {  // the group is gone, or not known yet
    WakeAt(now, context, entry, now.monotonic + absl::Milliseconds(limits::kParkedLookMs));
    return {};
  }
  if (ExpireLocks(now, context, *known, &draft)) {
    // Whose turn it is then, the store says once it has what was decided here.
    WakeAt(now, context, entry, now.monotonic);
  } else if (!TakeDueJobs(now, context, *known, &draft).ok()) {
    WakeAt(now, context, entry, now.monotonic + kLookAgain);
  }
  TellOfJobs(*known, &draft);
  if (entry->window.limited && LimitOf(*known) == AcquireState::kParkLimit)
    WakeAt(now, context, entry, now.monotonic + kLookAgain);
  if (const auto next = entry->window.locks.NextExpiry()) WakeAt(now, context, entry, *next);
  return std::move(draft).Silent();
}

bool HasRoom(const DeliveryWindow& window, const JobsParked& blocked) {
  return window.ready.size() + window.alone.size() < limits::kParkedInMemory &&
         window.dying.size() < limits::kParkedInMemory &&
         blocked.jobs.size() < limits::kParkedPerDecision;
}

// A job that is due goes where it belongs now.
absl::Status Place(const ParkedJob& job, KeyOrder* order, DeliveryWindow* window,
                   JobsParked* blocked) {
  if (job.cause == ParkedCause::kDying) {
    window->dying.insert({job.due_ms, job.offset});
    return absl::OkStatus();
  }
  if (job.key.has_value()) {
    const absl::StatusOr<bool> its_turn = order->OnDue(job);
    if (!its_turn.ok()) {
      window->parked.PutBack(job.offset);
      return its_turn.status();
    }
    if (!*its_turn) {
      blocked->before.push_back(job);
      blocked->jobs.push_back(job);
      blocked->jobs.back().cause = ParkedCause::kBlocked;
      return absl::OkStatus();
    }
  }
  (job.alone ? window->alone : window->ready).insert(ReadyPlace(job));
  window->new_alone |= job.alone;
  return absl::OkStatus();
}

}  // namespace

void WakeAt(const MachineTime& now, ShareContext* context, ShareEntry* entry, absl::Duration at) {
  std::optional<absl::Duration>& timer_at = entry->window.timer_at;
  if (timer_at.has_value() && *timer_at <= at) return;
  timer_at = std::max(at, now.monotonic);
  context->timers->SetTimer(absl::StrCat("/p", entry->partition.number()), *timer_at,
                            [context, number = entry->partition.number()](const MachineTime& then) {
                              return OnTimer(then, context, number);
                            });
}

void WakeAt(const MachineTime& now, ShareContext* context, ShareEntry* entry, int64_t at_ms) {
  const int64_t wait_ms = std::clamp<int64_t>(at_ms - now.now_ms, 0, limits::kParkedLookMs);
  WakeAt(now, context, entry, now.monotonic + absl::Milliseconds(wait_ms));
}

absl::Status TakeDueJobs(const MachineTime& now, ShareContext* context,
                         const ShareContext::Known& known, ShareDraft* draft) {
  DeliveryWindow& window = known.entry->window;
  KeyOrder order(context->reader, known.entry);
  JobsParked blocked{.number = known.entry->partition.number(), .jobs = {}, .before = {}};
  absl::Status status;
  while (status.ok() && HasRoom(window, blocked)) {
    if (window.parked.NeedsMore()) status = window.parked.Refill(*context->reader);
    const std::optional<ParkedJob> job = window.parked.TakeDue(now.now_ms);
    if (!job.has_value()) break;
    status.Update(Place(*job, &order, &window, &blocked));
  }
  status.Update(order.Wake());
  if (!blocked.jobs.empty()) draft->Add(ShareRecordOf(blocked));
  // Who makes room looks again by itself.
  const std::optional<int64_t> next = window.parked.NextDue();
  if (next.has_value() && HasRoom(window, blocked)) WakeAt(now, context, known.entry, *next);
  return status;
}

void TellOfJobs(const ShareContext::Known& known, ShareDraft* draft) {
  DeliveryWindow& window = known.entry->window;
  const AcquireState limit = LimitOf(known);
  const bool room = limit != AcquireState::kInFlightLimit;
  const bool more_to_scan = limit == AcquireState::kOpen && window.limited;
  const bool something = room && (more_to_scan || window.new_alone || !window.available.empty() ||
                                  !window.ready.empty());
  if (window.wanting && something && known.settings->pause == SharePause::kRunning) {
    window.wanting = false;
    window.limited = false;
    window.new_alone = false;
    draft->TellAvailable(known.entry->partition.id());
  }
  if (!window.told_of_dying && !window.dying.empty()) {
    window.told_of_dying = true;
    draft->TellDying(known.entry->partition.id());
  }
}

}  // namespace weir
