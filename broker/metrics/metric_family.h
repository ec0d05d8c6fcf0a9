// MetricFamily: one family of series that a collector makes anew for every page, a series at a
// time. One thread.
#ifndef WEIR_BROKER_METRICS_METRIC_FAMILY_H_
#define WEIR_BROKER_METRICS_METRIC_FAMILY_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace weir {

using MetricLabels = std::vector<prometheus::ClientMetric::Label>;

class MetricFamily {
 public:
  MetricFamily(prometheus::MetricType type, std::string name, std::string help)
      : family_{.name = std::move(name), .help = std::move(help), .type = type, .metric = {}} {}

  // One that has a single series.
  template <typename Value>
  static prometheus::MetricFamily Single(prometheus::MetricType type, std::string name,
                                         std::string help, Value value) {
    MetricFamily family(type, std::move(name), std::move(help));
    family.Add({}, value);
    return std::move(family).Take();
  }

  template <typename Value>
  void Add(MetricLabels labels, Value value) {
    prometheus::ClientMetric metric;
    metric.label = std::move(labels);
    const bool counts = family_.type == prometheus::MetricType::Counter;
    (counts ? metric.counter.value : metric.gauge.value) = static_cast<double>(value);
    family_.metric.push_back(std::move(metric));
  }
  prometheus::MetricFamily Take() && { return std::move(family_); }

 private:
  prometheus::MetricFamily family_;
};

}  // namespace weir

#endif  // WEIR_BROKER_METRICS_METRIC_FAMILY_H_
