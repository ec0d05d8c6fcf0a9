// What `weir top` shows of groups: a table of consumer groups and one of share groups, the furthest
// behind first. Pure functions, any thread.
#ifndef WEIR_TOOLS_CLI_TOP_GROUPS_H_
#define WEIR_TOOLS_CLI_TOP_GROUPS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "tools/cli/listing.h"
#include "tools/cli/top_look.h"

namespace weir {

struct TopGroupCounts {
  size_t consumer = 0;
  int64_t consumer_omitted = 0;  // that the broker does not show
  size_t share = 0;
  int64_t share_omitted = 0;
};
TopGroupCounts CountGroups(const TopLook& look);

// At most `rows` groups; long names are shortened where there is no space for them.
Listing ConsumerGroupTable(const TopLook& before, const TopLook& now, OutputFormat output,
                           size_t rows, const std::optional<TopSpace>& space);
Listing ShareGroupTable(const TopLook& before, const TopLook& now, OutputFormat output, size_t rows,
                        const std::optional<TopSpace>& space);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_TOP_GROUPS_H_
