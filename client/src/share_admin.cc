#include "weir/share_admin.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/channel.h"
#include "storage/base/check.h"
#include "weir/v1/share.pb.h"

namespace weir {
namespace {

std::string Method(absl::string_view name) { return absl::StrCat("/weir.v1.ShareService/", name); }

v1::JobState OnWire(std::optional<ShareAdmin::JobState> state) {
  if (!state.has_value()) return v1::JOB_STATE_UNSPECIFIED;
  switch (*state) {
    case ShareAdmin::JobState::kAcquired:
      return v1::ACQUIRED;
    case ShareAdmin::JobState::kDelayed:
      return v1::DELAYED;
    case ShareAdmin::JobState::kBlocked:
      return v1::BLOCKED;
    case ShareAdmin::JobState::kDying:
      return v1::DYING;
  }
  return v1::JOB_STATE_UNSPECIFIED;
}

ShareAdmin::JobState StateOf(v1::JobState state) {
  switch (state) {
    case v1::DELAYED:
      return ShareAdmin::JobState::kDelayed;
    case v1::BLOCKED:
      return ShareAdmin::JobState::kBlocked;
    case v1::DYING:
      return ShareAdmin::JobState::kDying;
    default:
      return ShareAdmin::JobState::kAcquired;
  }
}

ShareAdmin::JobDescription JobOf(const v1::Job& job) {
  ShareAdmin::JobDescription description{
      .partition = {.topic = job.topic(), .partition = PartitionIndex(job.partition())},
      .offset = Offset(job.offset()),
      .state = StateOf(job.state()),
      .attempts = job.attempts(),
      .due = absl::FromUnixMillis(job.due_ms()),
      .reason = job.reason(),
      .worker = job.worker(),
      .acquired = absl::FromUnixMillis(job.acquired_ms()),
      .locked_until = absl::FromUnixMillis(job.lock_until_ms())};
  if (job.has_key()) description.key = job.key();
  return description;
}

void SetFilter(const ShareAdmin::DeadLetterFilter& filter, v1::DeadLetterFilter* wire) {
  wire->set_reason(filter.reason);
  if (filter.key.has_value()) wire->set_key(*filter.key);
  if (filter.from.has_value()) wire->set_from_ms(absl::ToUnixMillis(*filter.from));
  if (filter.until.has_value()) wire->set_until_ms(absl::ToUnixMillis(*filter.until));
}

ShareAdmin::DeadLetter LetterOf(const v1::DeadLetter& letter) {
  const v1::Record& record = letter.record();
  ShareAdmin::DeadLetter described{
      .partition = PartitionIndex(letter.partition()),
      .offset = Offset(letter.offset()),
      .timestamp_ms = record.timestamp_ms(),
      .source = {.topic = letter.topic(), .partition = PartitionIndex(letter.source_partition())},
      .source_offset = Offset(letter.source_offset()),
      .reason = letter.reason(),
      .error = letter.error(),
      .attempts = letter.attempts(),
      .died = absl::FromUnixMillis(letter.died_ms()),
      .redrives = letter.redrives()};
  if (record.has_key()) described.key = record.key();
  if (record.has_value()) described.value = record.value();
  for (const v1::Header& header : record.headers()) {
    described.headers.emplace_back(
        header.key(), header.has_value() ? std::optional(header.value()) : std::nullopt);
  }
  for (const v1::DeadLetter::Attempt& attempt : letter.history()) {
    described.history.push_back({.ended = absl::FromUnixMillis(attempt.ended_ms()),
                                 .worker = attempt.worker(),
                                 .ending = attempt.ending(),
                                 .error = attempt.error()});
  }
  return described;
}

v1::JobsRequest RequestOf(absl::string_view group, const NamedPartition& partition,
                          absl::Span<const Offset> offsets) {
  v1::JobsRequest request;
  request.set_group(std::string(group));
  request.set_topic(partition.topic);
  request.set_partition(partition.partition.value());
  for (const Offset offset : offsets) request.add_offsets(offset.value());
  return request;
}

}  // namespace

absl::StatusOr<ShareAdmin::JobPage> ShareAdmin::ListJobs(absl::string_view group,
                                                         std::optional<JobState> state,
                                                         absl::string_view page, int32_t size) {
  v1::ListJobsRequest request;
  request.set_group(std::string(group));
  request.set_state(OnWire(state));
  request.set_page_token(std::string(page));
  request.set_page_size(size);
  v1::ListJobsResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("ListJobs"), request, &response));
  JobPage jobs{.next = response.next_page_token()};
  for (const v1::Job& job : response.jobs()) jobs.jobs.push_back(JobOf(job));
  return jobs;
}

absl::StatusOr<int64_t> ShareAdmin::ReleaseJobs(absl::string_view group,
                                                const NamedPartition& partition,
                                                absl::Span<const Offset> offsets) {
  v1::JobsResponse response;
  WEIR_RETURN_IF_ERROR(
      channel_->Call(Method("ReleaseJobs"), RequestOf(group, partition, offsets), &response));
  return response.changed();
}

absl::StatusOr<int64_t> ShareAdmin::CancelJobs(absl::string_view group,
                                               const NamedPartition& partition,
                                               absl::Span<const Offset> offsets) {
  v1::JobsResponse response;
  WEIR_RETURN_IF_ERROR(
      channel_->Call(Method("CancelJobs"), RequestOf(group, partition, offsets), &response));
  return response.changed();
}

absl::StatusOr<ShareAdmin::DeadLetterPage> ShareAdmin::ListDeadLetters(
    absl::string_view group, const DeadLetterFilter& filter, absl::string_view page, int32_t size) {
  v1::ListDeadLettersRequest request;
  request.set_group(std::string(group));
  SetFilter(filter, request.mutable_filter());
  request.set_page_token(std::string(page));
  request.set_page_size(size);
  v1::ListDeadLettersResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("ListDeadLetters"), request, &response));
  DeadLetterPage letters{.topic = response.dead_letter_topic(), .next = response.next_page_token()};
  for (const v1::DeadLetter& letter : response.dead_letters())
    letters.letters.push_back(LetterOf(letter));
  return letters;
}

absl::StatusOr<ShareAdmin::RedriveStep> ShareAdmin::Redrive(const RedriveSpec& spec,
                                                            absl::string_view page) {
  v1::RedriveRequest request;
  request.set_group(spec.group);
  SetFilter(spec.filter, request.mutable_filter());
  request.set_to_topic(spec.to_topic);
  request.set_dry_run(spec.dry_run);
  request.set_max_redrives(spec.max_redrives);
  request.set_limit(spec.limit);
  request.set_page_token(std::string(page));
  v1::RedriveResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("Redrive"), request, &response));
  return RedriveStep{.redriven = response.redriven(),
                     .already_redriven = response.already_redriven(),
                     .too_often = response.too_often(),
                     .stay = {response.stay().begin(), response.stay().end()},
                     .reasons = {response.reasons().begin(), response.reasons().end()},
                     .next = response.next_page_token()};
}

absl::StatusOr<ShareAdmin::PurgeStep> ShareAdmin::PurgeDeadLetters(const PurgeSpec& spec,
                                                                   absl::string_view page) {
  v1::PurgeDeadLettersRequest request;
  request.set_group(spec.group);
  SetFilter(spec.filter, request.mutable_filter());
  request.set_dry_run(spec.dry_run);
  request.set_limit(spec.limit);
  request.set_page_token(std::string(page));
  v1::PurgeDeadLettersResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("PurgeDeadLetters"), request, &response));
  return PurgeStep{.purged = response.purged(),
                   .reasons = {response.reasons().begin(), response.reasons().end()},
                   .next = response.next_page_token()};
}

}  // namespace weir
