// What a request to the machine of consumer groups must be like before anything is decided: ids,
// names, lists, and the group that it is for. Pure functions.
#ifndef WEIR_BROKER_GROUP_GROUP_CHECKS_H_
#define WEIR_BROKER_GROUP_GROUP_CHECKS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/group/group.h"
#include "broker/group/group_requests.h"
#include "broker/group/group_table.h"

namespace weir {

// INVALID_GROUP_ID unless it is 1 to 249 characters of A-Z a-z 0-9 . _ - and neither "." nor "..".
absl::Status CheckGroupId(absl::string_view id);

// INVALID_REQUEST, INVALID_TOPIC_NAME: ids or texts that are empty, too long or no UTF-8; a
// subscription that is empty, has both names and a prefix, or too many names, twice the same one,
// or one that cannot be a topic's. INVALID_GROUP_ID.
absl::Status CheckJoin(const JoinRequest& request);
absl::Status CheckSubscription(const Subscription& subscription);

// INVALID_REQUEST when a request names more than limits::kOffsetsPerRequest partitions.
absl::Status CheckPartitionCount(size_t partitions);
// The same for a commit, and MESSAGE_TOO_LARGE when its metadata are too large together.
absl::Status CheckCommit(const CommitRequest& request);

// GROUP_TYPE_MISMATCH unless the group is of the type.
absl::Status CheckType(const GroupHead& head, GroupType type);
// INVALID_GROUP_ID, UNKNOWN_GROUP.
absl::StatusOr<const Group*> FindGroup(const GroupTable& groups, absl::string_view id);
// The same, and GROUP_TYPE_MISMATCH for a group of another type.
absl::StatusOr<const Group*> FindConsumerGroup(const GroupTable& groups, absl::string_view id);
absl::StatusOr<const Group*> FindShareGroup(const GroupTable& groups, absl::string_view id);

// The name of a share group's dead-letter topic: what is set, otherwise `dlq.<topic>.<group>`.
// INVALID_CONFIG when that is too long, or when not exactly one topic is read.
absl::StatusOr<std::string> DeadLetterTopicName(absl::string_view group, const GroupConfig& config,
                                                const Subscription& subscription);
// `redrive.<source>.<group>`. INVALID_TOPIC_NAME when that is too long.
absl::StatusOr<std::string> RedriveTopicName(absl::string_view group, absl::string_view source);

// The head of a group that is to be created, without members. INVALID_GROUP_ID, GROUP_LIMIT.
absl::StatusOr<GroupHead> NewGroup(const GroupTable& groups, absl::string_view id, GroupStart start,
                                   int64_t now_ms);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_CHECKS_H_
