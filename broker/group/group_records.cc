#include "broker/group/group_records.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/runtime/stored_message.h"
#include "storage/base/check.h"
#include "weir/internal/group.pb.h"

namespace weir {
namespace {

// The numbers of our enums are those of the messages.
static_assert(static_cast<int>(GroupType::kShare) == internal::SHARE);
static_assert(static_cast<int>(GroupStart::kNone) == internal::NONE);
static_assert(static_cast<int>(Assignor::kRange) == internal::RANGE);
static_assert(static_cast<int>(GroupOrder::kKey) == internal::ORDER_KEY);

template <typename Message>
InternalRecord Record(GroupRecordKind kind, const Message& message) {
  return RecordOfMessage(static_cast<uint16_t>(kind), kGroupRecordVersion, message);
}

// Parses a message that names a group.
template <typename Message>
absl::StatusOr<Message> ParseOfGroup(absl::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(Message message, ParseStored<Message>(bytes));
  if (message.group().empty())
    return Malformed(std::string(Message::descriptor()->name()), "no group");
  return message;
}

std::string Bytes(TopicId id) { return std::string(id.bytes.begin(), id.bytes.end()); }

absl::StatusOr<TopicId> DecodeTopic(absl::string_view bytes) {
  TopicId id;
  if (bytes.size() != id.bytes.size())
    return Malformed("topic id", absl::StrCat("it has ", bytes.size(), " bytes"));
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

void Fill(const CommittedOffset& committed, internal::CommittedOffset* message) {
  message->set_offset(committed.offset.value());
  message->set_leader_epoch(committed.leader_epoch.value());
  message->set_metadata(committed.metadata);
  message->set_commit_ms(committed.commit_ms);
}

absl::StatusOr<CommittedOffset> Committed(const internal::CommittedOffset& message) {
  if (message.offset() < 0)
    return Malformed("committed offset", absl::StrCat("it is ", message.offset()));
  return CommittedOffset{.offset = Offset{message.offset()},
                         .leader_epoch = LeaderEpoch{message.leader_epoch()},
                         .metadata = message.metadata(),
                         .commit_ms = message.commit_ms()};
}

void FillHeld(const Member& member, internal::MemberRecord* message) {
  internal::HeldTopic* topic = nullptr;
  const TopicId* last = nullptr;
  for (const auto& [partition, hold] : member.held) {
    if (last == nullptr || *last != partition.topic) {
      topic = message->add_held();
      topic->set_topic_id(Bytes(partition.topic));
      last = &partition.topic;
    }
    topic->add_partitions(partition.partition.value());
    topic->add_assigned_epochs(hold.assigned.value());
    topic->add_revoked_epochs(hold.revoked.value());
  }
}

absl::Status AddHeld(const internal::HeldTopic& message, Member* member) {
  WEIR_ASSIGN_OR_RETURN(const TopicId topic, DecodeTopic(message.topic_id()));
  if (message.assigned_epochs_size() != message.partitions_size() ||
      message.revoked_epochs_size() != message.partitions_size())
    return Malformed("member", "partitions and their epochs are not equally many");
  for (int i = 0; i < message.partitions_size(); ++i) {
    member->held[{topic, PartitionIndex{message.partitions(i)}}] = {
        .assigned = MemberEpoch{message.assigned_epochs(i)},
        .revoked = MemberEpoch{message.revoked_epochs(i)}};
  }
  return absl::OkStatus();
}

void Fill(const OwnedTopic& topic, internal::OwnedTopic* message) {
  message->set_topic_id(Bytes(topic.id));
  message->set_name(topic.name);
}

absl::StatusOr<OwnedTopic> DecodeOwnedTopic(const internal::OwnedTopic& message) {
  OwnedTopic topic{.name = message.name()};
  WEIR_ASSIGN_OR_RETURN(topic.id, DecodeTopic(message.topic_id()));
  return topic;
}

void FillConsumer(const GroupConfig& config, internal::GroupRecord* message) {
  message->set_assignor(static_cast<internal::GroupAssignor>(config.assignor));
  message->set_session_timeout_ms(config.session_timeout_ms);
  message->set_rebalance_timeout_ms(config.rebalance_timeout_ms);
  message->set_offsets_retention_ms(config.offsets_retention_ms);
}

absl::Status DecodeConsumer(const internal::GroupRecord& message, GroupHead* head) {
  if (message.assignor() != internal::STICKY && message.assignor() != internal::RANGE)
    return Malformed("group", "its assignor is not known");
  head->config.session_timeout_ms = message.session_timeout_ms();
  head->config.rebalance_timeout_ms = message.rebalance_timeout_ms();
  head->config.offsets_retention_ms = message.offsets_retention_ms();
  head->config.assignor = static_cast<Assignor>(message.assignor());
  return absl::OkStatus();
}

void FillShare(const GroupHead& head, internal::ShareGroup* message) {
  for (const std::string& topic : head.share.subscription.topics) message->add_topics(topic);
  message->set_prefix(head.share.subscription.prefix);
  Fill(head.share.dead_letter, message->mutable_dead_letter_topic());
  for (const auto& [source, topic] : head.share.redrive) {
    internal::RedriveTopic* const redrive = message->add_redrive_topics();
    redrive->set_source(source);
    Fill(topic, redrive->mutable_topic());
  }
  message->set_paused_by_breaker(head.paused_by_breaker);
  const GroupConfig& config = head.config;
  message->set_order(static_cast<internal::GroupOrder>(config.order));
  message->set_dead_letter_topic_set(config.dead_letter_topic);
  message->set_ack_timeout_ms(config.ack_timeout_ms);
  message->set_max_delivery_attempts(config.max_delivery_attempts);
  message->set_retry_backoff_initial_ms(config.retry_backoff_initial_ms);
  message->set_retry_backoff_max_ms(config.retry_backoff_max_ms);
  message->set_max_in_flight(config.max_in_flight);
  message->set_max_parked(config.max_parked);
  message->set_breaker_count(config.breaker_count);
  message->set_breaker_window_ms(config.breaker_window_ms);
}

absl::Status DecodeShare(const internal::ShareGroup& message, GroupHead* head) {
  if (message.order() != internal::ORDER_NONE && message.order() != internal::ORDER_KEY)
    return Malformed("group", "its order is not known");
  ShareTopics& share = head->share;
  share.subscription = {{message.topics().begin(), message.topics().end()}, message.prefix()};
  WEIR_ASSIGN_OR_RETURN(share.dead_letter, DecodeOwnedTopic(message.dead_letter_topic()));
  for (const internal::RedriveTopic& redrive : message.redrive_topics()) {
    WEIR_ASSIGN_OR_RETURN(share.redrive[redrive.source()], DecodeOwnedTopic(redrive.topic()));
  }
  head->paused_by_breaker = message.paused_by_breaker();
  GroupConfig& config = head->config;
  config.order = static_cast<GroupOrder>(message.order());
  config.dead_letter_topic = message.dead_letter_topic_set();
  config.ack_timeout_ms = message.ack_timeout_ms();
  config.max_delivery_attempts = message.max_delivery_attempts();
  config.retry_backoff_initial_ms = message.retry_backoff_initial_ms();
  config.retry_backoff_max_ms = message.retry_backoff_max_ms();
  config.max_in_flight = message.max_in_flight();
  config.max_parked = message.max_parked();
  config.breaker_count = message.breaker_count();
  config.breaker_window_ms = message.breaker_window_ms();
  return absl::OkStatus();
}

}  // namespace

InternalRecord GroupRecordOf(const GroupHead& head) {
  internal::GroupRecord message;
  message.set_group(head.id);
  message.set_type(static_cast<internal::GroupType>(head.type));
  message.set_start(static_cast<internal::GroupStart>(head.start));
  if (head.type == GroupType::kConsumer) {
    FillConsumer(head.config, &message);
  } else {
    FillShare(head, message.mutable_share());
  }
  message.set_paused(head.paused);
  message.set_epoch(head.epoch.value());
  message.set_created_ms(head.created_ms);
  message.set_empty_since_ms(head.empty_since_ms);
  return Record(GroupRecordKind::kGroup, message);
}

InternalRecord GroupRemovedRecord(absl::string_view group) {
  internal::GroupRemovedRecord message;
  message.set_group(std::string(group));
  return Record(GroupRecordKind::kGroupRemoved, message);
}

InternalRecord MemberRecordOf(absl::string_view group, const Member& member) {
  internal::MemberRecord message;
  message.set_group(std::string(group));
  message.set_member(member.id);
  message.set_instance_id(member.instance_id);
  for (const std::string& topic : member.subscription.topics) message.add_topics(topic);
  message.set_prefix(member.subscription.prefix);
  message.set_client_id(member.client_id);
  message.set_host(member.host);
  message.set_since_ms(member.since_ms);
  message.set_epoch(member.epoch.value());
  FillHeld(member, &message);
  return Record(GroupRecordKind::kMember, message);
}

InternalRecord MemberRemovedRecord(absl::string_view group, absl::string_view member) {
  internal::MemberRemovedRecord message;
  message.set_group(std::string(group));
  message.set_member(std::string(member));
  return Record(GroupRecordKind::kMemberRemoved, message);
}

InternalRecord OffsetsRecordOf(GroupRecordKind kind, const OffsetsUpdated& offsets) {
  internal::OffsetsRecord message;
  message.set_group(offsets.group);
  message.set_topic_id(Bytes(offsets.topic));
  for (const PartitionOffset& offset : offsets.partitions) {
    internal::PartitionOffset* const partition = message.add_partitions();
    partition->set_partition(offset.partition.value());
    Fill(offset.committed, partition->mutable_committed());
  }
  return Record(kind, message);
}

InternalRecord TopicStartedRecord(const TopicStarted& started) {
  internal::TopicStartedRecord message;
  message.set_group(started.group);
  message.set_topic_id(Bytes(started.topic));
  message.set_partitions(started.partitions);
  return Record(GroupRecordKind::kTopicStarted, message);
}

InternalRecord TopicForgottenRecord(absl::string_view group, TopicId topic) {
  internal::TopicForgottenRecord message;
  message.set_group(std::string(group));
  message.set_topic_id(Bytes(topic));
  return Record(GroupRecordKind::kTopicForgotten, message);
}

absl::StatusOr<GroupHead> DecodeGroup(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::GroupRecord message,
                        ParseOfGroup<internal::GroupRecord>(payload));
  const bool known = (message.type() == internal::CONSUMER || message.type() == internal::SHARE) &&
                     message.start() >= internal::EARLIEST && message.start() <= internal::NONE;
  if (!known) return Malformed("group", "its type or start is not known");
  GroupHead head{.id = message.group(),
                 .type = static_cast<GroupType>(message.type()),
                 .start = static_cast<GroupStart>(message.start()),
                 .paused = message.paused(),
                 .epoch = MemberEpoch{message.epoch()},
                 .created_ms = message.created_ms(),
                 .empty_since_ms = message.empty_since_ms()};
  WEIR_RETURN_IF_ERROR(head.type == GroupType::kConsumer ? DecodeConsumer(message, &head)
                                                         : DecodeShare(message.share(), &head));
  return head;
}

absl::StatusOr<GroupRemoved> DecodeGroupRemoved(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::GroupRemovedRecord message,
                        ParseOfGroup<internal::GroupRemovedRecord>(payload));
  return GroupRemoved{message.group()};
}

absl::StatusOr<MemberUpdated> DecodeMember(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::MemberRecord message,
                        ParseOfGroup<internal::MemberRecord>(payload));
  if (message.member().empty()) return Malformed("member", "no id");
  MemberUpdated updated{message.group(), {}};
  Member& member = updated.member;
  member.id = message.member();
  member.instance_id = message.instance_id();
  member.subscription = {{message.topics().begin(), message.topics().end()}, message.prefix()};
  member.client_id = message.client_id();
  member.host = message.host();
  member.since_ms = message.since_ms();
  member.epoch = MemberEpoch{message.epoch()};
  for (const internal::HeldTopic& topic : message.held())
    WEIR_RETURN_IF_ERROR(AddHeld(topic, &member));
  return updated;
}

absl::StatusOr<MemberRemoved> DecodeMemberRemoved(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::MemberRemovedRecord message,
                        ParseOfGroup<internal::MemberRemovedRecord>(payload));
  return MemberRemoved{message.group(), message.member()};
}

absl::StatusOr<OffsetsUpdated> DecodeOffsets(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::OffsetsRecord message,
                        ParseOfGroup<internal::OffsetsRecord>(payload));
  OffsetsUpdated offsets{.group = message.group()};
  WEIR_ASSIGN_OR_RETURN(offsets.topic, DecodeTopic(message.topic_id()));
  offsets.partitions.reserve(message.partitions_size());
  for (const internal::PartitionOffset& partition : message.partitions()) {
    if (partition.partition() < 0)
      return Malformed("committed offset", absl::StrCat("of partition ", partition.partition()));
    WEIR_ASSIGN_OR_RETURN(CommittedOffset committed, Committed(partition.committed()));
    offsets.partitions.push_back({PartitionIndex{partition.partition()}, std::move(committed)});
  }
  return offsets;
}

absl::StatusOr<TopicStarted> DecodeTopicStarted(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::TopicStartedRecord message,
                        ParseOfGroup<internal::TopicStartedRecord>(payload));
  TopicStarted started{.group = message.group(), .partitions = message.partitions()};
  WEIR_ASSIGN_OR_RETURN(started.topic, DecodeTopic(message.topic_id()));
  return started;
}

absl::StatusOr<TopicForgotten> DecodeTopicForgotten(absl::string_view payload) {
  WEIR_ASSIGN_OR_RETURN(const internal::TopicForgottenRecord message,
                        ParseOfGroup<internal::TopicForgottenRecord>(payload));
  TopicForgotten forgotten{.group = message.group()};
  WEIR_ASSIGN_OR_RETURN(forgotten.topic, DecodeTopic(message.topic_id()));
  return forgotten;
}

std::string EncodeCommittedOffset(const CommittedOffset& committed) {
  internal::CommittedOffset message;
  Fill(committed, &message);
  return message.SerializeAsString();
}

absl::StatusOr<CommittedOffset> DecodeCommittedOffset(absl::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(const internal::CommittedOffset message,
                        ParseStored<internal::CommittedOffset>(bytes));
  return Committed(message);
}

}  // namespace weir
