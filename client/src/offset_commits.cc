#include "client/src/offset_commits.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/wire_status.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir::client {
namespace {

constexpr char kCommitOffsets[] = "/weir.v1.GroupService/CommitOffsets";

enum class Told { kEverything, kWhatMatters };

// What says that somebody else goes on with the partition, or that the group is further already.
bool MattersNot(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  return reason == Reason::kStaleMemberEpoch || reason == Reason::kOffsetMovesBack;
}

absl::Status FirstError(const v1::CommitOffsetsResponse& response, Told told) {
  for (const v1::CommitOffsetsResponse::Result& result : response.results()) {
    if (!result.has_error()) continue;
    const absl::Status status = StatusOf(result.error());
    if (told == Told::kWhatMatters && MattersNot(status)) continue;
    const std::string message =
        absl::StrCat(result.topic(), "/", result.partition(), ": ", status.message());
    const std::optional<Reason> reason = ReasonOf(status);
    return reason.has_value() ? MakeError(*reason, message) : absl::Status(status.code(), message);
  }
  return absl::OkStatus();
}

void AddOffset(const NamedPartition& partition, Offset at, v1::CommitOffsetsRequest* request) {
  v1::GroupOffset* const offset = request->add_offsets();
  offset->set_topic(partition.topic);
  offset->set_partition(partition.partition.value());
  offset->set_offset(at.value());
}

}  // namespace

void OffsetCommits::NoteDone(const NamedPartition& partition, Offset next) {
  absl::MutexLock lock(&progress_->mu);
  progress_->done[partition] = next;
}

void OffsetCommits::Forget(const NamedPartition& partition) {
  absl::MutexLock lock(&progress_->mu);
  progress_->done.erase(partition);
  progress_->committed.erase(partition);
}

void OffsetCommits::Progress::NoteCommitted(const v1::CommitOffsetsRequest& request,
                                            const v1::CommitOffsetsResponse& response) {
  absl::MutexLock lock(&mu);
  for (int i = 0; i < std::min(request.offsets_size(), response.results_size()); ++i) {
    const v1::GroupOffset& offset = request.offsets(i);
    const NamedPartition partition{.topic = offset.topic(),
                                   .partition = PartitionIndex{offset.partition()}};
    if (!response.results(i).has_error() && done.contains(partition))
      committed[partition] = Offset{offset.offset()};
  }
}

v1::CommitOffsetsRequest OffsetCommits::NewRequest(const GroupMember::Identity& member) const {
  v1::CommitOffsetsRequest request;
  request.set_group(group_);
  request.set_member_id(member.member_id);
  request.set_member_epoch(member.epoch);
  return request;
}

v1::CommitOffsetsRequest OffsetCommits::RequestOfDone(const GroupMember::Identity& member) const {
  v1::CommitOffsetsRequest request = NewRequest(member);
  absl::MutexLock lock(&progress_->mu);
  for (const auto& [partition, next] : progress_->done) {
    const auto committed = progress_->committed.find(partition);
    if (committed == progress_->committed.end() || committed->second != next)
      AddOffset(partition, next, &request);
  }
  return request;
}

absl::Status OffsetCommits::Commit(const GroupMember::Identity& member) {
  const v1::CommitOffsetsRequest request = RequestOfDone(member);
  if (request.offsets_size() == 0) return absl::OkStatus();
  v1::CommitOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(kCommitOffsets, request, &response));
  progress_->NoteCommitted(request, response);
  return FirstError(response, Told::kWhatMatters);
}

void OffsetCommits::CommitAsync(const GroupMember::Identity& member, Done done) {
  v1::CommitOffsetsRequest request = RequestOfDone(member);
  if (request.offsets_size() == 0) {
    if (done) done(absl::OkStatus());
    return;
  }
  channel_->CallAsync(kCommitOffsets, request,
                      [request, progress = progress_,
                       done = std::move(done)](const absl::StatusOr<std::string>& answer) {
                        v1::CommitOffsetsResponse response;
                        absl::Status status = answer.status();
                        if (status.ok() && !response.ParseFromString(*answer))
                          status = MakeError(Reason::kInternal,
                                             "the answer to CommitOffsets makes no sense");
                        if (status.ok()) {
                          progress->NoteCommitted(request, response);
                          status = FirstError(response, Told::kWhatMatters);
                        }
                        if (done) done(status);
                      });
}

absl::Status OffsetCommits::Commit(const GroupMember::Identity& member,
                                   const std::vector<GroupOffset>& offsets) {
  // Without an epoch it would pass for a commit of somebody outside.
  if (member.epoch == 0) {
    return MakeError(Reason::kUnknownMember,
                     absl::StrCat("this is no member of group '", group_, "' for now"));
  }
  v1::CommitOffsetsRequest request = NewRequest(member);
  for (const GroupOffset& asked : offsets) {
    AddOffset(asked.partition, asked.offset, &request);
    v1::GroupOffset& offset = *request.mutable_offsets()->rbegin();
    if (asked.leader_epoch.has_value()) offset.set_leader_epoch(asked.leader_epoch->value());
    offset.set_metadata(asked.metadata);
  }
  v1::CommitOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(kCommitOffsets, request, &response));
  progress_->NoteCommitted(request, response);
  return FirstError(response, Told::kEverything);
}

}  // namespace weir::client
