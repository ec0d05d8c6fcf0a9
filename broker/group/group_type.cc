#include "broker/group/group_type.h"

namespace weir {

absl::string_view GroupTypeName(GroupType type) {
  return type == GroupType::kConsumer ? "consumer" : "share";
}

absl::string_view GroupStartName(GroupStart start) {
  switch (start) {
    case GroupStart::kEarliest:
      return "earliest";
    case GroupStart::kLatest:
      return "latest";
    case GroupStart::kNone:
      break;
  }
  return "none";
}

}  // namespace weir
