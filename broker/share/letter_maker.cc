#include "broker/share/letter_maker.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "broker/share/dead_letter.h"
#include "broker/share/dead_letter_view.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"

namespace weir {

LetterMaker::LetterMaker(Options options, JobRecords records, std::vector<DyingJob> jobs)
    : options_(std::move(options)),
      records_(std::move(records)),
      jobs_(std::move(jobs)),
      packer_(options_.letters, options_.now_ms) {
  std::sort(jobs_.begin(), jobs_.end(),
            [](const DyingJob& a, const DyingJob& b) { return a.first < b.first; });
}

bool LetterMaker::Look() {
  if (next_.has_value()) return true;
  if (at_ == jobs_.size()) return false;
  next_ = Make(jobs_[at_]);
  return true;
}

void LetterMaker::TakeJobs(size_t count, std::vector<Offset>* to) {
  for (size_t i = 0; i < count; ++i) to->push_back(jobs_[at_ + i].first);
  at_ += count;
  next_.reset();
}

std::optional<LetterMaker::Portion> LetterMaker::Next() {
  Portion portion;
  while (Look()) {
    const absl::StatusOr<Letter>& letter = *next_;
    if (!letter.ok()) break;
    const bool full = packer_.bytes() + letter->record.size() > limits::kLetterBatchBytes;
    if (full && !packer_.empty()) break;
    if (absl::Status added = packer_.Add(PartitionOf(*letter), letter->record); !added.ok()) {
      next_ = std::move(added);
      break;
    }
    TakeJobs(letter->jobs, &portion.jobs);
  }
  if (!portion.jobs.empty()) {
    absl::StatusOr<std::vector<BatchAppend>> batches =
        packer_.Take(options_.partitions, /*internal=*/true);
    if (!batches.ok()) {
      portion.why = batches.status();
    } else {
      portion.batches = *std::move(batches);
    }
    return portion;
  }
  while (Look() && !next_->ok()) {
    portion.why = next_->status();
    TakeJobs(1, &portion.jobs);
  }
  if (portion.jobs.empty()) return std::nullopt;
  return portion;
}

absl::StatusOr<LetterMaker::Letter> LetterMaker::Make(const DyingJob& job) {
  WEIR_ASSIGN_OR_RETURN(const JobRecords::Found found, records_.Find(job.first));
  const bool raw =
      !found.batch.empty() && (!found.readable || job.reason == DeathReason::kUnreadable);
  if (raw) return MakeRaw(job, found.batch);
  Letter letter;
  letter.record.timestamp_ms = options_.now_ms;
  if (found.record.has_value()) {
    const RecordView& record = *found.record;
    if (record.headers.size() > static_cast<size_t>(limits::kHeadersPerRecord))
      return MakeRaw(job, found.batch);  // there is no room to say what is to be said
    letter.record = {.timestamp_ms = record.timestamp_ms,
                     .key = record.key,
                     .value = record.value,
                     .headers = record.headers.Decode()};
    // Only the broker says these, and only of this death.
    std::erase_if(letter.record.headers, [](const HeaderView& header) {
      return absl::StartsWith(header.key, kLetterHeaderPrefix);
    });
  }
  AddHeaders(job, &letter);
  return letter;
}

LetterMaker::Letter LetterMaker::MakeRaw(const DyingJob& job, absl::string_view batch) const {
  Letter letter;
  letter.record.timestamp_ms = options_.now_ms;
  letter.record.value = batch;
  const Offset last = DecodeBatchHeader(batch.data()).last_offset();
  while (at_ + letter.jobs < jobs_.size() && jobs_[at_ + letter.jobs].first <= last) ++letter.jobs;
  DyingJob unreadable = job;
  unreadable.reason = DeathReason::kUnreadable;
  AddHeaders(unreadable, &letter);
  return letter;
}

void LetterMaker::AddHeaders(const DyingJob& job, Letter* letter) const {
  letter->said = DeadLetterHeaders(options_.id, options_.topic, job);
  letter->said.emplace_back(std::string(kLetterTimeHeader), absl::StrCat(options_.now_ms));
  for (const auto& [key, value] : letter->said)
    letter->record.headers.push_back({.key = key, .value = value});
}

PartitionIndex LetterMaker::PartitionOf(const Letter& letter) const {
  return packer_.PartitionFor(letter.record, options_.id.partition.partition);
}

}  // namespace weir
