#include "broker/metrics/share_collector.h"

#include "broker/metrics/metric_family.h"

namespace weir {
namespace {

using prometheus::MetricType;
using Families = std::vector<prometheus::MetricFamily>;
using Topic = ShareSample::Topic;

// A number that every topic of every group has.
struct TopicNumber {
  MetricType type;
  const char* name;
  int64_t Topic::*value;
  const char* help;
};
constexpr TopicNumber kTopicNumbers[] = {
    {MetricType::Gauge, "weir_share_available_jobs", &Topic::available,
     "Jobs of a topic that a share group could hand out at once, of what was looked at"},
    {MetricType::Gauge, "weir_share_in_flight_jobs", &Topic::in_flight,
     "Jobs that workers of a share group have"},
    {MetricType::Gauge, "weir_share_delayed_jobs", &Topic::delayed,
     "Jobs of a share group that wait to be tried again, or for their time"},
    {MetricType::Gauge, "weir_share_blocked_jobs", &Topic::blocked,
     "Jobs of a share group that wait for an earlier one of their key"},
    {MetricType::Gauge, "weir_share_dying_jobs", &Topic::dying,
     "Jobs of a share group whose dead letters are still to be written"},
    {MetricType::Gauge, "weir_share_unfinished_jobs", &Topic::unfinished,
     "Jobs of a topic that a share group has neither finished nor buried, to the log's end"},
    {MetricType::Counter, "weir_share_accepted_total", &Topic::accepted,
     "Jobs that workers of a share group accepted"},
    {MetricType::Counter, "weir_share_cancelled_total", &Topic::cancelled,
     "Jobs of a share group that were cancelled by command"},
    {MetricType::Counter, "weir_share_expired_total", &Topic::expired,
     "Jobs that went with the log before a share group had handed them out"},
    {MetricType::Counter, "weir_share_locks_expired_total", &Topic::locks_expired,
     "Jobs that workers of a share group neither finished nor renewed in time"},
    {MetricType::Counter, "weir_share_uncounted_releases_total", &Topic::uncounted_releases,
     "Jobs that workers of a share group gave back without an attempt"},
};

MetricLabels LabelsOf(const ShareSample& group) {
  return {{.name = "group", .value = group.group}};
}
MetricLabels LabelsOf(const ShareSample& group, const Topic& topic) {
  return {{.name = "group", .value = group.group}, {.name = "topic", .value = topic.name}};
}

template <typename Use>
void ForEachTopic(const SharesSample& sample, Use use) {
  for (const ShareSample& group : sample.groups) {
    for (const Topic& topic : group.topics) use(topic, LabelsOf(group, topic));
  }
}

void AddGroups(const SharesSample& sample, Families* families) {
  MetricFamily states(MetricType::Gauge, "weir_share_groups", "Share groups, by state");
  for (const auto& [state, count] : sample.by_state)
    states.Add({{.name = "state", .value = state}}, count);
  MetricFamily paused(MetricType::Gauge, "weir_share_paused",
                      "1 while a share group hands out no jobs, by command or by its breaker");
  MetricFamily breaker(MetricType::Gauge, "weir_share_paused_by_breaker",
                       "1 while that is since too many jobs died");
  for (const ShareSample& group : sample.groups) {
    paused.Add(LabelsOf(group), group.paused ? 1 : 0);
    breaker.Add(LabelsOf(group), group.paused_by_breaker ? 1 : 0);
  }
  for (MetricFamily* family : {&states, &paused, &breaker})
    families->push_back(std::move(*family).Take());
}

void AddTopics(const SharesSample& sample, Families* families) {
  for (const TopicNumber& number : kTopicNumbers) {
    MetricFamily family(number.type, number.name, number.help);
    ForEachTopic(sample, [&](const Topic& topic, MetricLabels labels) {
      family.Add(std::move(labels), topic.*number.value);
    });
    families->push_back(std::move(family).Take());
  }
  MetricFamily died(MetricType::Counter, "weir_share_died_total",
                    "Jobs of a share group that went to its dead-letter topic, by reason");
  MetricFamily oldest(MetricType::Gauge, "weir_share_oldest_unfinished_seconds",
                      "Age of the oldest job of a topic that a share group has not finished");
  ForEachTopic(sample, [&](const Topic& topic, const MetricLabels& labels) {
    for (const auto& [reason, count] : topic.died)
      died.Add({labels[0], labels[1], {.name = "reason", .value = reason}}, count);
    if (topic.oldest_seconds.has_value()) oldest.Add(labels, *topic.oldest_seconds);
  });
  families->push_back(std::move(died).Take());
  families->push_back(std::move(oldest).Take());
}

}  // namespace

std::vector<prometheus::MetricFamily> ShareCollector::Collect() const {
  const SharesSample sample = sample_();
  Families families;
  AddGroups(sample, &families);
  AddTopics(sample, &families);
  const auto omitted = [&families](const char* name, const char* help, int64_t value) {
    families.push_back(MetricFamily::Single(MetricType::Gauge, name, help, value));
  };
  omitted("weir_share_groups_omitted",
          "Share groups without series of their own: there are too many", sample.omitted_groups);
  omitted("weir_share_topics_omitted",
          "Topics of share groups without series: too many, or not looked at in time",
          sample.omitted_topics);
  omitted("weir_share_oldest_unfinished_omitted",
          "Topics of share groups without an age: there was no time to read all the records",
          sample.omitted_ages);
  omitted("weir_share_shards_unanswered",
          "Parts of the broker that did not say in time how the jobs are that they have",
          sample.unanswered_shards);
  return families;
}

}  // namespace weir
