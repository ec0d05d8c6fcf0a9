#include "broker/share/dead_letters.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/btree_set.h"
#include "broker/share/due_jobs.h"
#include "broker/share/key_order.h"
#include "broker/share/retry_policy.h"
#include "broker/share/share_records.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "storage/meta/share_keys.h"

namespace weir {

absl::StatusOr<DyingJob> DeadLetters::Describe(const SharePlace& place,
                                               const ParkedJob& job) const {
  DyingJob dying{.first = job.offset,
                 .last = job.last,
                 .reason = *job.reason,
                 .attempts = job.attempts,
                 .error = {},
                 .history = {}};
  const ShareKeyRange attempts = AttemptsOf(place, job.offset);
  absl::Status status;
  WEIR_RETURN_IF_ERROR(context_->reader->Scan(StateFamily::kParked, attempts.start, attempts.end,
                                              [&](absl::string_view, absl::string_view value) {
                                                absl::StatusOr<AttemptEnd> attempt =
                                                    DecodeAttemptEnd(value);
                                                status = attempt.status();
                                                if (attempt.ok())
                                                  dying.history.push_back(*std::move(attempt));
                                                return status.ok();
                                              }));
  WEIR_RETURN_IF_ERROR(status);
  for (const AttemptEnd& attempt : dying.history) {
    if (!attempt.error.empty()) dying.error = attempt.error;
  }
  return dying;
}

Decision DeadLetters::Take(const MachineTime& now, const SharePartitionId& id, size_t limit,
                           Reply<std::vector<DyingJob>> reply) {
  const absl::StatusOr<ShareContext::Known> known = context_->Find(id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  DeliveryWindow& window = known->entry->window;
  ShareDraft draft(context_->listener);
  std::vector<DyingJob> taken;
  window.told_of_dying = false;
  while (taken.size() < std::min(limit, limits::kJobsByCommand) && !window.dying.empty()) {
    const Offset offset = window.dying.begin()->second;
    const ParkedJob* const job = window.parked.Find(offset);
    WEIR_CHECK(job != nullptr && job->cause == ParkedCause::kDying);
    absl::StatusOr<DyingJob> dying = Describe(known->entry->partition.place(), *job);
    if (!dying.ok()) {
      if (taken.empty()) return RefuseShare(std::move(reply), dying.status());
      break;
    }
    taken.push_back(*std::move(dying));
    window.dying.erase(window.dying.begin());
  }
  if (!TakeDueJobs(now, context_, *known, &draft).ok())
    WakeAt(now, context_, known->entry,
           now.monotonic + absl::Milliseconds(limits::kParkLimitLookMs));
  TellOfJobs(*known, &draft);
  return std::move(draft).Answer(std::move(reply), std::move(taken));
}

absl::StatusOr<std::vector<ParkedJob>> DeadLetters::Find(const ShareContext::Known& known,
                                                         const std::vector<Offset>& jobs) const {
  std::vector<ParkedJob> dying;
  const absl::btree_set<Offset> each(jobs.begin(), jobs.end());
  for (const Offset offset : each) {
    WEIR_ASSIGN_OR_RETURN(const std::optional<ParkedJob> job,
                          known.entry->window.parked.Get(*context_->reader, offset));
    if (job.has_value() && job->cause == ParkedCause::kDying) dying.push_back(*job);
  }
  return dying;
}

void DeadLetters::OnDead(int64_t number, const std::vector<ParkedJob>& jobs) {
  ShareEntry* const entry = context_->table.Find(number);
  if (entry == nullptr) return;  // removed meanwhile
  entry->window.letter_error.clear();
  KeyOrder order(context_->reader, entry);
  for (const ParkedJob& job : jobs) {
    if (!job.holds_key || SeededBug("share-dead-holds-key")) continue;
    // What cannot be read now is found when the key is next met, or after a reload.
    order.OnDone(job.offset, *job.key).IgnoreError();
  }
}

Decision DeadLetters::Write(const MachineTime&, DeadLettersRequest request, Reply<int64_t> reply) {
  const absl::StatusOr<ShareContext::Known> known = context_->Find(request.id);
  if (!known.ok()) return RefuseShare(std::move(reply), known.status());
  absl::StatusOr<std::vector<ParkedJob>> dying = Find(*known, request.jobs);
  if (!dying.ok()) return RefuseShare(std::move(reply), dying.status());
  ShareEntry* const entry = known->entry;
  if (dying->size() != request.jobs.size() || dying->empty()) {
    for (const ParkedJob& job : *dying) {
      if (entry->window.parked.IsTaken(job.offset))
        entry->window.dying.insert({job.due_ms, job.offset});
    }
    ShareDraft draft(context_->listener);
    TellOfJobs(*known, &draft);
    return std::move(draft).Answer<int64_t>(std::move(reply), 0);
  }
  // After a reload they may be there to be taken again.
  for (const ParkedJob& job : *dying) entry->window.dying.erase({job.due_ms, job.offset});
  const int64_t number = entry->partition.number();
  const JobsFinished finished{
      .number = number, .cause = FinishCause::kDied, .ranges = {}, .parked = *dying};
  // One of the two is taken.
  auto shared = std::make_shared<Reply<int64_t>>(std::move(reply));
  Decision decision;
  decision.records.push_back(ShareRecordOf(finished));
  decision.appends = std::move(request.batches);
  decision.instead = [this, id = request.id, jobs = *dying, shared](
                         const MachineTime& then, const absl::Status& refusal) -> Decision {
    const absl::StatusOr<ShareContext::Known> same = context_->Find(id);
    WEIR_CHECK(same.ok());  // nothing has happened in between
    if (SeededBug("share-drop-refused-letter")) {
      Decision dropped;
      dropped.records.push_back(ShareRecordOf(
          JobsFinished{same->entry->partition.number(), FinishCause::kDied, {}, jobs}));
      return dropped;
    }
    return PostponeDying(then, *same, jobs, refusal,
                         [shared, refusal](const absl::Status& durable) {
                           (*shared)(durable.ok() ? refusal : durable);
                         });
  };
  decision.answer = [this, number, jobs = *std::move(dying), shared](const absl::Status& durable) {
    if (durable.ok()) OnDead(number, jobs);
    (*shared)(durable.ok() ? absl::StatusOr<int64_t>(static_cast<int64_t>(jobs.size()))
                           : absl::StatusOr<int64_t>(durable));
    if (durable.ok()) TellOfDead(number);
  };
  return decision;
}

void DeadLetters::TellOfDead(int64_t number) {
  ShareEntry* const entry = context_->table.Find(number);
  if (entry == nullptr) return;
  const absl::StatusOr<ShareContext::Known> known = context_->Find(entry->partition.id());
  if (!known.ok()) return;
  ShareDraft draft(context_->listener);
  TellOfJobs(*known, &draft);
  std::move(draft).Silent().answer(absl::OkStatus());
}

Decision DeadLetters::Postpone(const MachineTime& now, const SharePartitionId& id,
                               const std::vector<Offset>& jobs, const absl::Status& why,
                               Done done) {
  const absl::StatusOr<ShareContext::Known> known = context_->Find(id);
  if (!known.ok()) return RefuseShare(std::move(done), known.status());
  const absl::StatusOr<std::vector<ParkedJob>> dying = Find(*known, jobs);
  if (!dying.ok()) return RefuseShare(std::move(done), dying.status());
  return PostponeDying(now, *known, *dying, why, std::move(done));
}

Decision DeadLetters::PostponeDying(const MachineTime& now, const ShareContext::Known& known,
                                    const std::vector<ParkedJob>& jobs, const absl::Status& why,
                                    Done done) {
  ShareDraft draft(context_->listener);
  known.entry->window.letter_error = std::string(why.message());
  JobsParked parked{.number = known.entry->partition.number(),
                    .jobs = jobs,
                    .before = jobs,
                    .attempt = std::nullopt};
  for (ParkedJob& job : parked.jobs) {
    known.entry->window.dying.erase({job.due_ms, job.offset});
    ++job.letters_failed;
    job.due_ms =
        now.now_ms + RetryBackoffMs(*known.settings, job.letters_failed, context_->random());
    WakeAt(now, context_, known.entry, job.due_ms);
  }
  if (!jobs.empty()) draft.Add(ShareRecordOf(parked));
  return std::move(draft).Answer(std::move(done));
}

}  // namespace weir
