// What `weir top` shows, made from two looks at a broker's metrics page. Pure function, any thread.
#ifndef WEIR_TOOLS_CLI_TOP_VIEW_H_
#define WEIR_TOOLS_CLI_TOP_VIEW_H_

#include <optional>
#include <string>

#include "tools/cli/listing.h"
#include "tools/cli/top_look.h"

namespace weir {

// Totals, then topics, the busiest first, then consumer groups and share groups, the furthest
// behind first. With `space` what fits it: rows go to all tables, long names are shortened, lines
// cut. Without, and as JSON, everything is shown.
std::string RenderTop(const TopLook& before, const TopLook& now, OutputFormat output,
                      const std::optional<TopSpace>& space);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_TOP_VIEW_H_
