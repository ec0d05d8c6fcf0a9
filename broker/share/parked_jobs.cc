#include "broker/share/parked_jobs.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "broker/share/share_records.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

constexpr size_t kInMemory = limits::kParkedInMemory;

absl::Status Missing(const SharePlace& place, Offset offset) {
  return absl::DataLossError(absl::StrCat("the stored state of share-partition ", place.number,
                                          " has a place for job ", offset.value(),
                                          " and not the job"));
}

// The job whose place the store has.
absl::StatusOr<ParkedJob> JobAt(const StateReader& reader, const SharePlace& place, Offset offset,
                                absl::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(const ParkedPlace where, DecodeParkedPlace(bytes));
  const std::string key = where.cause == ParkedCause::kBlocked
                              ? ParkedLineKey(place, KeyHashBytes(*where.key), where.due_ms, offset)
                              : ParkedDueKey(place, where.due_ms, offset);
  const absl::StatusOr<std::string> value = reader.Get(StateFamily::kParked, key);
  if (absl::IsNotFound(value.status())) return Missing(place, offset);
  WEIR_RETURN_IF_ERROR(value.status());
  return DecodeParkedJob(*value);
}

}  // namespace

void ParkedJobs::OnParked(const ParkedJob& job) {
  if (job.cause == ParkedCause::kBlocked) return;
  const Due due{job.due_ms, job.offset};
  if (due > horizon_) return;
  waiting_.insert(due);
  jobs_[job.offset] = {job, false};
  if (waiting_.size() <= 2 * kInMemory) return;
  // The later half waits in the store.
  const auto first_out = std::next(waiting_.begin(), kInMemory);
  horizon_ = *std::prev(first_out);
  for (auto at = first_out; at != waiting_.end(); ++at) jobs_.erase(at->second);
  waiting_.erase(first_out, waiting_.end());
}

void ParkedJobs::OnUnparked(Offset offset) {
  const auto found = jobs_.find(offset);
  if (found == jobs_.end()) return;
  if (found->second.taken) --TakenOf(found->second);
  waiting_.erase({found->second.job.due_ms, offset});
  jobs_.erase(found);
}

const ParkedJob* ParkedJobs::Find(Offset offset) const {
  const auto found = jobs_.find(offset);
  return found == jobs_.end() ? nullptr : &found->second.job;
}

absl::StatusOr<std::optional<ParkedJob>> ParkedJobs::Get(const StateReader& reader,
                                                         Offset offset) const {
  if (const ParkedJob* const job = Find(offset)) return std::optional<ParkedJob>(*job);
  const absl::StatusOr<std::string> where =
      reader.Get(StateFamily::kParked, ParkedPlaceKey(place_, offset));
  if (absl::IsNotFound(where.status())) return std::optional<ParkedJob>();
  WEIR_RETURN_IF_ERROR(where.status());
  WEIR_ASSIGN_OR_RETURN(ParkedJob job, JobAt(reader, place_, offset, *where));
  return std::optional<ParkedJob>(std::move(job));
}

absl::Status ParkedJobs::Visit(const StateReader& reader, const SharePlace& place, Offset from,
                               absl::FunctionRef<bool(const ParkedJob&)> visit) {
  const ShareKeyRange range = ParkedPlacesOf(place, from);
  absl::Status status;
  WEIR_RETURN_IF_ERROR(reader.Scan(StateFamily::kParked, range.start, range.end,
                                   [&](absl::string_view key, absl::string_view value) {
                                     const absl::StatusOr<ParkedJob> job =
                                         JobAt(reader, place, OffsetOfParkedKey(key), value);
                                     status = job.status();
                                     return job.ok() && visit(*job);
                                   }));
  return status;
}

std::optional<ParkedJob> ParkedJobs::TakeDue(int64_t now_ms) {
  if (waiting_.empty() || waiting_.begin()->first > now_ms) return std::nullopt;
  Held& held = jobs_.find(waiting_.begin()->second)->second;
  waiting_.erase(waiting_.begin());
  held.taken = true;
  ++TakenOf(held);
  return held.job;
}

bool ParkedJobs::IsTaken(Offset offset) const {
  const auto found = jobs_.find(offset);
  return found != jobs_.end() && found->second.taken;
}

void ParkedJobs::PutBack(Offset offset) {
  Held& held = jobs_.find(offset)->second;
  held.taken = false;
  --TakenOf(held);
  waiting_.insert({held.job.due_ms, offset});
}

void ParkedJobs::Take(const ParkedJob& job) {
  OnUnparked(job.offset);
  const auto taken = jobs_.try_emplace(job.offset, Held{job, true}).first;
  ++TakenOf(taken->second);
}

std::optional<int64_t> ParkedJobs::NextDue() const {
  if (waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

bool ParkedJobs::NeedsMore() const {
  return horizon_ != kEverything && waiting_.size() < kInMemory / 4;
}

absl::Status ParkedJobs::Refill(const StateReader& reader) {
  ShareKeyRange range = ParkedDueOf(place_);
  if (horizon_.first >= 0) range.start = ParkedDueKey(place_, horizon_.first, horizon_.second + 1);
  Due last = kEverything;
  absl::Status status;
  WEIR_RETURN_IF_ERROR(reader.Scan(StateFamily::kParked, range.start, range.end,
                                   [&](absl::string_view, absl::string_view value) {
                                     const absl::StatusOr<ParkedJob> job = DecodeParkedJob(value);
                                     status = job.status();
                                     if (!job.ok()) return false;
                                     if (waiting_.size() >= kInMemory) {
                                       last = *waiting_.rbegin();
                                       return false;
                                     }
                                     // One that is taken is here already.
                                     if (jobs_.try_emplace(job->offset, Held{*job, false}).second)
                                       waiting_.insert({job->due_ms, job->offset});
                                     return true;
                                   }));
  WEIR_RETURN_IF_ERROR(status);
  horizon_ = SeededBug("share-forget-later-parked") ? kEverything : std::max(horizon_, last);
  return absl::OkStatus();
}

}  // namespace weir
