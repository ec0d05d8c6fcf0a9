#include "broker/group/assignor.h"

#include "broker/group/range_assignor.h"
#include "broker/group/sticky_assignor.h"

namespace weir {

absl::string_view AssignorName(Assignor assignor) {
  switch (assignor) {
    case Assignor::kSticky:
      return "sticky";
    case Assignor::kRange:
      return "range";
  }
  return "unknown";
}

std::optional<Assignor> ParseAssignor(absl::string_view name) {
  for (const Assignor assignor : {Assignor::kSticky, Assignor::kRange}) {
    if (name == AssignorName(assignor)) return assignor;
  }
  return std::nullopt;
}

Assignment Assign(Assignor assignor, const AssignorInput& input) {
  switch (assignor) {
    case Assignor::kSticky:
      return AssignSticky(input);
    case Assignor::kRange:
      return AssignRange(input);
  }
  return AssignSticky(input);
}

}  // namespace weir
