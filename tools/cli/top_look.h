// What `weir top` is made from: looks at a broker's metrics page, and the room that a terminal has.
// Values and pure functions, any thread.
#ifndef WEIR_TOOLS_CLI_TOP_LOOK_H_
#define WEIR_TOOLS_CLI_TOP_LOOK_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tools/bench/metrics_page.h"

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

// Every series of the metric that has the label.
template <typename Use>
void ForEachSeries(const MetricsPage& page, absl::string_view metric, const std::string& label,
                   Use use) {
  for (const MetricsPage::Series& series : page.SeriesOf(metric)) {
    const auto value = series.labels.find(label);
    if (value != series.labels.end()) use(value->second, series);
  }
}

// A counter that fell has begun anew: 0.
double PerSecond(double grown, absl::Duration time);
// What fits a name in a terminal that is so wide, '~' in place of the rest.
std::string ShortenedName(const std::string& name, const std::optional<TopSpace>& space);

}  // namespace weir

#endif  // WEIR_TOOLS_CLI_TOP_LOOK_H_
