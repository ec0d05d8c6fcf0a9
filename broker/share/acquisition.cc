#include "broker/share/acquisition.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/share/due_jobs.h"
#include "broker/share/scan_intake.h"
#include "broker/share/share_draft.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

absl::Status Check(const AcquireRequest& request) {
  if (request.session == ShareSessionId{0} || request.max_jobs < 0 ||
      request.max_jobs > limits::kAcquireJobsMost) {
    return MakeError(
        Reason::kInvalidRequest,
        absl::StrCat("session ", request.session.value(), " cannot acquire ", request.max_jobs,
                     " jobs; allowed is 0 to ", limits::kAcquireJobsMost, " of a session from 1"));
  }
  if (request.worker.size() > limits::kWorkerNameBytes) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the name of a worker has ", request.worker.size(),
                                  " bytes, at most ", limits::kWorkerNameBytes, " are allowed"));
  }
  return request.scan.has_value() ? CheckScan(*request.scan) : absl::OkStatus();
}

}  // namespace

struct Acquisition::Call {
  const MachineTime& now;
  const ShareContext::Known& known;
  const AcquireRequest& request;
  DeliveryWindow& window;
  int64_t budget = 0;  // jobs
  Acquired acquired = {};
};

Decision Acquisition::Acquire(const MachineTime& now, AcquireRequest request,
                              Reply<Acquired> reply) {
  if (absl::Status status = Check(request); !status.ok())
    return RefuseShare(std::move(reply), std::move(status));
  const absl::StatusOr<ShareContext::Known> known = context_->Find(request.id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  DeliveryWindow& window = known->entry->window;
  ShareDraft draft(context_->listener);
  absl::Status status;
  if (request.scan.has_value())
    status = ScanIntake(now, context_, *known).Take(*request.scan, &draft);
  status.Update(TakeDueJobs(now, context_, *known, &draft));
  if (!status.ok()) {
    return std::move(draft).Answer<Acquired>(
        [reply = std::move(reply), status](absl::StatusOr<Acquired> durable) mutable {
          reply(durable.ok() ? status : durable.status());
        },
        Acquired{});
  }
  Call call{.now = now, .known = *known, .request = request, .window = window};
  if (!request.worker.empty() || !context_->sessions.contains(request.session))
    context_->sessions[request.session].worker = request.worker;
  HandOut(&call);
  SayWhatIsMissing(&call);
  TellOfJobs(*known, &draft);
  return std::move(draft).Answer(std::move(reply), std::move(call.acquired));
}

void Acquisition::HandOut(Call* call) {
  const ShareSettings& settings = *call->known.settings;
  const LockTable& locks = call->window.locks;
  const int64_t room = std::max<int64_t>(settings.max_in_flight - locks.in_flight(), 0);
  call->budget = std::min(call->request.max_jobs,
                          SeededBug("share-forget-in-flight") ? call->request.max_jobs : room);
  if (settings.pause != SharePause::kRunning && !SeededBug("share-forget-pause")) call->budget = 0;
  if (locks.HoldsAlone(call->request.session)) {  // it asks again when it is done with that
    call->budget = 0;
    return;
  }
  const int64_t budget = call->budget;
  HandOutAlone(call);
  HandOutReady(call);
  HandOutAvailable(call);
  const bool short_of_jobs = call->budget > 0 || budget < call->request.max_jobs;
  if (short_of_jobs && call->request.max_jobs > 0) call->window.wanting = true;
}

void Acquisition::Lock(Call* call, const OffsetRange& jobs, const ParkedJob* parked) {
  const absl::Duration timeout = absl::Milliseconds(call->known.settings->ack_timeout_ms);
  AcquiredJobs handed{.first = jobs.first,
                      .last = jobs.last,
                      .delivery_count = parked != nullptr ? parked->attempts + 1 : 1,
                      .token = {context_->epoch, ++context_->last_counter},
                      .lock_until_ms = call->now.now_ms + call->known.settings->ack_timeout_ms,
                      .alone = parked != nullptr && parked->alone};
  call->window.locks.Add(jobs, {.counter = handed.token.counter,
                                .session = call->request.session,
                                .acquired = call->now.monotonic,
                                .until = call->now.monotonic + timeout,
                                .parked = parked != nullptr,
                                .alone = handed.alone});
  WakeAt(call->now, context_, call->known.entry, call->now.monotonic + timeout);
  call->budget -= jobs.size();
  call->acquired.jobs.push_back(handed);
}

void Acquisition::HandOutAlone(Call* call) {
  DeliveryWindow& window = call->window;
  const bool idle = call->request.session_is_idle && !window.locks.Holds(call->request.session);
  if (call->budget == 0 || window.alone.empty() || !idle) return;
  const Offset job = window.alone.begin()->second;
  window.alone.erase(window.alone.begin());
  Lock(call, {job, job}, window.parked.Find(job));
  call->budget = 0;
}

void Acquisition::HandOutReady(Call* call) {
  DeliveryWindow& window = call->window;
  while (call->budget > 0 && !window.ready.empty()) {
    const Offset job = window.ready.begin()->second;
    window.ready.erase(window.ready.begin());
    const ParkedJob* const parked = window.parked.Find(job);
    WEIR_CHECK(parked != nullptr);
    Lock(call, {job, job}, parked);
  }
}

void Acquisition::HandOutAvailable(Call* call) {
  OffsetRanges& available = call->window.available;
  while (call->budget > 0 && !available.empty())
    Lock(call, available.PopFront(call->budget), nullptr);
}

void Acquisition::SayWhatIsMissing(Call* call) {
  DeliveryWindow& window = call->window;
  const ShareSettings& settings = *call->known.settings;
  Acquired& acquired = call->acquired;
  acquired.available = window.available_jobs();
  acquired.alone_waiting = static_cast<int64_t>(window.alone.size());
  if (!window.ready.empty()) acquired.due_since_ms = window.ready.begin()->first;
  const bool waking = call->known.entry->scanned() < call->known.entry->partition.blocked_end();
  const int64_t enough = std::max(call->request.max_jobs, limits::kScanAheadJobs);
  if (settings.pause == SharePause::kPaused) {
    acquired.state = AcquireState::kPaused;
  } else if (settings.pause == SharePause::kPausedByBreaker) {
    acquired.state = AcquireState::kPausedByBreaker;
  } else if (const AcquireState limit = LimitOf(call->known); limit != AcquireState::kOpen) {
    acquired.state = limit;
    // Jobs that are finished make room; that is seen when their record is replayed.
    if (limit == AcquireState::kParkLimit)
      WakeAt(call->now, context_, call->known.entry,
             call->now.monotonic + absl::Milliseconds(limits::kParkLimitLookMs));
  } else if (window.available_jobs() < enough || waking) {
    acquired.scan_from = call->known.entry->scanned();
  }
  window.limited = acquired.state == AcquireState::kInFlightLimit ||
                   acquired.state == AcquireState::kParkLimit ||
                   acquired.state == AcquireState::kWindowLimit;
}

}  // namespace weir
