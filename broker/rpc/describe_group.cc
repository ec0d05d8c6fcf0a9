#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "broker/group/group_shards.h"
#include "broker/partition/record_time.h"
#include "broker/rpc/describe_share_group.h"
#include "broker/rpc/group_admin_calls.h"
#include "broker/rpc/group_encoding.h"
#include "broker/rpc/page_token.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

// Topics by name.
using Topics = absl::btree_map<std::string, TopicPtr>;

class GroupDescriber {
 public:
  GroupDescriber(const Services& services, const std::string& group)
      : services_(services),
        group_(group),
        shard_(services.groups->PartitionOf(group)),
        now_ms_(services.clock->NowMs()) {}

  absl::Status Describe(const v1::DescribeGroupRequest& request,
                        v1::DescribeGroupResponse* response);

 private:
  absl::StatusOr<FetchedOffsets> Fetch(FetchOffsetsRequest request) const;
  void AddTopic(const TopicPtr& topic) {
    if (topic != nullptr) topics_.emplace(topic->name, topic);
  }
  // Every topic that the group reads or has an offset in.
  absl::Status FindTopics();
  void FillHead(v1::DescribeGroupResponse* response) const;
  void FillMember(const MemberDescription& member, v1::MemberDescription* to) const;
  absl::Status FillPartitions(const std::vector<std::pair<TopicPtr, TopicPartition>>& page,
                              v1::DescribeGroupResponse* response) const;
  void FillLag(const TopicPtr& topic, const FetchedOffset& at, v1::GroupPartition* to) const;

  const Services& services_;
  const std::string& group_;
  const PartitionIndex shard_;
  const int64_t now_ms_;
  GroupDescription description_;
  Topics topics_;
  absl::flat_hash_map<TopicPartition, std::string> owners_;
};

absl::Status GroupDescriber::Describe(const v1::DescribeGroupRequest& request,
                                      v1::DescribeGroupResponse* response) {
  const std::string listing = absl::StrCat("group:", group_);
  WEIR_ASSIGN_OR_RETURN(const std::string token, DecodePageToken(listing, request.page_token()));
  WEIR_ASSIGN_OR_RETURN(const int32_t size, PageSize(request.page_size()));
  WEIR_ASSIGN_OR_RETURN(const NamedPosition after, DecodeNamedPosition(token));

  WEIR_ASSIGN_OR_RETURN(
      description_,
      services_.groups->AskAndWait<GroupDescription>(
          shard_, [&](GroupMachine& machine, const MachineTime&, Reply<GroupDescription> reply) {
            return machine.admin().Describe(group_, std::move(reply));
          }));
  FillHead(response);
  if (description_.head.type == GroupType::kShare)
    return DescribeShareGroup(services_, description_.head, request, response);
  WEIR_RETURN_IF_ERROR(FindTopics());
  if (token.empty()) {
    for (const MemberDescription& member : description_.members)
      FillMember(member, response->add_members());
  }
  std::vector<std::pair<TopicPtr, TopicPartition>> page;
  for (auto at = topics_.lower_bound(after.topic); at != topics_.end(); ++at) {
    const TopicPtr& topic = at->second;
    for (int32_t i = topic->name == after.topic ? after.partition + 1 : 0; i < topic->partitions;
         ++i) {
      if (page.size() == static_cast<size_t>(size)) {
        const auto& [last_topic, last] = page.back();
        response->set_next_page_token(EncodePageToken(
            listing, EncodeNamedPosition({last_topic->name, last.partition.value()})));
        return FillPartitions(page, response);
      }
      page.push_back({topic, {.topic = topic->id, .partition = PartitionIndex{i}}});
    }
  }
  return FillPartitions(page, response);
}

absl::StatusOr<FetchedOffsets> GroupDescriber::Fetch(FetchOffsetsRequest request) const {
  return services_.groups->AskAndWait<FetchedOffsets>(
      shard_, [&](GroupMachine& machine, const MachineTime&, Reply<FetchedOffsets> reply) {
        return machine.offsets().Fetch(request, std::move(reply));
      });
}

absl::Status GroupDescriber::FindTopics() {
  for (const MemberDescription& member : description_.members) {
    for (const auto& [partition, hold] : member.member.held) {
      owners_[partition] = member.member.id;
      AddTopic(services_.catalog->Find(partition.topic));
    }
    const Subscription& subscription = member.member.subscription;
    for (const std::string& name : subscription.topics) AddTopic(services_.catalog->Find(name));
    if (subscription.prefix.empty()) continue;
    for (const TopicPtr& topic : services_.catalog->List(subscription.prefix, "", SIZE_MAX))
      AddTopic(topic);
  }
  FetchOffsetsRequest request{.group = group_, .limit = 1};
  for (;;) {
    WEIR_ASSIGN_OR_RETURN(const FetchedOffsets fetched, Fetch(request));
    if (fetched.offsets.empty()) return absl::OkStatus();
    request.from = fetched.offsets.front().partition;
    AddTopic(services_.catalog->Find(request.from.topic));
    request.from.partition = PartitionIndex{INT32_MAX};  // on to the next topic
  }
}

void GroupDescriber::FillHead(v1::DescribeGroupResponse* response) const {
  const GroupHead& head = description_.head;
  response->set_group(head.id);
  response->set_type(EncodeGroupType(head.type));
  response->set_start(EncodeGroupStart(head.start));
  response->set_state(EncodeGroupState(description_.state));
  response->set_paused(head.paused);
  response->set_group_epoch(head.epoch.value());
  EncodeGroupConfig(head, response->mutable_config());
}

void GroupDescriber::FillMember(const MemberDescription& description,
                                v1::MemberDescription* to) const {
  const Member& member = description.member;
  to->set_member_id(member.id);
  to->set_instance_id(member.instance_id);
  to->set_client_id(member.client_id);
  to->set_host(member.host);
  to->set_joined_ms(member.since_ms);
  to->set_connected(description.connected);
  to->set_member_epoch(member.epoch.value());
  EncodeSubscription(member.subscription, to->mutable_subscription());
  std::vector<TopicPartition> held;
  for (const auto& [partition, hold] : member.held) held.push_back(partition);
  EncodePartitions(*services_.catalog, held, to->mutable_partitions());
}

absl::Status GroupDescriber::FillPartitions(
    const std::vector<std::pair<TopicPtr, TopicPartition>>& page,
    v1::DescribeGroupResponse* response) const {
  if (page.empty()) return absl::OkStatus();
  FetchOffsetsRequest request{.group = group_};
  for (const auto& [topic, id] : page) request.partitions.push_back(id);
  WEIR_ASSIGN_OR_RETURN(const FetchedOffsets fetched, Fetch(std::move(request)));
  for (size_t i = 0; i < page.size(); ++i) {
    v1::GroupPartition* const to = response->add_partitions();
    to->set_topic(page[i].first->name);
    to->set_partition(page[i].second.partition.value());
    if (const auto owner = owners_.find(page[i].second); owner != owners_.end())
      to->set_member_id(owner->second);
    FillLag(page[i].first, fetched.offsets[i], to);
  }
  return absl::OkStatus();
}

void GroupDescriber::FillLag(const TopicPtr& topic, const FetchedOffset& at,
                             v1::GroupPartition* to) const {
  to->set_committed_offset(-1);
  if (at.committed.has_value()) {
    to->set_committed_offset(at.committed->offset.value());
    to->set_metadata(at.committed->metadata);
    to->set_commit_time_ms(at.committed->commit_ms);
  }
  const absl::StatusOr<LogBounds> bounds = services_.logs->Bounds(at.partition);
  if (!bounds.ok()) return;  // deleted a moment ago
  to->set_log_start_offset(bounds->log_start.value());
  to->set_high_watermark(bounds->high_watermark.value());
  const Offset from = std::max(at.committed.has_value() ? at.committed->offset : bounds->log_start,
                               bounds->log_start);
  if (from >= bounds->high_watermark) return;
  to->set_lag(bounds->high_watermark - from);
  const std::optional<int64_t> first_ms =
      RecordTimeMs(services_.partitions, topic, at.partition.partition, from);
  to->set_lag_ms(first_ms.has_value() ? std::max<int64_t>(now_ms_ - *first_ms, 0) : 0);
}

}  // namespace

absl::Status DescribeGroup(const Services& services, const v1::DescribeGroupRequest& request,
                           v1::DescribeGroupResponse* response) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  return GroupDescriber(services, request.group()).Describe(request, response);
}

}  // namespace weir
