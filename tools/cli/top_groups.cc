#include "tools/cli/top_groups.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace weir {
namespace {

using Series = MetricsPage::Series;

// How far a group is behind, over all its topics.
struct Backlog {
  std::optional<int64_t> lag;     // absent: the broker does not tell
  std::optional<double> seconds;  // the same, for some topic
  std::string worst_topic;        // empty: none has lag
  int64_t worst_lag = 0;
  int topics_without_age = 0;
};

struct ConsumerLook {
  Backlog backlog;
  double done = 0;  // commits
  std::string state;
  int64_t members = 0;
};
using Consumers = std::map<std::string, ConsumerLook>;

struct ShareLook {
  Backlog backlog;
  double done = 0;  // accepted jobs
  bool paused = false;
  bool paused_by_breaker = false;
  int64_t in_flight = 0;
  int64_t delayed = 0;
  int64_t dying = 0;
  int64_t dead = 0;
};
using Shares = std::map<std::string, ShareLook>;

// Every series of one metric, with the group that it is of.
template <typename Looks, typename Use>
void ForEachGroup(const MetricsPage& page, absl::string_view metric, Looks* groups, Use use) {
  ForEachSeries(page, metric, "group", [&](const std::string& group, const Series& series) {
    use((*groups)[group], series);
  });
}

// From the metrics that tell of lag and its age, by topic.
template <typename Looks>
void AddBacklogs(const MetricsPage& page, absl::string_view lags, absl::string_view ages,
                 Looks* groups) {
  ForEachGroup(page, lags, groups, [](auto& group, const Series& series) {
    Backlog& backlog = group.backlog;
    ++backlog.topics_without_age;
    const auto lag = static_cast<int64_t>(series.value);
    backlog.lag = backlog.lag.value_or(0) + lag;
    const auto topic = series.labels.find("topic");
    if (topic == series.labels.end() || lag <= backlog.worst_lag) return;
    backlog.worst_lag = lag;
    backlog.worst_topic = topic->second;
  });
  ForEachGroup(page, ages, groups, [](auto& group, const Series& series) {
    Backlog& backlog = group.backlog;
    backlog.seconds = std::max(backlog.seconds.value_or(0), series.value);
    --backlog.topics_without_age;
  });
  for (auto& [name, group] : *groups) {
    if (group.backlog.topics_without_age > 0) group.backlog.seconds.reset();
  }
}

Consumers ConsumersOf(const MetricsPage& page) {
  Consumers groups;
  ForEachGroup(page, "weir_group_members", &groups, [](ConsumerLook& group, const Series& series) {
    group.members = static_cast<int64_t>(series.value);
  });
  ForEachGroup(page, "weir_group_state", &groups, [](ConsumerLook& group, const Series& series) {
    if (const auto state = series.labels.find("state"); state != series.labels.end())
      group.state = state->second;
  });
  ForEachGroup(page, "weir_group_offset_commits_total", &groups,
               [](ConsumerLook& group, const Series& series) { group.done = series.value; });
  AddBacklogs(page, "weir_group_lag_records", "weir_group_lag_seconds", &groups);
  return groups;
}

Shares SharesOf(const MetricsPage& page) {
  Shares groups;
  ForEachGroup(page, "weir_share_paused", &groups,
               [](ShareLook& group, const Series& series) { group.paused = series.value > 0; });
  ForEachGroup(
      page, "weir_share_paused_by_breaker", &groups,
      [](ShareLook& group, const Series& series) { group.paused_by_breaker = series.value > 0; });
  ForEachGroup(page, "weir_share_accepted_total", &groups,
               [](ShareLook& group, const Series& series) { group.done += series.value; });
  const std::pair<const char*, int64_t ShareLook::*> sums[] = {
      {"weir_share_in_flight_jobs", &ShareLook::in_flight},
      {"weir_share_delayed_jobs", &ShareLook::delayed},
      {"weir_share_dying_jobs", &ShareLook::dying},
      {"weir_share_died_total", &ShareLook::dead}};
  for (const auto& [metric, sum] : sums) {
    ForEachGroup(page, metric, &groups, [sum = sum](ShareLook& group, const Series& series) {
      group.*sum += static_cast<int64_t>(series.value);
    });
  }
  AddBacklogs(page, "weir_share_unfinished_jobs", "weir_share_oldest_unfinished_seconds", &groups);
  return groups;
}

// The furthest behind first, at most so many.
template <typename Look>
std::vector<std::pair<std::string, Look>> Furthest(const std::map<std::string, Look>& groups,
                                                   size_t most) {
  std::vector<std::pair<std::string, Look>> all(groups.begin(), groups.end());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.second.backlog.lag, a.second.backlog.seconds) >
           std::tie(b.second.backlog.lag, b.second.backlog.seconds);
  });
  if (all.size() > most) all.resize(most);
  return all;
}

// What it has done since the earlier look; one that was not there then has done nothing.
template <typename Look>
double Rate(const std::string& name, const Look& group, const std::map<std::string, Look>& earlier,
            absl::Duration time) {
  const auto old = earlier.find(name);
  const double start = old == earlier.end() ? group.done : old->second.done;
  return std::round(PerSecond(group.done - start, time) * 10) / 10;
}

Cell LagCell(const Backlog& backlog) { return backlog.lag ? Cell(*backlog.lag) : Cell(); }

Cell TimeCell(const Backlog& backlog, OutputFormat output) {
  if (!backlog.seconds.has_value()) return {};
  const absl::Duration time = absl::Seconds(*backlog.seconds);
  if (output == OutputFormat::kJson) return absl::ToInt64Milliseconds(time);
  return HumanDuration(time);
}

Cell TopicCell(const Backlog& backlog, const std::optional<TopSpace>& space) {
  return backlog.worst_topic.empty() ? Cell() : Cell(ShortenedName(backlog.worst_topic, space));
}

std::string StateOf(const ShareLook& group) {
  if (group.paused_by_breaker) return "paused_by_breaker";
  return group.paused ? "paused" : "running";
}

}  // namespace

TopGroupCounts CountGroups(const TopLook& look) {
  return {.consumer = ConsumersOf(look.page).size(),
          .consumer_omitted = static_cast<int64_t>(look.page.Sum("weir_groups_omitted")),
          .share = SharesOf(look.page).size(),
          .share_omitted = static_cast<int64_t>(look.page.Sum("weir_share_groups_omitted"))};
}

// In both tables what counts most comes first, where lines are cut.

Listing ConsumerGroupTable(const TopLook& before, const TopLook& now, OutputFormat output,
                           size_t rows, const std::optional<TopSpace>& space) {
  const bool json = output == OutputFormat::kJson;
  Listing listing({"group", "lag", json ? "lag_ms" : "lag_time", "members", "state",
                   json ? "commits_per_second" : "commits/s", "worst_topic"});
  const Consumers earlier = ConsumersOf(before.page);
  for (const auto& [name, group] : Furthest(ConsumersOf(now.page), rows)) {
    listing.AddRow({ShortenedName(name, space), LagCell(group.backlog),
                    TimeCell(group.backlog, output), group.members, group.state,
                    Rate(name, group, earlier, now.at - before.at),
                    TopicCell(group.backlog, space)});
  }
  return listing;
}

Listing ShareGroupTable(const TopLook& before, const TopLook& now, OutputFormat output, size_t rows,
                        const std::optional<TopSpace>& space) {
  const bool json = output == OutputFormat::kJson;
  Listing listing({json ? "group" : "share_group", "lag", json ? "lag_ms" : "lag_time", "in_flight",
                   "delayed", "dying", "dead", "state", json ? "accepted_per_second" : "accepted/s",
                   "worst_topic"});
  const Shares earlier = SharesOf(before.page);
  for (const auto& [name, group] : Furthest(SharesOf(now.page), rows)) {
    listing.AddRow({ShortenedName(name, space), LagCell(group.backlog),
                    TimeCell(group.backlog, output), group.in_flight, group.delayed, group.dying,
                    group.dead, StateOf(group), Rate(name, group, earlier, now.at - before.at),
                    TopicCell(group.backlog, space)});
  }
  return listing;
}

}  // namespace weir
