#include "broker/group/group_checks.h"

#include <algorithm>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "broker/topics/topic_name.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/utf8.h"

namespace weir {
namespace {

absl::Status RefusedId(absl::string_view id, absl::string_view why) {
  return MakeError(Reason::kInvalidGroupId,
                   absl::StrCat("'", ReadableText(id, limits::kGroupIdLength),
                                "' cannot be a group's id: ", why));
}

absl::Status Invalid(absl::string_view why) { return MakeError(Reason::kInvalidRequest, why); }

absl::Status CheckText(absl::string_view what, absl::string_view text, size_t longest) {
  if (text.size() > longest) {
    return Invalid(absl::StrCat("the ", what, " has ", text.size(), " bytes, at most ", longest,
                                " are allowed"));
  }
  if (!IsUtf8(text)) return Invalid(absl::StrCat("the ", what, " is not valid UTF-8"));
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckGroupId(absl::string_view id) {
  const std::string fault = FaultOfName(id, limits::kGroupIdLength);
  return fault.empty() ? absl::OkStatus() : RefusedId(id, fault);
}

absl::Status CheckSubscription(const Subscription& subscription) {
  const size_t topics = subscription.topics.size();
  if (subscription.prefix.empty() == subscription.topics.empty())
    return Invalid("a subscription has either names of topics or a prefix that is not empty");
  if (topics > limits::kSubscribedTopics) {
    return Invalid(absl::StrCat("the subscription names ", topics, " topics, at most ",
                                limits::kSubscribedTopics, " are allowed"));
  }
  if (!subscription.prefix.empty()) return CheckTopicName(subscription.prefix);
  size_t bytes = 0;
  for (const std::string& topic : subscription.topics) bytes += topic.size();
  if (bytes > limits::kSubscriptionBytes) {
    return Invalid(absl::StrCat("the subscription's names have ", bytes, " bytes, at most ",
                                limits::kSubscriptionBytes, " are allowed"));
  }
  for (size_t i = 0; i < topics; ++i) {
    WEIR_RETURN_IF_ERROR(CheckTopicName(subscription.topics[i]));
    if (i > 0 && subscription.topics[i] <= subscription.topics[i - 1])
      return Invalid("the subscription's topics are not ascending, each once");
  }
  return absl::OkStatus();
}

absl::Status CheckJoin(const JoinRequest& request) {
  WEIR_RETURN_IF_ERROR(CheckGroupId(request.group));
  if (request.member_id.empty()) return Invalid("the member id is empty");
  WEIR_RETURN_IF_ERROR(CheckText("member id", request.member_id, limits::kMemberIdLength));
  WEIR_RETURN_IF_ERROR(CheckText("instance id", request.instance_id, limits::kInstanceIdLength));
  WEIR_RETURN_IF_ERROR(CheckText("client id", request.client_id, limits::kClientIdLength));
  WEIR_RETURN_IF_ERROR(CheckText("host", request.host, limits::kHostLength));
  if (request.epoch < MemberEpoch{0})
    return Invalid(absl::StrCat("the member epoch is ", request.epoch.value(), ", at least 0"));
  return CheckSubscription(request.subscription);
}

absl::Status CheckPartitionCount(size_t partitions) {
  if (partitions <= limits::kOffsetsPerRequest) return absl::OkStatus();
  return Invalid(absl::StrCat("the request names ", partitions, " partitions, at most ",
                              limits::kOffsetsPerRequest, " are allowed"));
}

absl::Status CheckCommit(const CommitRequest& request) {
  WEIR_RETURN_IF_ERROR(CheckPartitionCount(request.offsets.size()));
  int64_t bytes = 0;
  for (const OffsetCommit& offset : request.offsets)
    bytes += static_cast<int64_t>(offset.metadata.size());
  if (bytes <= limits::kOffsetMetadataBytesPerRequest) return absl::OkStatus();
  return MakeError(Reason::kMessageTooLarge,
                   absl::StrCat("the metadata of the commit have ", bytes, " bytes, at most ",
                                limits::kOffsetMetadataBytesPerRequest, " are allowed"));
}

absl::StatusOr<const Group*> FindGroup(const GroupTable& groups, absl::string_view id) {
  WEIR_RETURN_IF_ERROR(CheckGroupId(id));
  if (const Group* const group = groups.Find(id)) return group;
  return MakeError(Reason::kUnknownGroup, absl::StrCat("there is no group '", id, "'"));
}

absl::Status CheckType(const GroupHead& head, GroupType type) {
  if (head.type == type) return absl::OkStatus();
  return MakeError(Reason::kGroupTypeMismatch,
                   absl::StrCat("group '", head.id, "' is a ", GroupTypeName(head.type),
                                " group, the call is for ", GroupTypeName(type), " groups"));
}

namespace {

absl::StatusOr<const Group*> FindGroupOfType(const GroupTable& groups, absl::string_view id,
                                             GroupType type) {
  WEIR_ASSIGN_OR_RETURN(const Group* const group, FindGroup(groups, id));
  WEIR_RETURN_IF_ERROR(CheckType(group->head(), type));
  return group;
}

}  // namespace

absl::StatusOr<const Group*> FindConsumerGroup(const GroupTable& groups, absl::string_view id) {
  return FindGroupOfType(groups, id, GroupType::kConsumer);
}

absl::StatusOr<const Group*> FindShareGroup(const GroupTable& groups, absl::string_view id) {
  return FindGroupOfType(groups, id, GroupType::kShare);
}

absl::StatusOr<std::string> DeadLetterTopicName(absl::string_view group, const GroupConfig& config,
                                                const Subscription& subscription) {
  if (!config.dead_letter_topic.empty()) return config.dead_letter_topic;
  if (subscription.topics.size() != 1) {
    return MakeError(Reason::kInvalidConfig,
                     "dlq.topic cannot be left to its default, dlq.<topic>.<group>, unless the "
                     "group reads exactly one topic, by its name");
  }
  std::string name = absl::StrCat("dlq.", subscription.topics.front(), ".", group);
  if (CheckTopicName(name).ok()) return name;
  return MakeError(Reason::kInvalidConfig,
                   absl::StrCat("dlq.topic cannot be left to its default, '", absl::CEscape(name),
                                "', which has ", name.size(), " characters; allowed are at most ",
                                limits::kTopicNameLength));
}

absl::StatusOr<std::string> RedriveTopicName(absl::string_view group, absl::string_view source) {
  std::string name = absl::StrCat("redrive.", source, ".", group);
  WEIR_RETURN_IF_ERROR(CheckTopicName(name));
  return name;
}

absl::StatusOr<GroupHead> NewGroup(const GroupTable& groups, absl::string_view id, GroupStart start,
                                   int64_t now_ms) {
  WEIR_RETURN_IF_ERROR(CheckGroupId(id));
  if (groups.groups().size() >= limits::kGroupsPerShard) {
    return MakeError(Reason::kGroupLimit, absl::StrCat("there are ", groups.groups().size(),
                                                       " groups in the internal partition of '", id,
                                                       "', as many as there may be"));
  }
  return GroupHead{
      .id = std::string(id), .start = start, .created_ms = now_ms, .empty_since_ms = now_ms};
}

}  // namespace weir
