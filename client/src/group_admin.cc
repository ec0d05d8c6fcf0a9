#include "weir/group_admin.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/channel.h"
#include "client/src/config_wire.h"
#include "client/src/wire_status.h"
#include "storage/base/check.h"
#include "weir/v1/group.pb.h"

namespace weir {
namespace {

std::string Method(absl::string_view name) { return absl::StrCat("/weir.v1.GroupService/", name); }

GroupAdmin::State StateOf(v1::GroupState state) {
  switch (state) {
    case v1::STABLE:
      return GroupAdmin::State::kStable;
    case v1::REBALANCING:
      return GroupAdmin::State::kRebalancing;
    default:
      return GroupAdmin::State::kEmpty;
  }
}

GroupAdmin::MemberDescription MemberOf(const v1::MemberDescription& member) {
  GroupAdmin::MemberDescription description{
      .member_id = member.member_id(),
      .instance_id = member.instance_id(),
      .client_id = member.client_id(),
      .host = member.host(),
      .joined = absl::FromUnixMillis(member.joined_ms()),
      .connected = member.connected(),
      .epoch = member.member_epoch(),
      .topics = {member.subscription().topics().begin(), member.subscription().topics().end()},
      .topic_prefix = member.subscription().topic_prefix()};
  for (const v1::PartitionId& id : member.partitions()) {
    description.partitions.push_back(
        {.topic = id.topic(), .partition = PartitionIndex(id.partition())});
  }
  return description;
}

GroupAdmin::PartitionDescription PartitionOf(const v1::GroupPartition& partition) {
  GroupAdmin::PartitionDescription description{
      .partition = {.topic = partition.topic(), .partition = PartitionIndex(partition.partition())},
      .member_id = partition.member_id(),
      .log_start_offset = Offset(partition.log_start_offset()),
      .high_watermark = Offset(partition.high_watermark()),
      .lag = partition.lag(),
      .lag_time = absl::Milliseconds(partition.lag_ms()),
      .metadata = partition.metadata(),
      .commit_time = absl::FromUnixMillis(partition.commit_time_ms())};
  if (partition.committed_offset() >= 0)
    description.committed = Offset(partition.committed_offset());
  return description;
}

TopicSelection SelectionOf(const v1::Subscription& subscription) {
  return {.topics = {subscription.topics().begin(), subscription.topics().end()},
          .prefix = subscription.topic_prefix()};
}

void SetSelection(const TopicSelection& reads, v1::Subscription* to) {
  for (const std::string& topic : reads.topics) to->add_topics(topic);
  to->set_topic_prefix(reads.prefix);
}

GroupAdmin::SharePartitionDescription SharePartitionOf(const v1::SharePartition& partition) {
  return {
      .partition = {.topic = partition.topic(), .partition = PartitionIndex(partition.partition())},
      .state = partition.state(),
      .start_offset = Offset(partition.start_offset()),
      .log_start_offset = Offset(partition.log_start_offset()),
      .high_watermark = Offset(partition.high_watermark()),
      .unfinished = partition.unfinished(),
      .oldest_unfinished = Offset(partition.oldest_unfinished()),
      .oldest_age = absl::Milliseconds(partition.oldest_unfinished_ms()),
      .in_flight = partition.in_flight(),
      .delayed = partition.delayed(),
      .blocked = partition.blocked(),
      .dying = partition.dying(),
      .dead_letter_error = partition.dead_letter_error(),
      .accepted = partition.accepted(),
      .cancelled = partition.cancelled(),
      .expired = partition.expired(),
      .died = {partition.died().begin(), partition.died().end()}};
}

// Sets what the reset goes to.
struct SetTarget {
  v1::ResetOffsetsRequest* request;
  void operator()(Earliest) const { request->set_earliest(true); }
  void operator()(Latest) const { request->set_latest(true); }
  void operator()(Offset offset) const { request->set_offset(offset.value()); }
  void operator()(absl::Time time) const { request->set_timestamp_ms(absl::ToUnixMillis(time)); }
  void operator()(GroupAdmin::Shift shift) const { request->set_shift(shift.records); }
};

}  // namespace

absl::Status GroupAdmin::Create(absl::string_view group, GroupStart start,
                                const std::map<std::string, std::string>& config) {
  v1::CreateGroupRequest request;
  request.set_group(std::string(group));
  request.set_type(v1::CONSUMER);
  request.set_start(static_cast<v1::GroupStart>(start));
  request.mutable_config()->insert(config.begin(), config.end());
  v1::CreateGroupResponse response;
  return channel_->Call(Method("CreateGroup"), request, &response);
}

absl::Status GroupAdmin::CreateShare(const ShareGroupSpec& spec) {
  v1::CreateGroupRequest request;
  request.set_group(spec.group);
  request.set_type(v1::SHARE);
  request.set_start(static_cast<v1::GroupStart>(spec.start));
  SetSelection(spec.reads, request.mutable_subscription());
  request.mutable_config()->insert(spec.config.begin(), spec.config.end());
  v1::CreateGroupResponse response;
  return channel_->Call(Method("CreateGroup"), request, &response);
}

absl::StatusOr<std::vector<GroupAdmin::Summary>> GroupAdmin::List(absl::string_view prefix) {
  std::vector<Summary> groups;
  v1::ListGroupsRequest request;
  request.set_prefix(std::string(prefix));
  do {
    v1::ListGroupsResponse response;
    WEIR_RETURN_IF_ERROR(channel_->Call(Method("ListGroups"), request, &response));
    for (const v1::GroupSummary& group : response.groups()) {
      groups.push_back({.group = group.group(),
                        .type = static_cast<GroupType>(group.type()),
                        .state = StateOf(group.state()),
                        .paused = group.paused(),
                        .members = group.members()});
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return groups;
}

absl::StatusOr<GroupAdmin::Description> GroupAdmin::Describe(absl::string_view group) {
  Description description;
  v1::DescribeGroupRequest request;
  request.set_group(std::string(group));
  do {
    v1::DescribeGroupResponse response;
    WEIR_RETURN_IF_ERROR(channel_->Call(Method("DescribeGroup"), request, &response));
    description.group = response.group();
    description.type = static_cast<GroupType>(response.type());
    description.start = static_cast<GroupStart>(response.start());
    description.state = StateOf(response.state());
    description.paused = response.paused();
    description.epoch = response.group_epoch();
    description.config = client::ConfigOf(response.config());
    for (const v1::MemberDescription& member : response.members())
      description.members.push_back(MemberOf(member));
    for (const v1::GroupPartition& partition : response.partitions())
      description.partitions.push_back(PartitionOf(partition));
    description.reads = SelectionOf(response.subscription());
    description.dead_letter_topic = response.dead_letter_topic();
    description.paused_by_breaker = response.paused_by_breaker();
    for (const v1::SharePartition& partition : response.share_partitions())
      description.share_partitions.push_back(SharePartitionOf(partition));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return description;
}

absl::StatusOr<std::vector<Admin::ConfigEntry>> GroupAdmin::Alter(
    absl::string_view group, const std::map<std::string, std::string>& set,
    const std::vector<std::string>& remove, const std::optional<TopicSelection>& reads) {
  v1::AlterGroupRequest request;
  request.set_group(std::string(group));
  request.mutable_set()->insert(set.begin(), set.end());
  for (const std::string& name : remove) request.add_remove(name);
  if (reads.has_value()) SetSelection(*reads, request.mutable_subscription());
  v1::AlterGroupResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("AlterGroup"), request, &response));
  return client::ConfigOf(response.config());
}

absl::Status GroupAdmin::SetPaused(absl::string_view group, bool paused) {
  if (paused) {
    v1::PauseGroupRequest request;
    request.set_group(std::string(group));
    v1::PauseGroupResponse response;
    return channel_->Call(Method("PauseGroup"), request, &response);
  }
  v1::ResumeGroupRequest request;
  request.set_group(std::string(group));
  v1::ResumeGroupResponse response;
  return channel_->Call(Method("ResumeGroup"), request, &response);
}

absl::Status GroupAdmin::Delete(absl::string_view group) {
  v1::DeleteGroupRequest request;
  request.set_group(std::string(group));
  v1::DeleteGroupResponse response;
  return channel_->Call(Method("DeleteGroup"), request, &response);
}

absl::StatusOr<std::vector<GroupAdmin::ResetOutcome>> GroupAdmin::ResetOffsets(
    const ResetSpec& spec) {
  v1::ResetOffsetsRequest request;
  request.set_group(spec.group);
  request.set_topic(spec.topic);
  for (const PartitionIndex partition : spec.partitions) request.add_partitions(partition.value());
  std::visit(SetTarget{&request}, spec.to);
  request.set_dry_run(spec.dry_run);
  v1::ResetOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(channel_->Call(Method("ResetOffsets"), request, &response));
  std::vector<ResetOutcome> outcomes;
  for (const v1::ResetOffsetsResponse::Result& result : response.results()) {
    ResetOutcome& outcome = outcomes.emplace_back(
        ResetOutcome{.partition = PartitionIndex(result.partition()), .after = Offset()});
    if (result.before() >= 0) outcome.before = Offset(result.before());
    if (result.has_error()) {
      outcome.after = client::StatusOf(result.error());
    } else {
      outcome.after = Offset(result.after());
    }
  }
  return outcomes;
}

}  // namespace weir
