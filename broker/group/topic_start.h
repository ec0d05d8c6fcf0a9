// TopicStart: fixes where a group begins when it first subscribes to a topic. A group that starts
// at the latest gets the log's ends as its first committed offsets, so that no crash and no pause
// before its first commit skips a record; what comes later, partitions and topics, begins at its
// first record. Pure functions.
#ifndef WEIR_BROKER_GROUP_TOPIC_START_H_
#define WEIR_BROKER_GROUP_TOPIC_START_H_

#include <cstdint>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/group/assignor.h"
#include "broker/group/draft.h"
#include "broker/group/group.h"
#include "broker/group/share_head.h"
#include "broker/group/topic_view.h"

namespace weir {

// For the topics that a member subscribes to from now on and the group did not before. `offsets`:
// the group's. The view's error when the end of a log is not known; then nothing may be decided.
absl::Status StartTopics(const GroupHead& head, const CommittedOffsets& offsets,
                         const Subscription& subscription, const TopicView& view, int64_t now_ms,
                         Draft* draft);

// For those of the topics that were not there when somebody subscribed to them.
void StartLaterTopics(const Group& group, const absl::btree_map<TopicId, int32_t>& topics,
                      Draft* draft);

// For a share group that reads `to` from now on, in place of what its head says (nothing, when it
// is new). Topics that it reads no more are forgotten, so that it begins anew when they come back.
// Answers with where it begins then. Errors as above.
absl::StatusOr<ShareStarts> MoveStarts(const Group& group, const Subscription& to,
                                       const TopicView& view, int64_t now_ms, Draft* draft);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_TOPIC_START_H_
