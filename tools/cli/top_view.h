// What `weir top` shows, made from two looks at a broker's metrics page. Pure function, any thread.
#ifndef WEIR_TOOLS_CLI_TOP_VIEW_H_
#define WEIR_TOOLS_CLI_TOP_VIEW_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "tools/bench/metrics_page.h"
#include "tools/cli/listing.h"

namespace weir {

struct TopLook {
  absl::Duration at;  // of the monotonic clock
  MetricsPage page;
};

// Of a terminal, in characters.
struct TopSpace {
  size_t rows = 0;
  size_t columns = 0;
};

// Totals, then topics, the busiest first, then consumer groups, the furthest behind first. With
// `space` what fits it: rows go to both tables, long names are shortened, lines cut. Without, and
// as JSON, everything is shown.
std::string RenderTop(const TopLook& before, const TopLook& now, OutputFormat output,
                      const std::optional<TopSpace>& space);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_TOP_VIEW_H_
