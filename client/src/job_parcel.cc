#include "client/src/job_parcel.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/sound_batch.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir::client {

absl::StatusOr<std::shared_ptr<JobParcel>> JobParcel::Make(const v1::Delivery& delivery,
                                                           std::shared_ptr<const void> owner,
                                                           int64_t most) {
  std::shared_ptr<JobParcel> parcel(new JobParcel());
  parcel->topic_ = std::make_shared<const std::string>(delivery.topic());
  parcel->partition_ = PartitionIndex(delivery.partition());
  parcel->owner_ = std::move(owner);
  WEIR_RETURN_IF_ERROR(parcel->TakeSpans(delivery, most));
  parcel->ReadRecords(delivery.record_batches());
  parcel->NoteUnreadable();
  return parcel;
}

absl::Status JobParcel::TakeSpans(const v1::Delivery& delivery, int64_t most) {
  spans_.reserve(static_cast<size_t>(delivery.jobs_size()));
  for (const v1::AcquiredJobs& jobs : delivery.jobs()) {
    spans_.push_back({.jobs = {.first = jobs.first_offset(),
                               .last = jobs.last_offset(),
                               .lock = {.epoch = jobs.lock_token().epoch(),
                                        .counter = jobs.lock_token().counter()}},
                      .delivery_count = jobs.delivery_count()});
  }
  std::sort(spans_.begin(), spans_.end(),
            [](const Span& a, const Span& b) { return a.jobs.first < b.jobs.first; });
  int64_t count = 0;
  int64_t next = 0;
  for (Span& span : spans_) {
    const JobSpan& jobs = span.jobs;
    if (jobs.first < next || jobs.last < jobs.first || jobs.last == INT64_MAX ||
        jobs.last - jobs.first >= most - count) {
      return MakeError(Reason::kInternal,
                       absl::StrCat("the broker handed out jobs that make no sense: ", *topic_, "/",
                                    partition_.value(), " offsets ", jobs.first, " to ", jobs.last,
                                    ", at most ", most - count, " from ", next, " on"));
    }
    span.begin = static_cast<size_t>(count);
    count += jobs.jobs();
    next = jobs.last + 1;
  }
  jobs_.resize(static_cast<size_t>(count));
  for (size_t s = 0; s < spans_.size(); ++s) {
    for (int64_t i = 0; i < spans_[s].jobs.jobs(); ++i) {
      Entry& entry = jobs_[spans_[s].begin + static_cast<size_t>(i)];
      entry.record.offset = Offset(spans_[s].jobs.first + i);
      entry.span = static_cast<uint32_t>(s);
    }
  }
  states_ = std::make_unique<std::atomic<State>[]>(jobs_.size());  // all kWaiting
  open_ = jobs_.size();
  return absl::OkStatus();
}

// Batches behind one that makes no sense cannot be found.
void JobParcel::ReadRecords(absl::string_view batches) {
  while (!batches.empty()) {
    const absl::StatusOr<RecordBatchHeader> header = CheckBatch(batches);
    if (!header.ok()) {
      read_status_ = header.status();
      return;
    }
    const auto size = static_cast<size_t>(header->size_bytes());
    ReadBatch(batches.substr(0, size), *header);
    batches.remove_prefix(size);
  }
}

void JobParcel::ReadBatch(absl::string_view batch, const RecordBatchHeader& header) {
  const auto at_or_behind = [this](Offset offset) {
    return std::lower_bound(
        jobs_.begin(), jobs_.end(), offset,
        [](const Entry& entry, Offset wanted) { return entry.record.offset < wanted; });
  };
  auto job = at_or_behind(header.base_offset);
  const auto end = at_or_behind(header.next_offset());
  if (job == end) return;
  readers_.emplace_back(batch);
  RecordReader& reader = readers_.back();
  RecordView record;
  while (job != end && reader.Next(&record)) {
    if (record.offset > job->record.offset) job = at_or_behind(record.offset);
    if (job == end || job->record.offset != record.offset) continue;
    job->record = record;
    job->found = true;
    ++job;
  }
  if (!reader.status().ok()) read_status_ = reader.status();
}

void JobParcel::NoteUnreadable() {
  for (size_t job = 0; job < jobs_.size(); ++job) {
    if (!jobs_[job].found) states_[job].store(State::kUnreadable, std::memory_order_relaxed);
  }
  VisitSpans([this](size_t job) { return StateOf(job) == State::kUnreadable; },
             [this](const JobSpan& span) { unreadable_.push_back(span); });
  if (!unreadable_.empty() && read_status_.ok())
    read_status_ = MakeError(Reason::kCorruptBatch, "the delivery holds no record for the job");
}

JobSpan JobParcel::SpanOf(size_t job) const {
  const int64_t offset = jobs_[job].record.offset.value();
  return {.first = offset, .last = offset, .lock = spans_[jobs_[job].span].jobs.lock};
}

std::optional<size_t> JobParcel::Claim() {
  for (;;) {
    const size_t job = next_.fetch_add(1, std::memory_order_relaxed);
    if (job >= jobs_.size()) return std::nullopt;
    State waiting = State::kWaiting;
    if (states_[job].compare_exchange_strong(waiting, State::kClaimed, std::memory_order_relaxed))
      return job;
  }
}

template <typename Wanted>
void JobParcel::VisitSpans(Wanted wanted, absl::FunctionRef<void(const JobSpan&)> visit) const {
  std::optional<JobSpan> span;
  for (size_t job = take_from_; job < jobs_.size(); ++job) {
    const bool is_wanted = wanted(job);
    if (span.has_value() && (!is_wanted || jobs_[job].span != jobs_[job - 1].span)) {
      visit(*span);
      span.reset();
    }
    if (!is_wanted) continue;
    if (!span.has_value()) span = SpanOf(job);
    span->last = jobs_[job].record.offset.value();
  }
  if (span.has_value()) visit(*span);
}

void JobParcel::TakeAccepted(absl::FunctionRef<void(const JobSpan&)> take) {
  told_of_.exchange(false, std::memory_order_acq_rel);
  VisitSpans(
      [this](size_t job) {
        if (StateOf(job) != State::kAccepted) return false;
        End(job);
        return true;
      },
      take);
  while (take_from_ < jobs_.size() && StateOf(take_from_) == State::kEnded) ++take_from_;
}

void JobParcel::End(size_t job) {
  states_[job].store(State::kEnded, std::memory_order_relaxed);
  --open_;
}

int64_t JobParcel::EndUnbegun(int64_t first, int64_t last) {
  int64_t ended = 0;
  for (size_t job = take_from_; job < jobs_.size(); ++job) {
    const int64_t offset = jobs_[job].record.offset.value();
    State waiting = State::kWaiting;
    if (offset < first || offset > last ||
        !states_[job].compare_exchange_strong(waiting, State::kEnded, std::memory_order_relaxed))
      continue;
    --open_;
    ++ended;
  }
  return ended;
}

int64_t JobParcel::EndAllUnbegun() {
  if (jobs_.empty()) return 0;
  return EndUnbegun(jobs_.front().record.offset.value(), jobs_.back().record.offset.value());
}

void JobParcel::EndUnreadable() {
  for (size_t job = 0; job < jobs_.size(); ++job) {
    if (StateOf(job) == State::kUnreadable) End(job);
  }
}

void JobParcel::VisitOpen(absl::FunctionRef<void(const JobSpan&)> visit) const {
  VisitSpans(
      [this](size_t job) {
        const State state = StateOf(job);
        return state == State::kWaiting || state == State::kClaimed;
      },
      visit);
}

}  // namespace weir::client
