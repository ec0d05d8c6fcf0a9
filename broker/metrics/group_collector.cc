#include "broker/metrics/group_collector.h"

#include "broker/metrics/metric_family.h"

namespace weir {
namespace {

using prometheus::MetricType;
using Families = std::vector<prometheus::MetricFamily>;

void AddTotals(const GroupsSample::Totals& totals, Families* families) {
  MetricFamily states(MetricType::Gauge, "weir_groups", "Consumer groups, by state");
  for (const auto& [state, count] : totals.by_state)
    states.Add({{.name = "state", .value = state}}, count);
  families->push_back(std::move(states).Take());
  families->push_back(MetricFamily::Single(MetricType::Gauge, "weir_members",
                                           "Members of all consumer groups", totals.members));
  const auto counter = [families](const char* name, const char* help, int64_t value) {
    families->push_back(MetricFamily::Single(MetricType::Counter, name, help, value));
  };
  counter("weir_rebalances_total", "Assignments that moved partitions, of all groups",
          totals.activity.rebalances);
  counter("weir_fenced_members_total", "Members that were away or did not give up in time",
          totals.activity.fenced_members);
  counter("weir_offset_commits_total", "Commits that were taken, of all groups",
          totals.activity.commits);
  counter("weir_committed_offsets_total", "Offsets in the commits that were taken, of all groups",
          totals.activity.committed_offsets);
}

void AddGroups(const std::vector<GroupSample>& groups, Families* families) {
  MetricFamily members(MetricType::Gauge, "weir_group_members", "Members of a consumer group");
  MetricFamily state(MetricType::Gauge, "weir_group_state", "1 for the state that a group is in");
  MetricFamily rebalances(MetricType::Counter, "weir_group_rebalances_total",
                          "Assignments of a group that moved partitions");
  MetricFamily fenced(MetricType::Counter, "weir_group_fenced_members_total",
                      "Members of a group that were away or did not give up in time");
  MetricFamily commits(MetricType::Counter, "weir_group_offset_commits_total",
                       "Commits of a group that were taken");
  MetricFamily offsets(MetricType::Counter, "weir_group_committed_offsets_total",
                       "Offsets in the commits of a group that were taken");
  for (const GroupSample& group : groups) {
    const MetricLabels labels = {{.name = "group", .value = group.group}};
    members.Add(labels, group.members);
    state.Add({labels[0], {.name = "state", .value = group.state}}, 1);
    rebalances.Add(labels, group.activity.rebalances);
    fenced.Add(labels, group.activity.fenced_members);
    commits.Add(labels, group.activity.commits);
    offsets.Add(labels, group.activity.committed_offsets);
  }
  for (MetricFamily* family : {&members, &state, &rebalances, &fenced, &commits, &offsets})
    families->push_back(std::move(*family).Take());
}

void AddLags(const std::vector<GroupSample>& groups, Families* families) {
  MetricFamily lag(MetricType::Gauge, "weir_group_lag_records",
                   "Records of a topic that a group has not committed, over all partitions");
  MetricFamily largest(MetricType::Gauge, "weir_group_lag_records_max",
                       "The same of the partition with the most");
  MetricFamily seconds(MetricType::Gauge, "weir_group_lag_seconds",
                       "Age of the oldest record of a topic that a group has not committed");
  for (const GroupSample& group : groups) {
    for (const GroupSample::Topic& topic : group.topics) {
      const MetricLabels labels = {{.name = "group", .value = group.group},
                                   {.name = "topic", .value = topic.name}};
      lag.Add(labels, topic.lag);
      largest.Add(labels, topic.largest_lag);
      if (topic.lag_seconds.has_value()) seconds.Add(labels, *topic.lag_seconds);
    }
  }
  for (MetricFamily* family : {&lag, &largest, &seconds})
    families->push_back(std::move(*family).Take());
}

}  // namespace

std::vector<prometheus::MetricFamily> GroupCollector::Collect() const {
  const GroupsSample sample = sample_();
  Families families;
  if (sample.totals.has_value()) AddTotals(*sample.totals, &families);
  AddGroups(sample.groups, &families);
  AddLags(sample.groups, &families);
  const auto omitted = [&families](const char* name, const char* help, int64_t value) {
    families.push_back(MetricFamily::Single(MetricType::Gauge, name, help, value));
  };
  omitted("weir_groups_omitted", "Groups without series of their own: there are too many",
          sample.omitted_groups);
  omitted("weir_group_lags_omitted",
          "Groups that lack topics in their lag: too many, or not looked at in time",
          sample.omitted_lags);
  omitted("weir_group_lag_seconds_omitted",
          "Lags without an age: there was no time to read all the records", sample.omitted_ages);
  omitted("weir_group_shards_unanswered",
          "Parts of the broker that did not say in time which groups they have",
          sample.unanswered_shards);
  return families;
}

}  // namespace weir
