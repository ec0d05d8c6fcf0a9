#include "broker/share/share_sessions.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/share/due_jobs.h"
#include "broker/share/job_endings.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

std::string TimerOf(ShareSessionId session) { return absl::StrCat("/s", session.value()); }

}  // namespace

Decision ShareSessions::Break(const MachineTime& now, ShareSessionId session) {
  if (!context_->sessions.contains(session)) return {};
  context_->timers->SetTimer(
      TimerOf(session), now.monotonic + absl::Milliseconds(limits::kSessionResumeMs),
      [this, session](const MachineTime& then) {
        return End(then, session,
                   SeededBug("share-break-uncounted") ? JobEvent::kSessionClosed
                                                      : JobEvent::kSessionBroke)
            .Silent();
      });
  return {};
}

Decision ShareSessions::Resume(const MachineTime&, ShareSessionId session) {
  context_->timers->CancelTimer(TimerOf(session));
  return {};
}

Decision ShareSessions::Close(const MachineTime& now, ShareSessionId session, Done done) {
  return End(now, session, JobEvent::kSessionClosed).Answer(std::move(done));
}

ShareDraft ShareSessions::End(const MachineTime& now, ShareSessionId session, JobEvent event) {
  ShareDraft draft(context_->listener);
  context_->timers->CancelTimer(TimerOf(session));
  if (!context_->sessions.contains(session)) return draft;
  for (const auto& [number, entry] : context_->table.entries()) {
    const std::vector<LockedJobs> jobs = entry->window.locks.OfSession(session);
    if (jobs.empty()) continue;
    const absl::StatusOr<ShareContext::Known> known = context_->Find(entry->partition.id());
    if (!known.ok()) continue;  // its group is gone, and it is about to be removed
    EndAttempts(now, context_, *known, jobs, {.event = event}, &draft);
    TellOfJobs(*known, &draft);
  }
  context_->sessions.erase(session);
  return draft;
}

}  // namespace weir
