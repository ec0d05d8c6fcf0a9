#include "broker/share/job_endings.h"

#include <algorithm>
#include <utility>

#include "broker/share/due_jobs.h"
#include "broker/share/key_order.h"
#include "broker/share/retry_policy.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

std::string WorkerOf(const ShareContext& context, ShareSessionId session) {
  const auto found = context.sessions.find(session);
  return found == context.sessions.end() ? "" : found->second.worker;
}

// How long a job waits that was released uncounted: at least the initial backoff.
int64_t UncountedWaitMs(const ShareSettings& settings, std::optional<int64_t> delay_ms,
                        uint64_t chance) {
  const int64_t initial = settings.retry_backoff_initial_ms;
  const int64_t jitter = static_cast<int64_t>(chance % static_cast<uint64_t>(initial / 5 + 1));
  return std::max(delay_ms.value_or(0), initial + jitter);
}

// `job` after one more attempt.
ParkedJob AfterAttempt(const MachineTime& now, ShareContext* context, const ShareSettings& settings,
                       ParkedJob job, const JobEnding& ending) {
  const JobTransition& transition = TransitionOf(JobState::kAcquired, ending.event);
  const bool counted = transition.counted || job.uncounted >= limits::kUncountedReleases;
  if (counted) {
    ++job.attempts;
  } else {
    ++job.uncounted;
  }
  job.alone = transition.alone && !SeededBug("share-forget-alone");
  job.holds_key = job.key.has_value();
  job.cause = ParkedCause::kRetry;
  if (ending.event == JobEvent::kReject) job.reason = DeathReason::kRejected;
  if (ending.event == JobEvent::kExpire) job.reason = DeathReason::kExpired;
  const bool used_up = counted && job.attempts >= settings.max_delivery_attempts &&
                       !SeededBug("share-forget-max-attempts");
  if (!job.reason.has_value() && used_up) job.reason = DeathReason::kMaxAttempts;
  if (job.reason.has_value()) {
    job.cause = ParkedCause::kDying;
    job.due_ms = now.now_ms;
    return job;
  }
  const uint64_t chance = context->random();
  const int64_t wait_ms =
      counted ? ending.delay_ms.value_or(RetryBackoffMs(settings, job.attempts, chance))
              : UncountedWaitMs(settings, ending.delay_ms, chance);
  // A worker that never came back was gone from the break on: the pause began then.
  const int64_t waited_ms = ending.event == JobEvent::kSessionBroke ? limits::kSessionResumeMs : 0;
  job.due_ms = now.now_ms + std::max<int64_t>(wait_ms - waited_ms, 0);
  return job;
}

}  // namespace

void EndAttempts(const MachineTime& now, ShareContext* context, const ShareContext::Known& known,
                 const std::vector<LockedJobs>& jobs, const JobEnding& ending, ShareDraft* draft) {
  if (jobs.empty()) return;
  DeliveryWindow& window = known.entry->window;
  KeyOrder order(context->reader, known.entry);
  const JobTransition& transition = TransitionOf(JobState::kAcquired, ending.event);
  JobsParked parked{.number = known.entry->partition.number(),
                    .jobs = {},
                    .before = {},
                    .attempt = AttemptEnd{.ended_ms = now.now_ms,
                                          .worker = WorkerOf(*context, jobs[0].lock.session),
                                          .ending = std::string(transition.ending),
                                          .error = ending.error}};
  JobsParked behind{.number = parked.number, .jobs = {}, .before = {}};  // in the lines of theirs
  const auto room = static_cast<size_t>(
      std::clamp<int64_t>(known.settings->max_parked - known.entry->partition.parked(), 0,
                          static_cast<int64_t>(limits::kParkedPerDecision)));
  ShareOutcomes outcomes;
  ShareTally tally;
  for (const LockedJobs& locked : jobs) {
    for (Offset offset = locked.jobs.first; offset <= locked.jobs.last; ++offset) {
      ParkedJob job{.offset = offset, .last = offset, .key = window.lines.KeyOf(offset)};
      if (locked.lock.parked) {
        const ParkedJob* const before = window.parked.Find(offset);
        WEIR_CHECK(before != nullptr);
        job = *before;
        parked.before.push_back(job);
      }
      job.last_lock = {context->epoch, locked.lock.counter};
      job = AfterAttempt(now, context, *known.settings, std::move(job), ending);
      if (job.key.has_value()) {
        order.OnHolderParked(offset, *job.key, room - std::min(room, behind.jobs.size()),
                             &behind.jobs);
      }
      ++outcomes.released;
      if (job.reason.has_value()) ++outcomes.died[static_cast<size_t>(*job.reason) - 1];
      WakeAt(now, context, known.entry, job.due_ms);
      parked.jobs.push_back(std::move(job));
    }
    window.locks.Remove(locked.jobs);
    if (ending.event == JobEvent::kLockExpired) tally.locks_expired += locked.jobs.size();
    if (!transition.counted) tally.uncounted_releases += locked.jobs.size();
  }
  draft->Add(ShareRecordOf(parked));
  if (!behind.jobs.empty()) draft->Add(ShareRecordOf(behind));
  draft->TellOutcomes(known.entry->partition.id(), outcomes);
  if (tally == ShareTally{}) return;
  draft->OnDurable(
      [context, id = known.entry->partition.id(), tally] { context->counters.Add(id, tally); });
}

}  // namespace weir
