// The words of groups that client applications use. Plain values.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_GROUP_H_
#define WEIR_CLIENT_INCLUDE_WEIR_GROUP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/types.h"

namespace weir {

enum class GroupType : uint8_t {
  kConsumer = 1,  // members share partitions
  kShare = 2,     // a work queue: workers share single records
};

// Where a group begins in partitions that exist when it first subscribes to their topic.
enum class GroupStart : uint8_t { kEarliest = 1, kLatest = 2, kNone = 3 };

// What is read: topics by name, or all whose names begin so, also those that come later.
struct TopicSelection {
  std::vector<std::string> topics;
  std::string prefix;
};

struct NamedPartition {
  std::string topic;
  PartitionIndex partition;

  auto operator<=>(const NamedPartition&) const = default;
};

// How far a group has read one partition.
struct GroupOffset {
  NamedPartition partition;
  Offset offset;                            // the next one to read
  std::optional<LeaderEpoch> leader_epoch;  // of the last record read
  std::string metadata;                     // at most 4 KiB
};

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_GROUP_H_
