// The kinds of groups, and where a group begins. Plain values.
#ifndef WEIR_BROKER_GROUP_GROUP_TYPE_H_
#define WEIR_BROKER_GROUP_GROUP_TYPE_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace weir {

// Fixed when a group is made. The numbers are on disk.
enum class GroupType : uint8_t {
  kConsumer = 1,  // members share partitions
  kShare = 2,     // a work queue: workers share single records
};

// Where a group begins in a partition for which it has committed nothing. The numbers are on disk.
enum class GroupStart : uint8_t { kEarliest = 1, kLatest = 2, kNone = 3 };

absl::string_view GroupTypeName(GroupType type);     // "consumer", "share"
absl::string_view GroupStartName(GroupStart start);  // "earliest", "latest", "none"

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_TYPE_H_
