// The words of consumer groups that client applications use. Plain values.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_GROUP_H_
#define WEIR_CLIENT_INCLUDE_WEIR_GROUP_H_

#include <cstdint>
#include <optional>
#include <string>

#include "storage/base/types.h"

namespace weir {

// Where a group begins in partitions that exist when it first subscribes to their topic.
enum class GroupStart : uint8_t { kEarliest = 1, kLatest = 2, kNone = 3 };

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
