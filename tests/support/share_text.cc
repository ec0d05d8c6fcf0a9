#include "tests/support/share_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "broker/share/share_records.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

std::string Range(Offset first, Offset last) {
  return first == last ? absl::StrCat(first.value())
                       : absl::StrCat(first.value(), "-", last.value());
}

std::string Token(const LockToken& token) {
  return absl::StrCat(token.epoch.value(), ".", token.counter);
}

// In seconds since the origin, as short as may be.
std::string Time(int64_t ms, int64_t origin_ms) {
  if (ms == kOrdinaryTurn) return "turn";
  return absl::StrFormat("%gs", static_cast<double>(ms - origin_ms) / 1000);
}

absl::string_view CauseName(ParkedCause cause) {
  switch (cause) {
    case ParkedCause::kRetry:
      return "retry";
    case ParkedCause::kDelayed:
      return "delayed";
    case ParkedCause::kBlocked:
      return "blocked";
    case ParkedCause::kDying:
      return "dying";
  }
  WEIR_CHECK(false);
}

absl::string_view StateName(JobState state) {
  constexpr absl::string_view kNames[] = {"available", "acquired", "delayed", "blocked",
                                          "dying",     "finished", "dead"};
  return kNames[static_cast<size_t>(state)];
}

absl::string_view StateName(AcquireState state) {
  constexpr absl::string_view kNames[] = {
      "OPEN", "PAUSED", "PAUSED_BY_BREAKER", "IN_FLIGHT_LIMIT", "PARK_LIMIT", "WINDOW_LIMIT"};
  return kNames[static_cast<size_t>(state)];
}

std::string JobText(const ParkedJob& job, int64_t origin_ms) {
  std::string text = absl::StrCat(Range(job.offset, job.last), ":", CauseName(job.cause));
  if (job.reason.has_value()) absl::StrAppend(&text, ":", DeathReasonName(*job.reason));
  absl::StrAppend(&text, "@", Time(job.due_ms, origin_ms));
  if (job.attempts > 0) absl::StrAppend(&text, ",attempts=", job.attempts);
  if (job.uncounted > 0) absl::StrAppend(&text, ",uncounted=", job.uncounted);
  if (job.letters_failed > 0) absl::StrAppend(&text, ",letters-failed=", job.letters_failed);
  if (job.alone) absl::StrAppend(&text, ",alone");
  if (job.holds_key) absl::StrAppend(&text, ",holds-key");
  if (job.last_lock.counter > 0) absl::StrAppend(&text, ",lock=", Token(job.last_lock));
  return text;
}

std::string JobsText(const std::vector<ParkedJob>& jobs, int64_t origin_ms) {
  return absl::StrJoin(jobs, " ", [origin_ms](std::string* out, const ParkedJob& job) {
    absl::StrAppend(out, JobText(job, origin_ms));
  });
}

std::string AttemptText(const AttemptEnd& attempt, int64_t origin_ms) {
  std::string text = absl::StrCat(attempt.ending, " by ", attempt.worker, " at ",
                                  Time(attempt.ended_ms, origin_ms));
  if (!attempt.error.empty()) absl::StrAppend(&text, " '", attempt.error.substr(0, 40), "'");
  return text;
}

absl::string_view FinishName(FinishCause cause) {
  constexpr absl::string_view kNames[] = {"", "accepted", "cancelled", "dead", "gone", "marked"};
  return kNames[static_cast<size_t>(cause)];
}

std::string FinishedText(const JobsFinished& finished) {
  std::string text(FinishName(finished.cause));
  for (const OffsetRange& range : finished.ranges)
    absl::StrAppend(&text, " ", Range(range.first, range.last));
  for (const ParkedJob& job : finished.parked)
    absl::StrAppend(&text, " parked:", Range(job.offset, job.last));
  return text;
}

std::string ParkedText(const JobsParked& parked, int64_t origin_ms) {
  std::string text = absl::StrCat("parked ", JobsText(parked.jobs, origin_ms));
  if (parked.attempt.has_value())
    absl::StrAppend(&text, " ", AttemptText(*parked.attempt, origin_ms));
  return text;
}

}  // namespace

std::string ShareRecordText(const InternalRecord& record, int64_t origin_ms) {
  const absl::string_view payload = record.payload;
  switch (static_cast<ShareRecordKind>(record.kind)) {
    case ShareRecordKind::kOpened: {
      const SharePartitionOpened opened = *DecodeSharePartitionOpened(payload);
      return absl::StrCat("opened ", opened.number, " ", opened.id.group, " at ",
                          opened.start.value());
    }
    case ShareRecordKind::kRemoved:
      return absl::StrCat("removed ", *DecodeSharePartitionRemoved(payload));
    case ShareRecordKind::kFinished:
      return FinishedText(*DecodeJobsFinished(payload));
    case ShareRecordKind::kParked:
      return ParkedText(*DecodeJobsParked(payload), origin_ms);
    case ShareRecordKind::kStartMoved: {
      const ShareStartMoved moved = *DecodeShareStartMoved(payload);
      return absl::StrCat("start ", moved.start.value(), " expired=", moved.expired);
    }
  }
  return "unknown";
}

std::string Text(const Acquired& acquired) {
  std::vector<std::string> words;
  for (const AcquiredJobs& jobs : acquired.jobs) {
    std::string word = absl::StrCat(Range(jobs.first, jobs.last), "@", Token(jobs.token));
    if (jobs.delivery_count != 1) absl::StrAppend(&word, "x", jobs.delivery_count);
    if (jobs.alone) absl::StrAppend(&word, ",alone");
    words.push_back(std::move(word));
  }
  if (words.empty()) words.push_back("nothing");
  if (acquired.state != AcquireState::kOpen) words.emplace_back(StateName(acquired.state));
  if (acquired.alone_waiting > 0)
    words.push_back(absl::StrCat("alone-waiting=", acquired.alone_waiting));
  return absl::StrJoin(words, " ");
}

std::string Text(const std::vector<AckResult>& results) {
  return absl::StrJoin(results, " ", [](std::string* out, const AckResult& result) {
    absl::StrAppend(out, Range(result.first, result.last), "=", AckCodeName(result.code));
  });
}

std::string Text(const Renewed& renewed, int64_t origin_ms) {
  return absl::StrCat(Text(renewed.results), " until ", Time(renewed.lock_until_ms, origin_ms));
}

std::string Text(const DyingJob& job, int64_t origin_ms) {
  std::string text = absl::StrCat(Range(job.first, job.last), " ", DeathReasonName(job.reason),
                                  " attempts=", job.attempts);
  if (!job.error.empty()) absl::StrAppend(&text, " '", job.error, "'");
  for (const AttemptEnd& attempt : job.history)
    absl::StrAppend(&text, "; ", AttemptText(attempt, origin_ms));
  return text;
}

std::string Text(const SharePartitionDescription& d, Offset log_start, Offset log_end) {
  std::string text = absl::StrCat(StateName(d.state), " start=", d.progress.start.value(),
                                  " scanned=", d.scanned.value());
  const auto add = [&text](absl::string_view name, int64_t value) {
    if (value > 0) absl::StrAppend(&text, " ", name, "=", value);
  };
  add("unfinished", d.progress.Unfinished(log_start, log_end));
  if (d.progress.oldest_unfinished != d.progress.start)
    absl::StrAppend(&text, " oldest=", d.progress.oldest_unfinished.value());
  add("in-flight", d.jobs.in_flight);
  add("available", d.jobs.available);
  add("parked", d.progress.parked);
  add("delayed", d.jobs.delayed);
  add("blocked", d.jobs.blocked);
  add("dying", d.jobs.dying);
  add("accepted", d.counts.accepted);
  add("cancelled", d.counts.cancelled);
  add("expired", d.counts.expired);
  for (int i = 0; i < kDeathReasons; ++i)
    add(DeathReasonName(static_cast<DeathReason>(i + 1)), d.counts.died[static_cast<size_t>(i)]);
  add("locks-expired", d.tally.locks_expired);
  add("uncounted", d.tally.uncounted_releases);
  if (!d.dead_letter_error.empty()) absl::StrAppend(&text, " '", d.dead_letter_error, "'");
  return text;
}

std::string Text(const JobDescription& job, int64_t origin_ms) {
  std::string text = absl::StrCat(job.offset.value(), ":", StateName(job.state));
  if (job.state == JobState::kAcquired)
    absl::StrAppend(&text, ":", job.worker, "@", Token(job.token));
  if (job.due_ms > 0) absl::StrAppend(&text, "@", Time(job.due_ms, origin_ms));
  if (job.attempts > 0) absl::StrAppend(&text, ",attempts=", job.attempts);
  if (job.key.has_value()) absl::StrAppend(&text, ",keyed");
  return text;
}

std::string Text(const ShareTable& table) {
  std::string text;
  for (const auto& [number, entry] : table.entries()) {
    const SharePartition& partition = entry->partition;
    absl::StrAppend(&text, number, " ", partition.id().group, " ", partition.incarnation(), " ",
                    partition.start().value(), " parked ", partition.parked(), " blocked to ",
                    partition.blocked_end().value(), " accepted ", partition.counts().accepted,
                    " cancelled ", partition.counts().cancelled, " expired ",
                    partition.counts().expired, " died");
    for (const int64_t died : partition.counts().died) absl::StrAppend(&text, " ", died);
    for (const auto& [first, last] : partition.settled().ranges())
      absl::StrAppend(&text, "\n  ", first.value(), "-", last.value());
    absl::StrAppend(&text, "\n");
  }
  return text;
}

std::string ShareErrorText(const absl::Status& status) {
  if (status.ok()) return "ok";
  const std::optional<Reason> reason = ReasonOf(status);
  return reason.has_value() ? std::string(InfoOf(*reason).name) : status.ToString();
}

}  // namespace weir
