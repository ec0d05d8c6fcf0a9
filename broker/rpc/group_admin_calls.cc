#include "broker/rpc/group_admin_calls.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "broker/group/group_shards.h"
#include "broker/rpc/error_encoding.h"
#include "broker/rpc/group_encoding.h"
#include "broker/rpc/page_token.h"
#include "broker/rpc/worker_sessions.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

GroupConfigChange Setting(const google::protobuf::Map<std::string, std::string>& set) {
  return {.set = {set.begin(), set.end()}};
}

// The groups of one partition that a page may show.
absl::StatusOr<std::vector<GroupSummary>> ListPart(GroupShards* groups, PartitionIndex partition,
                                                   const std::string& after, size_t limit) {
  return groups->AskAndWait<std::vector<GroupSummary>>(
      partition, [&after, limit](GroupMachine& machine, const MachineTime&,
                                 Reply<std::vector<GroupSummary>> reply) {
        return machine.admin().List(after, limit, std::move(reply));
      });
}

absl::Status SetPaused(const Services& services, const std::string& group, bool paused) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  return services.groups->TellAndWait(services.groups->PartitionOf(group),
                                      [&](GroupMachine& machine, const MachineTime&, Done done) {
                                        return machine.admin().SetPaused(group, paused,
                                                                         std::move(done));
                                      });
}

}  // namespace

absl::Status CreateGroup(const Services& services, const v1::CreateGroupRequest& request,
                         v1::CreateGroupResponse*) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  WEIR_ASSIGN_OR_RETURN(const GroupType type, DecodeGroupType(request.type()));
  WEIR_ASSIGN_OR_RETURN(const std::optional<GroupStart> start, DecodeGroupStart(request.start()));
  if (!start.has_value()) {
    return MakeError(Reason::kInvalidRequest,
                     "a new group needs a start: EARLIEST, LATEST or NONE");
  }
  const CreateGroupRequest create{.group = request.group(),
                                  .type = type,
                                  .start = *start,
                                  .config = Setting(request.config()),
                                  .subscription = DecodeSubscription(request.subscription())};
  if (type == GroupType::kShare) {
    WEIR_RETURN_IF_ERROR(services.share_admin->Create(create));
    services.share_directory->AwaitOpen(create.group);
    return absl::OkStatus();
  }
  return services.groups->TellAndWait(
      services.groups->PartitionOf(create.group),
      [&](GroupMachine& machine, const MachineTime& now, Done done) {
        return machine.admin().Create(now, create, std::move(done));
      });
}

absl::Status AlterGroup(const Services& services, const v1::AlterGroupRequest& request,
                        v1::AlterGroupResponse* response) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  GroupConfigChange change = Setting(request.set());
  change.remove = {request.remove().begin(), request.remove().end()};
  std::optional<Subscription> subscription;
  if (request.has_subscription()) subscription = DecodeSubscription(request.subscription());
  WEIR_ASSIGN_OR_RETURN(
      const GroupHead head,
      services.groups->AskAndWait<GroupHead>(
          services.groups->PartitionOf(request.group()),
          [&](GroupMachine& machine, const MachineTime& now, Reply<GroupHead> reply) {
            return machine.admin().Alter(now, request.group(), change, subscription,
                                         std::move(reply));
          }));
  EncodeGroupConfig(head, response->mutable_config());
  if (subscription.has_value()) services.share_directory->AwaitOpen(head.id);
  return absl::OkStatus();
}

absl::Status ListGroups(const Services& services, const v1::ListGroupsRequest& request,
                        v1::ListGroupsResponse* response) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  const std::string& prefix = request.prefix();
  const std::string listing = absl::StrCat("groups:", prefix);
  WEIR_ASSIGN_OR_RETURN(const std::string token, DecodePageToken(listing, request.page_token()));
  WEIR_ASSIGN_OR_RETURN(const int32_t size, PageSize(request.page_size()));
  // A group called as the prefix is may be the first; what comes right before it sorts before it.
  const std::string before = prefix.empty() ? "" : prefix.substr(0, prefix.size() - 1);
  const std::string after = token.empty() ? before : token;
  std::vector<GroupSummary> groups;
  for (size_t i = 0; i < services.groups->size(); ++i) {
    const PartitionIndex partition{static_cast<int32_t>(i)};
    std::string from = after;
    for (size_t taken = 0; taken <= static_cast<size_t>(size);) {
      // One more than fits tells whether there is another page.
      WEIR_ASSIGN_OR_RETURN(
          const std::vector<GroupSummary> part,
          ListPart(services.groups, partition, from, static_cast<size_t>(size) + 1));
      bool past_prefix = part.size() <= static_cast<size_t>(size);
      for (const GroupSummary& group : part) {
        if (absl::StartsWith(group.id, prefix)) {
          groups.push_back(group);
          ++taken;
        } else if (group.id > prefix) {
          past_prefix = true;
        }
      }
      if (past_prefix) break;
      from = part.back().id;
    }
  }
  std::sort(groups.begin(), groups.end(),
            [](const GroupSummary& a, const GroupSummary& b) { return a.id < b.id; });
  if (groups.size() > static_cast<size_t>(size)) {
    groups.resize(static_cast<size_t>(size));
    response->set_next_page_token(EncodePageToken(listing, groups.back().id));
  }
  for (const GroupSummary& group : groups) {
    v1::GroupSummary* const summary = response->add_groups();
    summary->set_group(group.id);
    summary->set_type(EncodeGroupType(group.type));
    const bool is_share = group.type == GroupType::kShare;
    const size_t members = is_share ? services.workers->CountOf(group.id) : group.members;
    summary->set_state(is_share ? EncodeShareGroupState(members) : EncodeGroupState(group.state));
    summary->set_paused(group.paused);
    summary->set_members(static_cast<int32_t>(members));
  }
  return absl::OkStatus();
}

absl::Status DeleteGroup(const Services& services, const v1::DeleteGroupRequest& request,
                         v1::DeleteGroupResponse*) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  return services.groups->TellAndWait(services.groups->PartitionOf(request.group()),
                                      [&](GroupMachine& machine, const MachineTime&, Done done) {
                                        return machine.admin().Delete(request.group(),
                                                                      std::move(done));
                                      });
}

absl::Status PauseGroup(const Services& services, const v1::PauseGroupRequest& request,
                        v1::PauseGroupResponse*) {
  return SetPaused(services, request.group(), /*paused=*/true);
}

absl::Status ResumeGroup(const Services& services, const v1::ResumeGroupRequest& request,
                         v1::ResumeGroupResponse*) {
  return SetPaused(services, request.group(), /*paused=*/false);
}

absl::Status ResetOffsets(const Services& services, const v1::ResetOffsetsRequest& request,
                          v1::ResetOffsetsResponse* response) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  WEIR_ASSIGN_OR_RETURN(const TopicPtr topic, services.catalog->Require(request.topic()));
  std::vector<int32_t> partitions(request.partitions().begin(), request.partitions().end());
  for (int32_t i = 0; request.partitions_size() == 0 && i < topic->partitions; ++i)
    partitions.push_back(i);
  std::sort(partitions.begin(), partitions.end());
  ResetRequest reset{.group = request.group(), .dry_run = request.dry_run()};
  for (const int32_t partition : partitions) {
    WEIR_ASSIGN_OR_RETURN(const TopicPartition id,
                          DecodePartition(*services.catalog, topic->name, partition));
    ResetItem& item = reset.items.emplace_back(ResetItem{.partition = id});
    switch (request.to_case()) {
      case v1::ResetOffsetsRequest::kEarliest:
        item.target = ResetToEarliest{};
        break;
      case v1::ResetOffsetsRequest::kLatest:
        item.target = ResetToLatest{};
        break;
      case v1::ResetOffsetsRequest::kOffset:
        item.target = Offset{request.offset()};
        break;
      case v1::ResetOffsetsRequest::kShift:
        item.target = ResetBy{.records = request.shift()};
        break;
      case v1::ResetOffsetsRequest::kTimestampMs: {
        WEIR_ASSIGN_OR_RETURN(const PartitionManager::Found found,
                              services.partitions->Find(topic, id.partition));
        WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<PartitionLog> log, found.partition->OpenLog());
        WEIR_ASSIGN_OR_RETURN(const TimestampOffset at, log->FindByTime(request.timestamp_ms()));
        item.target = at.offset;
        break;
      }
      case v1::ResetOffsetsRequest::TO_NOT_SET:
        return MakeError(Reason::kInvalidRequest,
                         "a reset needs earliest, latest, offset, timestamp_ms or shift");
    }
  }
  WEIR_ASSIGN_OR_RETURN(const std::vector<ResetOutcome> outcomes,
                        services.groups->AskAndWait<std::vector<ResetOutcome>>(
                            services.groups->PartitionOf(reset.group),
                            [&](GroupMachine& machine, const MachineTime& now,
                                Reply<std::vector<ResetOutcome>> reply) {
                              return machine.offsets().Reset(now, reset, std::move(reply));
                            }));
  for (const ResetOutcome& outcome : outcomes) {
    v1::ResetOffsetsResponse::Result* const result = response->add_results();
    result->set_partition(outcome.partition.partition.value());
    result->set_before(outcome.before.has_value() ? outcome.before->value() : -1);
    result->set_after(outcome.after.ok() ? outcome.after->value() : -1);
    if (outcome.after.ok()) continue;
    v1::Error* const error = result->mutable_error();
    *error = EncodeError(outcome.after.status());
    // The machine knows topics by their ids.
    error->set_message(absl::StrReplaceAll(
        error->message(), {{outcome.partition.topic.ToString(), request.topic()}}));
  }
  return absl::OkStatus();
}

}  // namespace weir
