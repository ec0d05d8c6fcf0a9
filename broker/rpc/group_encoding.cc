#include "broker/rpc/group_encoding.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/rpc/error_encoding.h"
#include "broker/topics/topic_name.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

absl::StatusOr<std::optional<GroupStart>> DecodeGroupStart(v1::GroupStart start) {
  switch (start) {
    case v1::GROUP_START_UNSPECIFIED:
      return std::nullopt;
    case v1::EARLIEST:
      return GroupStart::kEarliest;
    case v1::LATEST:
      return GroupStart::kLatest;
    case v1::NONE:
      return GroupStart::kNone;
    default:
      return MakeError(Reason::kUnsupportedField,
                       absl::StrCat("this broker does not know the start ", int{start}));
  }
}

absl::StatusOr<GroupType> DecodeGroupType(v1::GroupType type) {
  if (type == v1::CONSUMER) return GroupType::kConsumer;
  if (type == v1::SHARE) return GroupType::kShare;
  if (type == v1::GROUP_TYPE_UNSPECIFIED)
    return MakeError(Reason::kInvalidRequest, "a new group needs a type: CONSUMER or SHARE");
  return MakeError(Reason::kUnsupportedField,
                   absl::StrCat("this broker does not know groups of type ", int{type}));
}

v1::GroupStart EncodeGroupStart(GroupStart start) {
  switch (start) {
    case GroupStart::kEarliest:
      return v1::EARLIEST;
    case GroupStart::kLatest:
      return v1::LATEST;
    case GroupStart::kNone:
      return v1::NONE;
  }
  return v1::GROUP_START_UNSPECIFIED;
}

v1::GroupType EncodeGroupType(GroupType type) {
  return type == GroupType::kConsumer ? v1::CONSUMER : v1::SHARE;
}

v1::GroupState EncodeGroupState(GroupState state) {
  switch (state) {
    case GroupState::kEmpty:
      return v1::EMPTY;
    case GroupState::kRebalancing:
      return v1::REBALANCING;
    case GroupState::kStable:
      return v1::STABLE;
  }
  return v1::GROUP_STATE_UNSPECIFIED;
}

v1::GroupState EncodeShareGroupState(size_t workers) {
  return EncodeGroupState(workers > 0 ? GroupState::kStable : GroupState::kEmpty);
}

void EncodeGroupConfig(const GroupHead& head,
                       google::protobuf::RepeatedPtrField<v1::ConfigEntry>* to) {
  for (const GroupConfigEntry& entry : DescribeConfig(head)) {
    v1::ConfigEntry* const added = to->Add();
    added->set_name(entry.name);
    added->set_value(entry.value);
    added->set_is_default(entry.is_default);
  }
}

Subscription DecodeSubscription(const v1::Subscription& subscription) {
  Subscription decoded{.topics = {subscription.topics().begin(), subscription.topics().end()},
                       .prefix = subscription.topic_prefix()};
  std::sort(decoded.topics.begin(), decoded.topics.end());
  decoded.topics.erase(std::unique(decoded.topics.begin(), decoded.topics.end()),
                       decoded.topics.end());
  return decoded;
}

void EncodeSubscription(const Subscription& subscription, v1::Subscription* to) {
  for (const std::string& topic : subscription.topics) to->add_topics(topic);
  to->set_topic_prefix(subscription.prefix);
}

absl::Status CheckJoins(bool joins, bool first) {
  if (joins == first) return absl::OkStatus();
  return MakeError(Reason::kInvalidRequest,
                   first ? "the first message must join" : "only the first message joins");
}

absl::StatusOr<JoinRequest> DecodeMembership(const v1::Membership& membership,
                                             absl::string_view peer) {
  JoinRequest request;
  WEIR_ASSIGN_OR_RETURN(request.start, DecodeGroupStart(membership.start()));
  if (!membership.assignor().empty()) {
    request.assignor = ParseAssignor(membership.assignor());
    if (!request.assignor.has_value()) {
      return MakeError(
          Reason::kInvalidConfig,
          absl::StrCat("there is no assignor '",
                       absl::CEscape(membership.assignor().substr(0, limits::kGroupIdLength)),
                       "'; there are sticky and range"));
    }
  }
  request.group = membership.group();
  request.member_id = membership.member_id();
  request.epoch = MemberEpoch{membership.member_epoch()};
  request.instance_id = membership.instance_id();
  request.subscription = DecodeSubscription(membership.subscription());
  request.client_id = membership.client_id();
  request.host = std::string(peer.substr(0, limits::kHostLength));
  return request;
}

absl::StatusOr<TopicPartition> DecodePartition(const TopicCatalog& catalog,
                                               const std::string& topic, int32_t partition) {
  WEIR_ASSIGN_OR_RETURN(const TopicPtr found, catalog.Require(topic));
  if (IsInternalTopic(topic)) {
    return MakeError(Reason::kUnknownTopic,
                     absl::StrCat("'", topic, "' belongs to the broker: no group reads it"));
  }
  const TopicPartition id{.topic = found->id, .partition = PartitionIndex{partition}};
  if (!found->Has(id.partition)) {
    return MakeError(Reason::kUnknownPartition,
                     absl::StrCat("topic '", topic, "' has no partition ", partition,
                                  "; it has partitions 0 to ", found->partitions - 1));
  }
  return id;
}

void EncodePartitions(const TopicCatalog& catalog, const std::vector<TopicPartition>& partitions,
                      google::protobuf::RepeatedPtrField<v1::PartitionId>* to) {
  TopicPtr topic;
  for (const TopicPartition& partition : partitions) {
    if (topic == nullptr || topic->id != partition.topic) topic = catalog.Find(partition.topic);
    if (topic == nullptr) continue;
    v1::PartitionId* const id = to->Add();
    id->set_topic(topic->name);
    id->set_partition(partition.partition.value());
  }
}

void EncodeAssignment(const TopicCatalog& catalog, const Joined& joined, const Notice& notice,
                      v1::MemberAssignment* to) {
  to->set_member_id(notice.member_id);
  to->set_member_epoch(notice.epoch.value());
  EncodePartitions(catalog, notice.assigned, to->mutable_partitions());
  EncodePartitions(catalog, notice.revoked, to->mutable_revoking());
  to->set_paused(notice.paused);
  to->set_session_timeout_ms(joined.session_timeout_ms);
  to->set_rebalance_timeout_ms(joined.rebalance_timeout_ms);
}

CommitItems::CommitItems(const TopicCatalog& catalog,
                         const google::protobuf::RepeatedPtrField<v1::GroupOffset>& offsets) {
  items_.reserve(static_cast<size_t>(offsets.size()));
  for (const v1::GroupOffset& offset : offsets) {
    const absl::StatusOr<TopicPartition> partition =
        DecodePartition(catalog, offset.topic(), offset.partition());
    items_.push_back({offset.topic(), offset.partition(), partition.status()});
    if (!partition.ok()) continue;
    offsets_.push_back(
        {.partition = *partition,
         .offset = Offset{offset.offset()},
         .leader_epoch = LeaderEpoch{offset.has_leader_epoch() ? offset.leader_epoch() : -1},
         .metadata = offset.metadata()});
  }
}

void CommitItems::Answer(
    const absl::StatusOr<std::vector<absl::Status>>& answers,
    google::protobuf::RepeatedPtrField<v1::CommitOffsetsResponse::Result>* to) const {
  size_t next = 0;
  for (const Item& item : items_) {
    v1::CommitOffsetsResponse::Result* const result = to->Add();
    result->set_topic(item.topic);
    result->set_partition(item.partition);
    absl::Status status = item.status;
    if (status.ok()) status = answers.ok() ? (*answers)[next++] : answers.status();
    if (!status.ok()) *result->mutable_error() = EncodeError(status);
  }
}

}  // namespace weir
