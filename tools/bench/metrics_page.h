// MetricsPage: a broker's /metrics as it was at one moment. Immutable.
#ifndef WEIR_TOOLS_BENCH_METRICS_PAGE_H_
#define WEIR_TOOLS_BENCH_METRICS_PAGE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

class MetricsPage {
 public:
  struct Series {
    std::map<std::string, std::string> labels;
    double value = 0;
  };

  // Asks http://`address`/metrics, waiting at most `timeout`. UNAVAILABLE when nobody answers
  // there.
  static absl::StatusOr<MetricsPage> Fetch(const std::string& address, absl::Duration timeout);
  // Prometheus' text format. Lines that make no sense are passed over.
  static MetricsPage Parse(absl::string_view text);

  // All series of one name; none when there is no such metric.
  const std::vector<Series>& SeriesOf(absl::string_view name) const;
  // The sum over all series of one name; 0 when there are none.
  double Sum(absl::string_view name) const;

 private:
  std::map<std::string, std::vector<Series>, std::less<>> metrics_;
};

}  // namespace weir

#endif  // WEIR_TOOLS_BENCH_METRICS_PAGE_H_
