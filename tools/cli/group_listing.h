// Groups of both types as a person or a program sees them. Pure functions, but for the time of day.
#ifndef WEIR_TOOLS_CLI_GROUP_LISTING_H_
#define WEIR_TOOLS_CLI_GROUP_LISTING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/cli/listing.h"
#include "weir/group_admin.h"

namespace weir {

absl::string_view NameOf(GroupType type);           // "consumer", "share"
absl::string_view NameOf(GroupStart start);         // "earliest", "latest", "none"
absl::string_view NameOf(GroupAdmin::State state);  // "empty", "stable", "rebalancing"
// What a person types for it, otherwise INVALID_ARGUMENT; a share group cannot start at none.
absl::StatusOr<GroupStart> ParseStart(absl::string_view text);
absl::StatusOr<GroupStart> ParseShareStart(absl::string_view text);

// All of a group: one JSON object in a line, or headings and tables.
std::string RenderGroup(const GroupAdmin::Description& group, OutputFormat output);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_GROUP_LISTING_H_
