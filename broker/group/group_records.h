// The records of the machine of groups: their kinds, and how each becomes bytes and
// comes back. The bytes of groups and members are also what the state store holds. Pure functions,
// any thread. storage/FORMAT.md has the table.
#ifndef WEIR_BROKER_GROUP_GROUP_RECORDS_H_
#define WEIR_BROKER_GROUP_GROUP_RECORDS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/group/committed_offsets.h"
#include "broker/group/group.h"
#include "broker/group/member.h"
#include "broker/runtime/internal_record.h"
#include "storage/base/types.h"

namespace weir {

// On disk: never reused. All are of version 1.
enum class GroupRecordKind : uint16_t {
  kGroup = 1,           // what a group is now
  kGroupRemoved = 2,    // and its offsets with it
  kMember = 3,          // what a member is and has now
  kMemberRemoved = 4,   // what it had is free
  kOffsets = 5,         // committed by a consumer, or fixed at the first subscription
  kOffsetsReset = 6,    // the same by command; only these may move back
  kTopicStarted = 7,    // the group's first subscription to a topic
  kTopicForgotten = 8,  // the topic is deleted
};
inline constexpr uint16_t kGroupRecordVersion = 1;

struct PartitionOffset {
  PartitionIndex partition;
  CommittedOffset committed;
};

// What the records say.
struct GroupRemoved {
  std::string group;
};
struct MemberUpdated {
  std::string group;
  Member member;
};
struct MemberRemoved {
  std::string group;
  std::string member;
};
struct OffsetsUpdated {
  std::string group;
  TopicId topic;
  std::vector<PartitionOffset> partitions;
};
struct TopicStarted {
  std::string group;
  TopicId topic;
  int32_t partitions = 0;
};
struct TopicForgotten {
  std::string group;
  TopicId topic;
};

InternalRecord GroupRecordOf(const GroupHead& head);
InternalRecord GroupRemovedRecord(absl::string_view group);
InternalRecord MemberRecordOf(absl::string_view group, const Member& member);
InternalRecord MemberRemovedRecord(absl::string_view group, absl::string_view member);
// `kind`: kOffsets or kOffsetsReset.
InternalRecord OffsetsRecordOf(GroupRecordKind kind, const OffsetsUpdated& offsets);
InternalRecord TopicStartedRecord(const TopicStarted& started);
InternalRecord TopicForgottenRecord(absl::string_view group, TopicId topic);

// The payloads back. DATA_LOSS when one is not what the functions above make.
absl::StatusOr<GroupHead> DecodeGroup(absl::string_view payload);
absl::StatusOr<GroupRemoved> DecodeGroupRemoved(absl::string_view payload);
absl::StatusOr<MemberUpdated> DecodeMember(absl::string_view payload);
absl::StatusOr<MemberRemoved> DecodeMemberRemoved(absl::string_view payload);
absl::StatusOr<OffsetsUpdated> DecodeOffsets(absl::string_view payload);
absl::StatusOr<TopicStarted> DecodeTopicStarted(absl::string_view payload);
absl::StatusOr<TopicForgotten> DecodeTopicForgotten(absl::string_view payload);

// A committed offset as the state store holds it.
std::string EncodeCommittedOffset(const CommittedOffset& committed);
absl::StatusOr<CommittedOffset> DecodeCommittedOffset(absl::string_view bytes);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_RECORDS_H_
