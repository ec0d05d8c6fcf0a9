#include "broker/share/share_admin.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/share/due_jobs.h"
#include "broker/share/job_endings.h"
#include "broker/share/job_list.h"
#include "broker/share/scan_intake.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

InternalRecord Opening(int64_t number, const SharePartitionId& id, const ShareSettings& settings,
                       Offset start) {
  return ShareRecordOf(SharePartitionOpened{
      .number = number, .id = id, .incarnation = settings.incarnation, .start = start});
}

absl::Status CheckCount(size_t jobs) {
  if (jobs <= limits::kJobsByCommand) return absl::OkStatus();
  return MakeError(Reason::kInvalidRequest, absl::StrCat("there are ", jobs, " jobs, at most ",
                                                         limits::kJobsByCommand, " are allowed"));
}

std::vector<Offset> EachOnce(std::vector<Offset> jobs) {
  std::sort(jobs.begin(), jobs.end());
  jobs.erase(std::unique(jobs.begin(), jobs.end()), jobs.end());
  return jobs;
}

}  // namespace

Decision ShareAdmin::Open(const MachineTime&, const SharePartitionId& id, Offset start,
                          Reply<Offset> reply) {
  const std::shared_ptr<const ShareSettings> settings = context_->settings->Find(id.group);
  if (settings == nullptr) {
    return RefuseShare(
        std::move(reply),
        MakeError(Reason::kUnknownGroup, absl::StrCat("there is no share group '", id.group, "'")));
  }
  ShareDraft draft(context_->listener);
  const ShareEntry* const old = context_->table.Find(id);
  if (old != nullptr && old->partition.incarnation() == settings->incarnation)
    return std::move(draft).Answer(std::move(reply), old->partition.start());
  if (old != nullptr) {
    draft.Add(SharePartitionRemovedRecord(old->partition.number()));
    draft.OnDurable([this, id] { context_->counters.Forget(id); });
  } else if (context_->table.size() >= limits::kSharePartitionsPerShard) {
    return RefuseShare(
        std::move(reply),
        MakeError(Reason::kGroupLimit,
                  absl::StrCat("there are ", context_->table.size(),
                               " share-partitions in the internal partition, at most so many may "
                               "be")));
  }
  draft.Add(Opening(context_->table.next_number(), id, *settings, start));
  return std::move(draft).Answer(std::move(reply), start);
}

Decision ShareAdmin::Remove(const SharePartitionId& id, Done done) {
  ShareDraft draft(context_->listener);
  if (const ShareEntry* const entry = context_->table.Find(id)) {
    draft.Add(SharePartitionRemovedRecord(entry->partition.number()));
    draft.OnDurable([this, id] { context_->counters.Forget(id); });
  }
  return std::move(draft).Answer(std::move(done));
}

Decision ShareAdmin::Reset(const MachineTime&, const SharePartitionId& id, Offset start,
                           bool dry_run, Reply<SharePartitionDescription> reply) {
  const absl::StatusOr<ShareContext::Known> known = context_->Find(id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  if (known->settings->pause == SharePause::kRunning && !dry_run) {
    return RefuseShare(
        std::move(reply),
        MakeError(Reason::kGroupNotEmpty,
                  absl::StrCat("group '", id.group, "' hands out jobs; it must be paused first")));
  }
  ShareDraft draft(context_->listener);
  if (!dry_run) {
    draft.Add(SharePartitionRemovedRecord(known->entry->partition.number()));
    draft.Add(Opening(context_->table.next_number(), id, *known->settings, start));
  }
  return std::move(draft).Answer(std::move(reply), DescribeSharePartition(*context_, *known));
}

absl::Status ShareAdmin::ExpireLocked(const MachineTime& now, const ShareContext::Known& known,
                                      Offset log_start, ShareDraft* draft) {
  std::map<ShareSessionId, std::vector<LockedJobs>> by_session;
  known.entry->window.locks.VisitFrom(Offset{0}, [&](const LockedJobs& locked) {
    if (locked.jobs.first >= log_start) return false;
    const Offset last = std::min(locked.jobs.last, log_start - 1);
    by_session[locked.lock.session].push_back({{locked.jobs.first, last}, locked.lock});
    return true;
  });
  for (const auto& [session, jobs] : by_session)
    EndAttempts(now, context_, known, jobs, {.event = JobEvent::kExpire}, draft);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ShareAdmin::ExpireParked(const MachineTime& now,
                                                 const ShareContext::Known& known, Offset log_start,
                                                 ShareDraft* draft) {
  DeliveryWindow& window = known.entry->window;
  JobsParked expired{.number = known.entry->partition.number(), .jobs = {}, .before = {}};
  int64_t dying = 0;
  WEIR_RETURN_IF_ERROR(ParkedJobs::Visit(
      *context_->reader, known.entry->partition.place(), Offset{0}, [&](const ParkedJob& job) {
        if (job.offset >= log_start || expired.jobs.size() >= limits::kExpireJobs) return false;
        if (window.locks.Find(job.offset) != nullptr) return true;  // ExpireLocked has it
        ++dying;
        if (job.cause == ParkedCause::kDying) return true;
        expired.before.push_back(job);
        return true;
      }));
  ShareOutcomes outcomes;
  for (ParkedJob job : expired.before) {
    window.ready.erase(ReadyPlace(job));
    window.alone.erase(ReadyPlace(job));
    if (job.key.has_value())
      job.holds_key = job.holds_key || window.lines.HolderOf(*job.key) == job.offset;
    job.cause = ParkedCause::kDying;
    job.reason = DeathReason::kExpired;
    job.due_ms = now.now_ms;
    ++outcomes.died[static_cast<size_t>(DeathReason::kExpired) - 1];
    expired.jobs.push_back(std::move(job));
  }
  if (expired.jobs.empty()) return dying;
  WakeAt(now, context_, known.entry, now.monotonic);
  draft->Add(ShareRecordOf(expired));
  draft->TellOutcomes(known.entry->partition.id(), outcomes);
  return dying;
}

absl::Status ShareAdmin::ExpireRest(const ShareContext::Known& known, Offset log_start,
                                    ShareDraft* draft) {
  SharePartition& partition = known.entry->partition;
  DeliveryWindow& window = known.entry->window;
  if (log_start <= partition.start()) return absl::OkStatus();
  KeyOrder order(context_->reader, known.entry);
  std::vector<OffsetRange> gone;
  partition.settled().VisitGaps({partition.start(), log_start - 1},
                                [&gone](const OffsetRange& gap) { gone.push_back(gap); });
  ShareStartMoved moved{.number = partition.number(), .start = log_start, .expired = 0};
  for (const OffsetRange& range : gone) {
    moved.expired += range.size();
    window.available.Remove(range);
    if (known.settings->order != ShareOrder::kKey) continue;
    const Offset end = std::min(range.last + 1, window.scanned);
    for (Offset job = range.first; job < end; ++job) order.NoteDone(job);
    for (Offset job = range.first; job < end; ++job) {
      const std::optional<KeyHash> key = window.lines.KeyOf(job);
      if (!key.has_value()) continue;
      if (window.lines.IsInLine(job)) {
        window.lines.LeaveLine(job);
      } else {
        WEIR_RETURN_IF_ERROR(order.OnDone(job, *key));
      }
    }
    // Those behind the first of a key came to be available.
    window.available.Remove(range);
  }
  window.scanned = std::max(window.scanned, log_start);
  draft->Add(ShareRecordOf(moved));
  return absl::OkStatus();
}

Decision ShareAdmin::ExpireBelow(const MachineTime& now, const SharePartitionId& id,
                                 Offset log_start, Reply<int64_t> reply) {
  const absl::StatusOr<ShareContext::Known> known = context_->Find(id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  ShareDraft draft(context_->listener);
  int64_t locked = 0;
  known->entry->window.locks.VisitFrom(Offset{0}, [&](const LockedJobs& jobs) {
    if (jobs.jobs.first < log_start)
      locked += std::min(jobs.jobs.last, log_start - 1) - jobs.jobs.first + 1;
    return jobs.jobs.first < log_start;
  });
  absl::StatusOr<int64_t> dying = ExpireParked(now, *known, log_start, &draft);
  if (!dying.ok()) return RefuseShare(std::move(reply), dying.status());
  *dying += locked;
  absl::Status status = ExpireLocked(now, *known, log_start, &draft);
  if (status.ok() && *dying == 0) status = ExpireRest(*known, log_start, &draft);
  if (!status.ok()) return RefuseShare(std::move(reply), std::move(status));
  TellOfJobs(*known, &draft);
  return std::move(draft).Answer(std::move(reply), *dying);
}

Decision ShareAdmin::Describe(const MachineTime&, const SharePartitionId& id,
                              Reply<SharePartitionDescription> reply) {
  const absl::StatusOr<ShareContext::Known> known = context_->Find(id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  return ShareDraft(context_->listener)
      .Answer(std::move(reply), DescribeSharePartition(*context_, *known));
}

Decision ShareAdmin::List(const MachineTime& now, const ListJobsRequest& request,
                          Reply<ListedJobs> reply) {
  const absl::StatusOr<ShareContext::Known> known = context_->Find(request.id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  absl::StatusOr<ListedJobs> listed = ListJobs(now, *context_, *known, request);
  if (!listed.ok()) return RefuseShare(std::move(reply), listed.status());
  return ShareDraft(context_->listener).Answer(std::move(reply), *std::move(listed));
}

Decision ShareAdmin::ReleaseJobs(const MachineTime& now, const SharePartitionId& id,
                                 const std::vector<Offset>& jobs, Reply<int64_t> reply) {
  if (absl::Status status = CheckCount(jobs.size()); !status.ok())
    return RefuseShare(std::move(reply), std::move(status));
  const absl::StatusOr<ShareContext::Known> known = context_->Find(id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  DeliveryWindow& window = known->entry->window;
  JobsParked released{.number = known->entry->partition.number(), .jobs = {}, .before = {}};
  for (const Offset offset : EachOnce(jobs)) {
    const absl::StatusOr<std::optional<ParkedJob>> job =
        window.parked.Get(*context_->reader, offset);
    if (!job.ok()) return RefuseShare(std::move(reply), job.status());
    const bool delayed =
        job->has_value() && (*job)->due_ms > now.now_ms &&
        ((*job)->cause == ParkedCause::kRetry || (*job)->cause == ParkedCause::kDelayed) &&
        window.locks.Find(offset) == nullptr && !window.ready.contains(ReadyPlace(**job)) &&
        !window.alone.contains(ReadyPlace(**job));
    if (!delayed) continue;
    released.before.push_back(**job);
    released.jobs.push_back(**job);
    released.jobs.back().due_ms = now.now_ms;
  }
  ShareDraft draft(context_->listener);
  if (!released.jobs.empty()) {
    draft.Add(ShareRecordOf(released));
    WakeAt(now, context_, known->entry, now.monotonic);
  }
  return std::move(draft).Answer(std::move(reply), static_cast<int64_t>(released.jobs.size()));
}

absl::Status ShareAdmin::Cancel(const ShareContext::Known& known, Offset job, KeyOrder* order,
                                JobsFinished* finished) {
  DeliveryWindow& window = known.entry->window;
  if (window.locks.Find(job) != nullptr) window.locks.Remove({job, job});
  if (!known.entry->partition.IsSettled(job)) {
    finished->ranges.push_back({job, job});
    const std::optional<KeyHash> key = window.lines.KeyOf(job);
    if (window.lines.IsInLine(job)) {
      window.lines.LeaveLine(job);
      return absl::OkStatus();
    }
    window.available.Remove({job, job});
    return key.has_value() ? order->OnDone(job, *key) : absl::OkStatus();
  }
  WEIR_ASSIGN_OR_RETURN(const std::optional<ParkedJob> parked,
                        window.parked.Get(*context_->reader, job));
  if (!parked.has_value()) return absl::OkStatus();
  finished->parked.push_back(*parked);
  window.ready.erase(ReadyPlace(*parked));
  window.alone.erase(ReadyPlace(*parked));
  window.dying.erase({parked->due_ms, job});
  const bool holds =
      parked->key.has_value() && (parked->holds_key || window.lines.HolderOf(*parked->key) == job);
  return holds ? order->OnDone(job, *parked->key) : absl::OkStatus();
}

Decision ShareAdmin::CancelJobs(const MachineTime&, const SharePartitionId& id, Offset log_end,
                                const std::vector<Offset>& asked, Reply<int64_t> reply) {
  if (absl::Status status = CheckCount(asked.size()); !status.ok())
    return RefuseShare(std::move(reply), std::move(status));
  const absl::StatusOr<ShareContext::Known> known = context_->Find(id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  std::vector<Offset> jobs = EachOnce(asked);
  std::erase_if(jobs, [log_end](Offset job) { return job < Offset{0} || job >= log_end; });
  KeyOrder order(context_->reader, known->entry);
  for (const Offset job : jobs) order.NoteDone(job);
  JobsFinished finished{.number = known->entry->partition.number(),
                        .cause = FinishCause::kCancelled,
                        .ranges = {},
                        .parked = {}};
  absl::Status status;
  for (const Offset job : jobs) {
    status = Cancel(*known, job, &order, &finished);
    if (!status.ok()) break;
  }
  const auto cancelled = static_cast<int64_t>(finished.ranges.size() + finished.parked.size());
  ShareDraft draft(context_->listener);
  if (cancelled > 0) draft.Add(ShareRecordOf(finished));
  TellOfJobs(*known, &draft);
  return std::move(draft).Answer<int64_t>(
      [reply = std::move(reply), status](absl::StatusOr<int64_t> answer) mutable {
        reply(answer.ok() && !status.ok() ? absl::StatusOr<int64_t>(status) : std::move(answer));
      },
      cancelled);
}

Decision ShareAdmin::Mark(const MachineTime&, MarkRequest request,
                          Reply<std::vector<Offset>> reply) {
  if (absl::Status status = CheckCount(request.offsets.size()); !status.ok())
    return RefuseShare(std::move(reply), std::move(status));
  const absl::StatusOr<ShareContext::Known> known = context_->Find(request.id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  const SharePartition& partition = known->entry->partition;
  std::vector<Offset> before;
  OffsetRanges marked;
  for (const Offset letter : EachOnce(std::move(request.offsets))) {
    if (partition.IsSettled(letter)) {
      before.push_back(letter);
    } else {
      marked.Add({letter, letter});
    }
  }
  if (!before.empty() || marked.empty())
    return ShareDraft(context_->listener).Answer(std::move(reply), std::move(before));
  JobsFinished finished{.number = partition.number(), .cause = FinishCause::kMarked};
  for (const auto& [first, last] : marked.ranges()) finished.ranges.push_back({first, last});
  ShareDraft draft(context_->listener);
  draft.Add(ShareRecordOf(finished));
  Decision decision = std::move(draft).Answer(std::move(reply), std::move(before));
  decision.appends = std::move(request.batches);
  return decision;
}

Decision ShareAdmin::Marked(const SharePartitionId& id, const std::vector<Offset>& offsets,
                            Reply<std::vector<Offset>> reply) {
  const absl::StatusOr<ShareContext::Known> known = context_->Find(id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  std::vector<Offset> marked;
  std::copy_if(offsets.begin(), offsets.end(), std::back_inserter(marked),
               [&](Offset letter) { return known->entry->partition.IsSettled(letter); });
  return ShareDraft(context_->listener).Answer(std::move(reply), std::move(marked));
}

}  // namespace weir
