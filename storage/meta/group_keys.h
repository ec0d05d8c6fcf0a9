// GroupKeys: where the state store keeps what the machines of consumer groups hold. Every key
// begins with the number of the machine's internal partition, so that each finds its own in one
// scan; a group comes before what belongs to it. Pure functions, any thread.
//
//   kGroups    P <group> 00               GroupRecord
//              P <group> 00 m <member>    MemberRecord
//              P <group> 00 t <topic>     TopicStartedRecord
//   kOffsets   P <group> 00 <topic> <n>   CommittedOffset
//
// P and the partition number n: four bytes, big-endian; a topic: its id's 16 bytes. Group ids have
// no zero byte.
#ifndef WEIR_STORAGE_META_GROUP_KEYS_H_
#define WEIR_STORAGE_META_GROUP_KEYS_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/base/types.h"

namespace weir {

// Everything of the internal partition `shard`, in both families: start <= key < end.
struct GroupKeyRange {
  std::string start;
  std::string end;
};
GroupKeyRange GroupKeysOf(PartitionIndex shard);

std::string GroupKey(PartitionIndex shard, absl::string_view group);
std::string GroupMemberKey(PartitionIndex shard, absl::string_view group, absl::string_view member);
std::string GroupTopicKey(PartitionIndex shard, absl::string_view group, TopicId topic);
std::string GroupOffsetKey(PartitionIndex shard, absl::string_view group,
                           const TopicPartition& partition);

// What a key of kGroups names; nothing when it is none of the above.
enum class GroupKeyKind { kGroup, kMember, kTopic };
std::optional<GroupKeyKind> KindOfGroupKey(absl::string_view key);

// A key of kOffsets; the view is into it. Nothing when it is none.
struct GroupOffsetKeyParts {
  absl::string_view group;
  TopicPartition partition;
};
std::optional<GroupOffsetKeyParts> ParseGroupOffsetKey(absl::string_view key);

}  // namespace weir

#endif  // WEIR_STORAGE_META_GROUP_KEYS_H_
