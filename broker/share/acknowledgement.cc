#include "broker/share/acknowledgement.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/share/due_jobs.h"
#include "broker/share/job_endings.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

absl::Status Invalid(absl::string_view what) { return MakeError(Reason::kInvalidRequest, what); }

// Of acknowledgements and renewals alike.
template <typename Item>
absl::Status CheckRanges(const std::vector<Item>& items) {
  if (items.size() > limits::kAckItems) {
    return Invalid(absl::StrCat("there are ", items.size(), " items, at most ", limits::kAckItems,
                                " are allowed"));
  }
  int64_t jobs = 0;
  OffsetRanges seen;
  for (const Item& item : items) {
    const OffsetRange range{item.first, item.last};
    if (range.first < Offset{0} || range.last < range.first ||
        range.last - range.first >= limits::kAckJobs) {
      return Invalid(absl::StrCat("jobs ", range.first.value(), " to ", range.last.value(),
                                  " make no range of 1 to ", limits::kAckJobs));
    }
    if (seen.Overlaps(range)) {
      return Invalid(absl::StrCat("jobs ", range.first.value(), " to ", range.last.value(),
                                  " are named twice, in part"));
    }
    seen.Add(range);
    jobs += range.size();
  }
  if (jobs <= limits::kAckJobs) return absl::OkStatus();
  return Invalid(
      absl::StrCat("there are ", jobs, " jobs, at most ", limits::kAckJobs, " are allowed"));
}

absl::Status Check(const AcknowledgeRequest& request) {
  WEIR_RETURN_IF_ERROR(CheckRanges(request.items));
  int64_t error_bytes = 0;
  int64_t kept_bytes = 0;
  for (const AckItem& item : request.items) {
    if (item.error.size() > limits::kJobErrorBytes) {
      return Invalid(absl::StrCat("an error text has ", item.error.size(), " bytes, at most ",
                                  limits::kJobErrorBytes, " are allowed"));
    }
    const int64_t delay = item.delay_ms.value_or(0);
    if (delay < 0 || delay > limits::kReleaseDelayLongestMs) {
      return Invalid(absl::StrCat("a job cannot wait ", delay, " ms; allowed is 0 to ",
                                  limits::kReleaseDelayLongestMs));
    }
    error_bytes += static_cast<int64_t>(item.error.size());
    kept_bytes += static_cast<int64_t>(item.error.size()) * (item.last - item.first + 1);
  }
  if (error_bytes <= limits::kAckErrorBytes && kept_bytes <= limits::kAckKeptErrorBytes)
    return absl::OkStatus();
  return Invalid(absl::StrCat("the error texts have ", error_bytes, " bytes, and ", kept_bytes,
                              " when each job keeps its own; at most ", limits::kAckErrorBytes,
                              " and ", limits::kAckKeptErrorBytes, " are allowed"));
}

// Puts what became of `range` behind the others.
void AddResult(std::vector<AckResult>* results, const OffsetRange& range, AckCode code) {
  if (!results->empty() && results->back().code == code &&
      results->back().last + 1 == range.first) {
    results->back().last = range.last;
  } else {
    results->push_back({range.first, range.last, code});
  }
}

JobEvent EventOf(AckOutcome outcome) {
  switch (outcome) {
    case AckOutcome::kAccept:
      return JobEvent::kAccept;
    case AckOutcome::kRelease:
      return JobEvent::kRelease;
    case AckOutcome::kReleaseUncounted:
      return JobEvent::kReleaseUncounted;
    case AckOutcome::kReject:
      return JobEvent::kReject;
  }
  WEIR_CHECK(false);
}

}  // namespace

struct Acknowledgement::Call {
  const MachineTime& now;
  const ShareContext::Known& known;
  const AcknowledgeRequest& request;
  SharePartition& partition;
  DeliveryWindow& window;
  KeyOrder order;
  ShareDraft draft;
  JobsFinished finished = {};
  std::vector<AckResult> results = {};

  void Add(const OffsetRange& jobs, AckCode code) { AddResult(&results, jobs, code); }
};

bool Acknowledgement::IsForgotten(const LockToken& token) const {
  if (token.counter <= 0 || token.epoch.value() < 0) return false;
  if (token.epoch != context_->epoch) return token.epoch < context_->epoch;
  return token.counter <= context_->forgotten_counter;
}

Decision Acknowledgement::Acknowledge(const MachineTime& now, const AcknowledgeRequest& request,
                                      Reply<std::vector<AckResult>> reply) {
  if (absl::Status status = Check(request); !status.ok())
    return RefuseShare(std::move(reply), std::move(status));
  const absl::StatusOr<ShareContext::Known> known = context_->Find(request.id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  ShareEntry* const entry = known->entry;
  Call call{.now = now,
            .known = *known,
            .request = request,
            .partition = entry->partition,
            .window = entry->window,
            .order = KeyOrder(context_->reader, entry),
            .draft = ShareDraft(context_->listener)};
  call.finished.number = entry->partition.number();
  absl::Status status;
  for (const AckItem& item : request.items) {
    status = TakeItem(&call, item);
    if (!status.ok()) break;  // what was decided before stays decided
  }
  ShareOutcomes outcomes;
  for (const OffsetRange& range : call.finished.ranges) outcomes.accepted += range.size();
  outcomes.accepted += static_cast<int64_t>(call.finished.parked.size());
  if (outcomes.accepted > 0) {
    std::sort(call.finished.ranges.begin(), call.finished.ranges.end(),
              [](const OffsetRange& a, const OffsetRange& b) { return a.first < b.first; });
    call.draft.Add(ShareRecordOf(call.finished));
    call.draft.TellOutcomes(request.id, outcomes);
  }
  TellOfJobs(*known, &call.draft);
  return std::move(call.draft)
      .Answer<std::vector<AckResult>>(
          [reply = std::move(reply),
           status](absl::StatusOr<std::vector<AckResult>> results) mutable {
            if (results.ok() && !status.ok()) return reply(status);
            reply(std::move(results));
          },
          std::move(call.results));
}

absl::Status Acknowledgement::TakeItem(Call* call, const AckItem& item) {
  struct Piece {
    OffsetRange jobs;
    std::optional<Lock> lock;
  };
  std::vector<Piece> pieces;  // the table changes under way
  call->window.locks.Visit({item.first, item.last},
                           [&pieces](const OffsetRange& jobs, const Lock* lock) {
                             pieces.push_back({jobs, {}});
                             if (lock != nullptr) pieces.back().lock = *lock;
                           });
  for (const Piece& piece : pieces) {
    if (!piece.lock.has_value()) {
      WEIR_RETURN_IF_ERROR(TakeUnheld(call, item, piece.jobs));
    } else if (item.token == LockToken{context_->epoch, piece.lock->counter} ||
               SeededBug("share-accept-any-token")) {
      WEIR_RETURN_IF_ERROR(TakeHeld(call, item, piece.jobs, *piece.lock));
    } else {
      call->Add(piece.jobs, AckCode::kLockLost);
    }
  }
  return absl::OkStatus();
}

absl::Status Acknowledgement::TakeHeld(Call* call, const AckItem& item, const OffsetRange& jobs,
                                       const Lock& lock) {
  call->Add(jobs, AckCode::kOk);
  if (item.outcome != AckOutcome::kAccept) {
    EndAttempts(call->now, context_, call->known, {{jobs, lock}},
                {.event = EventOf(item.outcome), .error = item.error, .delay_ms = item.delay_ms},
                &call->draft);
    return absl::OkStatus();
  }
  call->window.locks.Remove(jobs);
  if (!lock.parked) return Finish(call, jobs);
  const ParkedJob* const parked = call->window.parked.Find(jobs.first);
  WEIR_CHECK(parked != nullptr);
  return Finish(call, *parked);
}

absl::Status Acknowledgement::Finish(Call* call, const OffsetRange& jobs) {
  call->finished.ranges.push_back(jobs);
  if (call->known.settings->order != ShareOrder::kKey) return absl::OkStatus();
  for (Offset job = jobs.first; job <= jobs.last; ++job) {
    const std::optional<KeyHash> key = call->window.lines.KeyOf(job);
    if (key.has_value()) WEIR_RETURN_IF_ERROR(call->order.OnDone(job, *key));
  }
  return absl::OkStatus();
}

absl::Status Acknowledgement::Finish(Call* call, const ParkedJob& job) {
  call->finished.parked.push_back(job);
  if (!job.key.has_value()) return absl::OkStatus();
  call->order.NoteDone(job.offset);
  const bool holds = job.holds_key || job.cause == ParkedCause::kBlocked ||
                     call->window.lines.HolderOf(*job.key) == job.offset;
  return holds ? call->order.OnDone(job.offset, *job.key) : absl::OkStatus();
}

absl::Status Acknowledgement::TakeUnheld(Call* call, const AckItem& item, const OffsetRange& jobs) {
  const Offset start = call->partition.start();
  Offset next = jobs.first;
  const auto settled_until = [&](Offset end) -> absl::Status {
    for (; next < end; ++next) WEIR_RETURN_IF_ERROR(TakeSettled(call, item, next));
    return absl::OkStatus();
  };
  std::vector<OffsetRange> unsettled;
  if (jobs.last >= start) {
    call->partition.settled().VisitGaps(
        {std::max(jobs.first, start), jobs.last},
        [&unsettled](const OffsetRange& gap) { unsettled.push_back(gap); });
  }
  for (const OffsetRange& gap : unsettled) {
    WEIR_RETURN_IF_ERROR(settled_until(gap.first));
    WEIR_RETURN_IF_ERROR(TakeUnheldUnsettled(call, item, gap));
    next = gap.last + 1;
  }
  return settled_until(jobs.last + 1);
}

absl::Status Acknowledgement::TakeUnheldUnsettled(Call* call, const AckItem& item,
                                                  const OffsetRange& jobs) {
  // Every ending in this life has parked its job, so a token of this life never was for these.
  const bool counts = item.outcome == AckOutcome::kAccept && IsForgotten(item.token) &&
                      jobs.first < call->request.log_end;
  if (!counts) {
    call->Add(jobs, AckCode::kLockLost);
    return absl::OkStatus();
  }
  const OffsetRange there{jobs.first, std::min(jobs.last, call->request.log_end - 1)};
  OffsetRange run{there.first, there.first - 1};  // that nobody waits before
  const auto finish_run = [&]() -> absl::Status {
    if (run.last < run.first) return absl::OkStatus();
    call->Add(run, AckCode::kOk);
    call->window.available.Remove(run);
    return Finish(call, run);
  };
  if (call->known.settings->order == ShareOrder::kKey) {
    for (Offset job = there.first; job <= there.last; ++job) {
      if (!call->window.lines.IsInLine(job)) {
        run.last = job;
        continue;
      }
      WEIR_RETURN_IF_ERROR(finish_run());
      call->Add({job, job}, AckCode::kLockLost);
      run = {job + 1, job};
    }
  } else {
    run.last = there.last;
  }
  WEIR_RETURN_IF_ERROR(finish_run());
  if (there.last < jobs.last) call->Add({there.last + 1, jobs.last}, AckCode::kLockLost);
  return absl::OkStatus();
}

absl::Status Acknowledgement::TakeSettled(Call* call, const AckItem& item, Offset offset) {
  WEIR_ASSIGN_OR_RETURN(const std::optional<ParkedJob> job,
                        call->window.parked.Get(*context_->reader, offset));
  const bool done = !job.has_value() || job->reason == DeathReason::kRejected ||
                    job->reason == DeathReason::kUnreadable;
  if (done) {
    call->Add({offset, offset}, AckCode::kAlreadyDone);
    return absl::OkStatus();
  }
  // Whoever was handed it last: nobody else has been since. Nobody was handed it before it was due,
  // nor, when it waited for its key, before it was the first.
  const bool last = item.token.counter > 0 && item.token == job->last_lock;
  const bool newer = IsForgotten(item.token) && item.token > job->last_lock;
  const bool was_due = job->cause != ParkedCause::kDying && job->due_ms <= call->now.now_ms;
  bool counts = last || (newer && was_due) || SeededBug("share-late-accept-of-anybody");
  if (job->cause == ParkedCause::kBlocked) {
    WEIR_ASSIGN_OR_RETURN(const bool first, call->order.IsFirst(offset, *job->key));
    counts = newer && first;
  }
  if (item.outcome != AckOutcome::kAccept || !counts || SeededBug("share-no-late-accept")) {
    call->Add({offset, offset}, AckCode::kLockLost);
    return absl::OkStatus();
  }
  call->Add({offset, offset}, AckCode::kOk);
  call->window.ready.erase(ReadyPlace(*job));
  call->window.alone.erase(ReadyPlace(*job));
  call->window.dying.erase({job->due_ms, job->offset});
  return Finish(call, *job);
}

Decision Acknowledgement::Renew(const MachineTime& now, const RenewRequest& request,
                                Reply<Renewed> reply) {
  if (absl::Status status = CheckRanges(request.items); !status.ok())
    return RefuseShare(std::move(reply), std::move(status));
  const absl::StatusOr<ShareContext::Known> known = context_->Find(request.id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  LockTable& locks = known->entry->window.locks;
  const int64_t timeout_ms = known->settings->ack_timeout_ms;
  Renewed renewed{.results = {}, .lock_until_ms = now.now_ms + timeout_ms};
  std::vector<LockedJobs> extended;
  for (const RenewItem& item : request.items) {
    locks.Visit({item.first, item.last}, [&](const OffsetRange& jobs, const Lock* lock) {
      const bool held = lock != nullptr && item.token == LockToken{context_->epoch, lock->counter};
      if (held) extended.push_back({jobs, *lock});
      AddResult(&renewed.results, jobs, held ? AckCode::kOk : AckCode::kLockLost);
    });
  }
  for (const LockedJobs& jobs : extended) {
    const absl::Duration latest = jobs.lock.acquired + absl::Milliseconds(limits::kLockLongestMs);
    const absl::Duration until = std::min(now.monotonic + absl::Milliseconds(timeout_ms), latest);
    locks.Extend(jobs.jobs, until);
    renewed.lock_until_ms = std::min(renewed.lock_until_ms,
                                     now.now_ms + absl::ToInt64Milliseconds(until - now.monotonic));
  }
  return ShareDraft(context_->listener).Answer(std::move(reply), std::move(renewed));
}

}  // namespace weir
