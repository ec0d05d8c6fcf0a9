#include "storage/meta/group_keys.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"

namespace weir {
namespace {

constexpr size_t kShardBytes = 4;
constexpr size_t kTopicBytes = 16;
constexpr size_t kPartitionBytes = 4;
constexpr char kEndOfId = '\0';
constexpr absl::string_view kMember = "m";
constexpr absl::string_view kTopic = "t";

std::string Big(int32_t number) {
  char bytes[sizeof(number)];
  StoreBig(bytes, number);
  return std::string(bytes, sizeof(bytes));
}

std::string Bytes(TopicId topic) { return std::string(topic.bytes.begin(), topic.bytes.end()); }

}  // namespace

GroupKeyRange GroupKeysOf(PartitionIndex shard) {
  return {.start = Big(shard.value()), .end = Big(shard.value() + 1)};
}

std::string GroupKey(PartitionIndex shard, absl::string_view group) {
  return absl::StrCat(Big(shard.value()), group, absl::string_view(&kEndOfId, 1));
}

std::string GroupMemberKey(PartitionIndex shard, absl::string_view group,
                           absl::string_view member) {
  return absl::StrCat(GroupKey(shard, group), kMember, member);
}

std::string GroupTopicKey(PartitionIndex shard, absl::string_view group, TopicId topic) {
  return absl::StrCat(GroupKey(shard, group), kTopic, Bytes(topic));
}

std::string GroupOffsetKey(PartitionIndex shard, absl::string_view group,
                           const TopicPartition& partition) {
  return absl::StrCat(GroupKey(shard, group), Bytes(partition.topic),
                      Big(partition.partition.value()));
}

std::optional<GroupKeyKind> KindOfGroupKey(absl::string_view key) {
  if (key.size() <= kShardBytes) return std::nullopt;
  const size_t end = key.find(kEndOfId, kShardBytes);
  if (end == absl::string_view::npos || end == kShardBytes) return std::nullopt;
  const absl::string_view rest = key.substr(end + 1);
  if (rest.empty()) return GroupKeyKind::kGroup;
  if (rest[0] == kMember[0]) return GroupKeyKind::kMember;
  if (rest[0] == kTopic[0]) return GroupKeyKind::kTopic;
  return std::nullopt;
}

std::optional<GroupOffsetKeyParts> ParseGroupOffsetKey(absl::string_view key) {
  constexpr size_t kFixed = kShardBytes + 1 + kTopicBytes + kPartitionBytes;
  if (key.size() <= kFixed) return std::nullopt;
  const size_t end = key.size() - kTopicBytes - kPartitionBytes - 1;
  if (key[end] != kEndOfId) return std::nullopt;
  GroupOffsetKeyParts parts{.group = key.substr(kShardBytes, end - kShardBytes)};
  const char* const topic = key.data() + end + 1;
  std::copy_n(topic, kTopicBytes, parts.partition.topic.bytes.begin());
  parts.partition.partition = PartitionIndex{LoadBig<int32_t>(topic + kTopicBytes)};
  if (parts.partition.partition.value() < 0) return std::nullopt;
  return parts;
}

}  // namespace weir
