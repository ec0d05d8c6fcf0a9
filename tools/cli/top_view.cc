#include "tools/cli/top_view.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/cli/json.h"

namespace weir {
namespace {

struct TopicLook {
  double high_watermarks = 0;  // over all partitions
  double records = 0;
  std::optional<double> bytes;  // absent: the broker does not know it yet
  int64_t partitions = 0;
};
using Topics = std::map<std::string, TopicLook>;

struct GroupLook {
  std::string state;
  int64_t members = 0;
  double commits = 0;
  std::optional<int64_t> lag;         // absent: the broker does not tell
  std::optional<double> lag_seconds;  // the same, for some topic
  std::string worst_topic;            // empty: none has lag
  int64_t worst_lag = 0;
};
using Groups = std::map<std::string, GroupLook>;

// Every series of the metric that has the label.
template <typename Use>
void ForEach(const MetricsPage& page, absl::string_view metric, const std::string& label, Use use) {
  for (const MetricsPage::Series& series : page.SeriesOf(metric)) {
    const auto value = series.labels.find(label);
    if (value != series.labels.end()) use(value->second, series);
  }
}

Topics TopicsOf(const MetricsPage& page) {
  Topics topics;
  const auto each = [&](absl::string_view metric, auto use) {
    ForEach(page, metric, "topic", [&](const std::string& topic, const auto& series) {
      use(topics[topic], series.value);
    });
  };
  each("weir_topic_records", [](TopicLook& topic, double value) { topic.records += value; });
  each("weir_topic_size_bytes", [](TopicLook& topic, double value) { topic.bytes = value; });
  each("weir_partition_high_watermark", [](TopicLook& topic, double value) {
    topic.high_watermarks += value;
    ++topic.partitions;
  });
  return topics;
}

Groups GroupsOf(const MetricsPage& page) {
  Groups groups;
  const auto each = [&](absl::string_view metric, auto use) {
    ForEach(page, metric, "group",
            [&](const std::string& group, const auto& series) { use(groups[group], series); });
  };
  using Series = MetricsPage::Series;
  each("weir_group_members", [](GroupLook& group, const Series& series) {
    group.members = static_cast<int64_t>(series.value);
  });
  each("weir_group_state", [](GroupLook& group, const Series& series) {
    if (const auto state = series.labels.find("state"); state != series.labels.end())
      group.state = state->second;
  });
  each("weir_group_offset_commits_total",
       [](GroupLook& group, const Series& series) { group.commits = series.value; });
  std::map<GroupLook*, int> without_age;  // topics
  each("weir_group_lag_records", [&](GroupLook& group, const Series& series) {
    ++without_age[&group];
    const auto lag = static_cast<int64_t>(series.value);
    group.lag = group.lag.value_or(0) + lag;
    const auto topic = series.labels.find("topic");
    if (topic == series.labels.end() || lag <= group.worst_lag) return;
    group.worst_lag = lag;
    group.worst_topic = topic->second;
  });
  each("weir_group_lag_seconds", [&](GroupLook& group, const Series& series) {
    group.lag_seconds = std::max(group.lag_seconds.value_or(0), series.value);
    --without_age[&group];
  });
  for (const auto& [group, topics] : without_age) {
    if (topics > 0) group->lag_seconds.reset();
  }
  return groups;
}

double PerSecond(double grown, absl::Duration time) {
  return std::max(grown, 0.0) / std::max(absl::ToDoubleSeconds(time), 1e-3);
}

// What fits a name in a terminal that is so wide, '~' in place of the rest.
std::string Shortened(const std::string& name, const std::optional<TopSpace>& space) {
  constexpr size_t kNarrowest = 10;
  if (!space.has_value()) return name;
  const size_t most = std::max(space->columns / 5, kNarrowest);
  return name.size() <= most ? name : absl::StrCat(name.substr(0, most - 1), "~");
}

// The busiest first, then the largest.
Listing TopicTable(const TopLook& before, const TopLook& now, size_t rows,
                   const std::optional<TopSpace>& space) {
  struct Row {
    int64_t rate;
    std::string name;
    TopicLook topic;
  };
  const Topics earlier = TopicsOf(before.page);
  std::vector<Row> all;
  for (const auto& [name, topic] : TopicsOf(now.page)) {
    const auto old = earlier.find(name);
    const double start = old == earlier.end() ? topic.high_watermarks : old->second.high_watermarks;
    const double rate = PerSecond(topic.high_watermarks - start, now.at - before.at);
    all.push_back({static_cast<int64_t>(rate), name, topic});
  }
  std::sort(all.begin(), all.end(), [](const Row& a, const Row& b) {
    return std::pair(a.rate, a.topic.bytes) > std::pair(b.rate, b.topic.bytes);
  });
  Listing listing({"topic", "partitions", "records_in_per_second", "offsets", "size_bytes"});
  for (size_t i = 0; i < std::min(rows, all.size()); ++i) {
    const TopicLook& topic = all[i].topic;
    listing.AddRow({Shortened(all[i].name, space), topic.partitions, all[i].rate,
                    static_cast<int64_t>(topic.records),
                    topic.bytes ? Cell(static_cast<int64_t>(*topic.bytes)) : Cell()});
  }
  return listing;
}

Cell LagTime(const std::optional<double>& seconds, OutputFormat output) {
  if (!seconds.has_value()) return {};
  const absl::Duration time = absl::Seconds(*seconds);
  if (output == OutputFormat::kJson) return absl::ToInt64Milliseconds(time);
  return HumanDuration(time);
}

// The furthest behind first. What counts most comes first, where lines are cut.
Listing GroupTable(const TopLook& before, const TopLook& now, OutputFormat output, size_t rows,
                   const std::optional<TopSpace>& space) {
  using Row = std::pair<std::string, GroupLook>;
  const Groups earlier = GroupsOf(before.page);
  const Groups groups = GroupsOf(now.page);
  std::vector<Row> all(groups.begin(), groups.end());
  std::stable_sort(all.begin(), all.end(), [](const Row& a, const Row& b) {
    return std::tie(a.second.lag, a.second.lag_seconds) >
           std::tie(b.second.lag, b.second.lag_seconds);
  });
  const bool json = output == OutputFormat::kJson;
  Listing listing({"group", "lag", json ? "lag_ms" : "lag_time", "members", "state",
                   json ? "commits_per_second" : "commits/s", "worst_topic"});
  for (size_t i = 0; i < std::min(rows, all.size()); ++i) {
    const auto& [name, group] = all[i];
    const auto old = earlier.find(name);
    const double start = old == earlier.end() ? group.commits : old->second.commits;
    const double rate = PerSecond(group.commits - start, now.at - before.at);
    listing.AddRow(
        {Shortened(name, space), group.lag ? Cell(*group.lag) : Cell(),
         LagTime(group.lag_seconds, output), group.members, group.state, std::round(rate * 10) / 10,
         group.worst_topic.empty() ? Cell() : Cell(Shortened(group.worst_topic, space))});
  }
  return listing;
}

// What the whole broker does, by stable names.
std::vector<std::pair<std::string, int64_t>> Totals(const TopLook& before, const TopLook& now) {
  const auto grown = [&](absl::string_view metric) {
    return now.page.Sum(metric) - before.page.Sum(metric);
  };
  const auto rate = [&](absl::string_view metric) {
    return static_cast<int64_t>(PerSecond(grown(metric), now.at - before.at));
  };
  const double rounds = grown("weir_fsync_seconds_count");
  const double fsync_us = rounds > 0 ? grown("weir_fsync_seconds_sum") / rounds * 1e6 : 0;
  return {{"records_in_per_second", rate("weir_produced_records_total")},
          {"bytes_in_per_second", rate("weir_produced_bytes_total")},
          {"bytes_out_per_second", rate("weir_fetched_bytes_total")},
          {"rounds_per_second", rate("weir_fsync_seconds_count")},
          {"fsync_mean_us", static_cast<int64_t>(fsync_us)},
          {"commits_per_second", rate("weir_offset_commits_total")},
          {"errors_per_second", rate("weir_errors_total")}};
}

int64_t OmittedGroups(const TopLook& look) {
  return static_cast<int64_t>(look.page.Sum("weir_groups_omitted"));
}

std::string RenderJson(const TopLook& before, const TopLook& now) {
  JsonWriter json;
  json.BeginObject();
  for (const auto& [name, value] : Totals(before, now)) json.Key(name).Int(value);
  json.Key("topics");
  TopicTable(before, now, SIZE_MAX, std::nullopt).WriteTo(&json);
  json.Key("groups");
  GroupTable(before, now, OutputFormat::kJson, SIZE_MAX, std::nullopt).WriteTo(&json);
  json.Key("groups_omitted").Int(OmittedGroups(now));
  return absl::StrCat(json.EndObject().text(), "\n");
}

// One line, or as many as a terminal needs.
std::vector<std::string> TotalLines(const TopLook& before, const TopLook& now,
                                    const std::optional<TopSpace>& space) {
  const auto totals = Totals(before, now);
  std::map<std::string, int64_t> by_name(totals.begin(), totals.end());
  const std::string parts[] = {
      absl::StrCat("in ", WithCommas(by_name["records_in_per_second"]), " records/s, ",
                   HumanBytes(by_name["bytes_in_per_second"]), "/s"),
      absl::StrCat("out ", HumanBytes(by_name["bytes_out_per_second"]), "/s"),
      absl::StrCat("rounds ", WithCommas(by_name["rounds_per_second"]), "/s, fsync ",
                   by_name["fsync_mean_us"], " us"),
      absl::StrCat("commits ", WithCommas(by_name["commits_per_second"]), "/s"),
      absl::StrCat("errors ", by_name["errors_per_second"], "/s"),
      absl::StrCat("topics ", TopicsOf(now.page).size()),
      absl::StrCat("groups ", GroupsOf(now.page).size() + static_cast<size_t>(OmittedGroups(now)))};
  constexpr absl::string_view kGap = "   ";
  std::vector<std::string> lines(1);
  for (const std::string& part : parts) {
    std::string& line = lines.back();
    if (line.empty()) {
      line = part;
    } else if (space.has_value() && line.size() + kGap.size() + part.size() > space->columns) {
      lines.push_back(part);
    } else {
      absl::StrAppend(&line, kGap, part);
    }
  }
  return lines;
}

void AddLines(const std::string& table, std::vector<std::string>* lines) {
  lines->emplace_back();
  for (absl::string_view line : absl::StrSplit(table, '\n', absl::SkipEmpty()))
    lines->emplace_back(line);
}

}  // namespace

std::string RenderTop(const TopLook& before, const TopLook& now, OutputFormat output,
                      const std::optional<TopSpace>& space) {
  if (output == OutputFormat::kJson) return RenderJson(before, now);
  std::vector<std::string> lines = TotalLines(before, now, space);
  const size_t topics = TopicsOf(now.page).size();
  const size_t groups = GroupsOf(now.page).size();
  const int64_t omitted = OmittedGroups(now);
  size_t topic_rows = topics;
  size_t group_rows = groups;
  if (space.has_value()) {
    // Two headings with an empty line each, what was omitted, and the line of the cursor.
    const size_t taken = lines.size() + 2 + (groups > 0 ? 2 : 0) + (omitted > 0 ? 1 : 0) + 1;
    const size_t left = space->rows > taken ? space->rows - taken : 0;
    group_rows = std::min(groups, std::max(left / 2, left - std::min(left, topics)));
    topic_rows = std::min(topics, left - group_rows);
  }
  AddLines(TopicTable(before, now, topic_rows, space).Render(OutputFormat::kTable), &lines);
  if (groups > 0) {
    AddLines(GroupTable(before, now, output, group_rows, space).Render(OutputFormat::kTable),
             &lines);
  }
  if (omitted > 0)
    lines.push_back(absl::StrCat(omitted, " more groups, which the broker does not show"));
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, space.has_value() ? line.substr(0, space->columns) : line, "\n");
  }
  return text;
}

}  // namespace weir
