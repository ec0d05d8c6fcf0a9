#include "tests/unit/share_ledger.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

JobState StateOf(ParkedCause cause) {
  if (cause == ParkedCause::kBlocked) return JobState::kBlocked;
  return cause == ParkedCause::kDying ? JobState::kDying : JobState::kDelayed;
}

}  // namespace

void ShareLedger::Wrong(const std::string& what) {
  if (wrong_.empty()) {
    wrong_ = absl::StrCat("at ", absl::FormatDuration(Now() - absl::Seconds(1000)), ": ", what);
  }
}

std::string ShareLedger::Name(const SharePartitionId& id, Offset job) const {
  return absl::StrCat("job ", job.value(), " of ", id.group, "/", id.partition.partition.value());
}

const FakeJobLog::Record& ShareLedger::Record(const SharePartitionId& id, Offset job) {
  return world_->log(id.partition).records[static_cast<size_t>(job.value())];
}

// It is not done, and has its turn among the jobs of its key. One that dies although it was never
// its turn, since the log is about to lose it, has none any more.
bool ShareLedger::IsInOrder(const SharePartitionId& id, Offset job) {
  const JobAccount& account = Account(id, job);
  const FakeJobLog::Record& record = Record(id, job);
  const bool gave_up = account.parked.has_value() && account.parked->cause == ParkedCause::kDying &&
                       !account.parked->holds_key;
  return account.fate == Fate::kUnfinished && record.deliver_at_ms == 0 &&
         record.batch_first < Offset{0} && !gave_up;
}

bool ShareLedger::IsHeld(const JobAccount& account) const {
  return account.holder.counter > 0 && account.until > Now();
}

void ShareLedger::OnRecord(const InternalRecord& record) {
  switch (static_cast<ShareRecordKind>(record.kind)) {
    case ShareRecordKind::kOpened: {
      const SharePartitionOpened opened = *DecodeSharePartitionOpened(record.payload);
      by_number_[opened.number] = opened.id;
      break;
    }
    case ShareRecordKind::kFinished: {
      const JobsFinished finished = *DecodeJobsFinished(record.payload);
      OnFinished(by_number_[finished.number], finished);
      break;
    }
    case ShareRecordKind::kParked: {
      const JobsParked parked = *DecodeJobsParked(record.payload);
      OnParked(by_number_[parked.number], parked);
      break;
    }
    case ShareRecordKind::kStartMoved: {
      const ShareStartMoved moved = *DecodeShareStartMoved(record.payload);
      const SharePartitionId& id = by_number_[moved.number];
      for (Offset job{0}; job < moved.start; ++job) {
        JobAccount& account = Account(id, job);
        if (account.fate != Fate::kUnfinished) continue;
        if (account.parked.has_value()) Wrong(Name(id, job) + " expired and was parked");
        Done(id, job, Fate::kGone);
      }
      break;
    }
    case ShareRecordKind::kRemoved:
      Wrong("a share-partition was removed");
      break;
  }
}

void ShareLedger::CheckMove(const SharePartitionId& id, Offset job, JobState to) {
  const JobAccount& account = Account(id, job);
  JobState from = JobState::kAvailable;
  if (account.holder.counter > 0) {
    from = JobState::kAcquired;
  } else if (account.parked.has_value()) {
    from = StateOf(account.parked->cause);
  }
  const bool known = std::any_of(
      kJobTransitions.begin(), kJobTransitions.end(), [from, to](const JobTransition& transition) {
        return transition.from == from && transition.to == to && transition.durable;
      });
  if (!known) {
    Wrong(absl::StrCat(Name(id, job), " goes from ", static_cast<int>(from), " to ",
                       static_cast<int>(to)));
  }
}

void ShareLedger::Done(const SharePartitionId& id, Offset job, Fate fate) {
  JobAccount& account = Account(id, job);
  if (account.fate != Fate::kUnfinished) Wrong(Name(id, job) + " is done twice");
  const bool of_batch = Record(id, job).batch_first >= Offset{0};
  if (!of_batch) CheckMove(id, job, fate == Fate::kDead ? JobState::kDead : JobState::kFinished);
  account.fate = fate;
  account.holder = {};
  const std::string& key = Record(id, job).key;
  const bool ordered = world_->settings().Find(id.group)->order == ShareOrder::kKey &&
                       !key.empty() && Record(id, job).deliver_at_ms == 0;
  if (!ordered || fate != Fate::kAccepted) return;
  for (const auto& [earlier, other] : jobs_[id]) {
    if (earlier >= job) break;
    if (Record(id, earlier).key == key && IsInOrder(id, earlier))
      Wrong(absl::StrCat(Name(id, job), " is done before job ", earlier.value(), " of its key"));
  }
}

void ShareLedger::OnFinished(const SharePartitionId& id, const JobsFinished& finished) {
  Fate fate = Fate::kGone;
  if (finished.cause == FinishCause::kAccepted) fate = Fate::kAccepted;
  if (finished.cause == FinishCause::kCancelled) fate = Fate::kCancelled;
  if (finished.cause == FinishCause::kDied) fate = Fate::kDead;
  for (const OffsetRange& range : finished.ranges) {
    for (Offset job = range.first; job <= range.last; ++job) Done(id, job, fate);
  }
  for (const ParkedJob& parked : finished.parked) {
    for (Offset job = parked.offset; job <= parked.last; ++job) Done(id, job, fate);
    JobAccount& account = Account(id, parked.offset);
    if (account.parked != parked) Wrong(Name(id, parked.offset) + " was parked otherwise");
    if (fate != Fate::kDead) continue;
    ++account.letters;
    if (letters_.erase({id, parked.offset}) == 0)
      Wrong(Name(id, parked.offset) + " died without a letter");
  }
  if (!letters_.empty()) Wrong("a letter was written of a job that did not die");
}

void ShareLedger::OnLetter(const SharePartitionId& id, Offset job) { letters_.insert({id, job}); }

void ShareLedger::OnParked(const SharePartitionId& id, const JobsParked& parked) {
  const ShareSettings& settings = *world_->settings().Find(id.group);
  for (const ParkedJob& job : parked.jobs) {
    JobAccount& account = Account(id, job.offset);
    if (account.fate != Fate::kUnfinished) Wrong(Name(id, job.offset) + " is parked and was done");
    CheckMove(id, job.offset, StateOf(job.cause));
    for (Offset further = job.offset + 1; further <= job.last; ++further) Account(id, further);
    const int32_t attempts = account.parked.has_value() ? account.parked->attempts : 0;
    const int32_t endings = account.parked.has_value() ? account.parked->endings() : 0;
    if (parked.attempt.has_value()) {
      const bool counts = parked.attempt->ending != "RELEASED_UNCOUNTED" &&
                          parked.attempt->ending != "SESSION_CLOSED";
      if (job.endings() != endings + 1) Wrong(Name(id, job.offset) + " lost an attempt");
      if (counts && job.attempts != attempts + 1)
        Wrong(Name(id, job.offset) + " has an attempt that was not counted");
      const int64_t wait_ms = job.due_ms - world_->now().now_ms;
      if (!counts && job.attempts == attempts && wait_ms < settings.retry_backoff_initial_ms)
        Wrong(Name(id, job.offset) + " waits too short after it was released uncounted");
      account.last_ending = parked.attempt->ending;
      if (account.last_ending == "LOCK_EXPIRED" && account.until > Now())
        Wrong(Name(id, job.offset) + " lost its lock before its end");
      if (account.last_ending == "SESSION_CLOSED" && !closing_)
        Wrong(Name(id, job.offset) +
              " was held by a session that broke, and that passed for its end");
      account.holder = {};
    } else if (job.endings() != endings) {
      Wrong(Name(id, job.offset) + " has an attempt that never ended");
    }
    if (job.attempts > settings.max_delivery_attempts)
      Wrong(Name(id, job.offset) + " had more attempts than are allowed");
    if (job.attempts == settings.max_delivery_attempts && job.cause != ParkedCause::kDying)
      Wrong(Name(id, job.offset) + " has used up its attempts and lives");
    account.parked = job;
  }
}

void ShareLedger::OnAcquired(const SharePartitionId& id, ShareSessionId session, bool idle,
                             const Acquired& acquired) {
  const ShareSettings& settings = *world_->settings().Find(id.group);
  if (!acquired.jobs.empty() && settings.pause != SharePause::kRunning)
    Wrong("a paused group hands out jobs");
  for (const auto& [held, account] : jobs_[id]) {
    const bool alone = account.session == session && IsHeld(account) &&
                       account.parked.has_value() && account.parked->alone;
    if (alone && !acquired.jobs.empty())
      Wrong(Name(id, held) + " was to be alone, and others were handed out beside it");
  }
  for (const AcquiredJobs& jobs : acquired.jobs) {
    const bool others = acquired.jobs.size() > 1 || jobs.first != jobs.last || Holds(session);
    if (jobs.alone && (others || !idle))
      Wrong(Name(id, jobs.first) + " is alone, and beside others");
    for (Offset job = jobs.first; job <= jobs.last; ++job) CheckHandedOut(id, job, jobs, settings);
  }
  for (const AcquiredJobs& jobs : acquired.jobs) {
    for (Offset job = jobs.first; job <= jobs.last; ++job) {
      JobAccount& account = Account(id, job);
      CheckKey(id, job);
      ++account.handed_out;
      account.holder = jobs.token;
      account.session = session;
      account.until = Now() + absl::Milliseconds(settings.ack_timeout_ms);
    }
  }
  CheckInFlight(id, settings);
}

void ShareLedger::CheckHandedOut(const SharePartitionId& id, Offset job, const AcquiredJobs& jobs,
                                 const ShareSettings& settings) {
  const JobAccount& account = Account(id, job);
  if (account.fate != Fate::kUnfinished) Wrong(Name(id, job) + " is handed out and was done");
  if (IsHeld(account)) Wrong(Name(id, job) + " has two holders");
  if (!account.parked.has_value() && Record(id, job).deliver_at_ms > world_->now().now_ms)
    Wrong(Name(id, job) + " is handed out before its time");
  const bool ready =
      !account.parked.has_value() || (account.parked->cause != ParkedCause::kDying &&
                                      (account.parked->cause == ParkedCause::kBlocked ||
                                       account.parked->due_ms <= world_->now().now_ms));
  if (!ready) Wrong(Name(id, job) + " is handed out while it waits");
  const int32_t ended = account.parked.has_value() ? account.parked->attempts : 0;
  if (jobs.delivery_count != ended + 1)
    Wrong(absl::StrCat(Name(id, job), " has the delivery count ", jobs.delivery_count, " after ",
                       ended, " attempts"));
  if (jobs.delivery_count > settings.max_delivery_attempts)
    Wrong(Name(id, job) + " is handed out more often than is allowed");
  const int32_t uncounted = account.parked.has_value() ? account.parked->uncounted : 0;
  if (account.handed_out > ended + uncounted + account.forgotten)
    Wrong(Name(id, job) + " was handed out, and that was forgotten");
  if ((account.last_ending == "SESSION_BROKE") != jobs.alone)
    Wrong(Name(id, job) + (jobs.alone ? " is alone for no reason" : " should be alone"));
}

void ShareLedger::CheckKey(const SharePartitionId& id, Offset job) {
  const std::string& key = Record(id, job).key;
  if (key.empty() || world_->settings().Find(id.group)->order != ShareOrder::kKey) return;
  for (const auto& [other, account] : jobs_[id]) {
    if (other >= world_->log(id.partition).end()) continue;  // who lies names jobs that are none
    const FakeJobLog::Record& record = Record(id, other);
    if (other == job || record.key != key || record.batch_first >= Offset{0}) continue;
    if (IsHeld(account))
      Wrong(
          absl::StrCat(Name(id, job), " is handed out beside job ", other.value(), " of its key"));
    if (other < job && Record(id, job).deliver_at_ms == 0 && IsInOrder(id, other))
      Wrong(
          absl::StrCat(Name(id, job), " is handed out before job ", other.value(), " of its key"));
  }
}

void ShareLedger::CheckInFlight(const SharePartitionId& id, const ShareSettings& settings) {
  int64_t held = 0;
  for (const auto& [job, account] : jobs_[id]) held += IsHeld(account) ? 1 : 0;
  if (held > settings.max_in_flight) Wrong(absl::StrCat(held, " jobs are handed out at a time"));
}

void ShareLedger::OnAcknowledging(const AcknowledgeRequest& request) {
  before_.clear();
  for (const AckItem& item : request.items) {
    for (Offset job = item.first; job <= item.last; ++job) before_[job] = Account(request.id, job);
  }
}

void ShareLedger::CheckAnswer(const SharePartitionId& id, Offset job, const AckItem& item,
                              AckCode code) {
  const JobAccount& before = before_[job];
  const JobAccount& after = Account(id, job);
  const bool accept = item.outcome == AckOutcome::kAccept;
  const bool ok = code == AckCode::kOk;
  if (ok && accept && after.fate != Fate::kAccepted)
    Wrong(Name(id, job) + " was accepted and is not done");
  if (IsHeld(before)) {
    if (ok != (item.token == before.holder))
      Wrong(Name(id, job) +
            (ok ? " is not whose it was taken for" : " is not taken from its holder"));
    return;
  }
  if (ok && !accept) Wrong(Name(id, job) + " is given back by somebody who did not have it");
  const bool parked = before.parked.has_value() && before.fate == Fate::kUnfinished;
  const bool last = parked && item.token == before.parked->last_lock && accept &&
                    before.parked->reason != DeathReason::kRejected;
  if (last != ok && parked && item.token.epoch == world_->epoch() && before.forgotten == 0)
    Wrong(Name(id, job) + (ok ? " was handed to another since" : " was handed to nobody since"));
  if (code == AckCode::kAlreadyDone && before.fate == Fate::kUnfinished && !parked &&
      Record(id, job).batch_first < Offset{0})
    Wrong(Name(id, job) + " is said to be done");
}

void ShareLedger::OnAcknowledged(const AcknowledgeRequest& request,
                                 const std::vector<AckResult>& results) {
  auto result = results.begin();
  Offset next = results.empty() ? Offset{0} : result->first;
  for (const AckItem& item : request.items) {
    for (Offset job = item.first; job <= item.last; ++job, ++next) {
      if (result != results.end() && next > result->last) {
        ++result;
        if (result != results.end()) next = result->first;
      }
      if (result == results.end() || next != job)
        return Wrong(Name(request.id, job) + " got no answer");
      CheckAnswer(request.id, job, item, result->code);
    }
  }
}

void ShareLedger::OnRenewed(const RenewRequest& request, const Renewed& renewed) {
  const ShareSettings& settings = *world_->settings().Find(request.id.group);
  for (const AckResult& result : renewed.results) {
    for (Offset job = result.first; job <= result.last; ++job) {
      JobAccount& account = Account(request.id, job);
      if (result.code != AckCode::kOk) continue;
      if (!IsHeld(account)) Wrong(Name(request.id, job) + " is renewed, and nobody held it");
      account.until = Now() + absl::Milliseconds(settings.ack_timeout_ms);
    }
  }
}

void ShareLedger::OnSessionEnded(ShareSessionId session) {
  for (auto& [id, jobs] : jobs_) {
    for (auto& [job, account] : jobs) {
      if (account.session == session && IsHeld(account))
        Wrong(Name(id, job) + " is held by a session that has ended");
    }
  }
}

void ShareLedger::OnLocksForgotten() {
  for (auto& [id, jobs] : jobs_) {
    for (auto& [job, account] : jobs) {
      if (account.holder.counter == 0) continue;
      ++account.forgotten;
      account.holder = {};
    }
  }
}

bool ShareLedger::Holds(ShareSessionId session) const {
  for (const auto& [id, jobs] : jobs_) {
    for (const auto& [job, account] : jobs) {
      if (account.session == session && IsHeld(account)) return true;
    }
  }
  return false;
}

void ShareLedger::CheckAllDone(const SharePartitionId& id) {
  for (Offset job{0}; job < world_->log(id.partition).end(); ++job) {
    const JobAccount& account = Account(id, job);
    if (account.fate == Fate::kUnfinished) Wrong(Name(id, job) + " was never done");
    const bool letter_of_batch = Record(id, job).batch_first < job && account.letters == 0;
    if ((account.fate == Fate::kDead) != (account.letters == 1) && !letter_of_batch)
      Wrong(absl::StrCat(Name(id, job), " has ", account.letters, " dead letters"));
  }
}

}  // namespace weir
