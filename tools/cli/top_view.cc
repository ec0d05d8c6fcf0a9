#include "tools/cli/top_view.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/cli/json.h"
#include "tools/cli/top_groups.h"

namespace weir {
namespace {

struct TopicLook {
  double high_watermarks = 0;  // over all partitions
  double records = 0;
  std::optional<double> bytes;  // absent: the broker does not know it yet
  int64_t partitions = 0;
};
using Topics = std::map<std::string, TopicLook>;

Topics TopicsOf(const MetricsPage& page) {
  Topics topics;
  const auto each = [&](absl::string_view metric, auto use) {
    ForEachSeries(page, metric, "topic", [&](const std::string& topic, const auto& series) {
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
    listing.AddRow({ShortenedName(all[i].name, space), topic.partitions, all[i].rate,
                    static_cast<int64_t>(topic.records),
                    topic.bytes ? Cell(static_cast<int64_t>(*topic.bytes)) : Cell()});
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

std::string RenderJson(const TopLook& before, const TopLook& now) {
  JsonWriter json;
  json.BeginObject();
  for (const auto& [name, value] : Totals(before, now)) json.Key(name).Int(value);
  json.Key("topics");
  TopicTable(before, now, SIZE_MAX, std::nullopt).WriteTo(&json);
  json.Key("groups");
  ConsumerGroupTable(before, now, OutputFormat::kJson, SIZE_MAX, std::nullopt).WriteTo(&json);
  const TopGroupCounts groups = CountGroups(now);
  json.Key("groups_omitted").Int(groups.consumer_omitted);
  json.Key("share_groups");
  ShareGroupTable(before, now, OutputFormat::kJson, SIZE_MAX, std::nullopt).WriteTo(&json);
  json.Key("share_groups_omitted").Int(groups.share_omitted);
  return absl::StrCat(json.EndObject().text(), "\n");
}

// One line, or as many as a terminal needs.
std::vector<std::string> TotalLines(const TopLook& before, const TopLook& now,
                                    const std::optional<TopSpace>& space) {
  const auto totals = Totals(before, now);
  std::map<std::string, int64_t> by_name(totals.begin(), totals.end());
  const TopGroupCounts groups = CountGroups(now);
  std::vector<std::string> parts = {
      absl::StrCat("in ", WithCommas(by_name["records_in_per_second"]), " records/s, ",
                   HumanBytes(by_name["bytes_in_per_second"]), "/s"),
      absl::StrCat("out ", HumanBytes(by_name["bytes_out_per_second"]), "/s"),
      absl::StrCat("rounds ", WithCommas(by_name["rounds_per_second"]), "/s, fsync ",
                   by_name["fsync_mean_us"], " us"),
      absl::StrCat("commits ", WithCommas(by_name["commits_per_second"]), "/s"),
      absl::StrCat("errors ", by_name["errors_per_second"], "/s"),
      absl::StrCat("topics ", TopicsOf(now.page).size()),
      absl::StrCat("groups ", static_cast<int64_t>(groups.consumer) + groups.consumer_omitted)};
  if (groups.share > 0) {
    parts.push_back(
        absl::StrCat("share groups ", static_cast<int64_t>(groups.share) + groups.share_omitted));
  }
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

// How many rows of each table are shown where there is room for `room` in all: as many of each, but
// what one does not need the others get.
std::vector<size_t> Allot(size_t room, const std::vector<size_t>& wanted) {
  std::vector<size_t> shortest_first(wanted.size());
  std::iota(shortest_first.begin(), shortest_first.end(), size_t{0});
  std::stable_sort(shortest_first.begin(), shortest_first.end(),
                   [&](size_t a, size_t b) { return wanted[a] < wanted[b]; });
  std::vector<size_t> allotted(wanted.size());
  size_t tables = wanted.size();
  for (const size_t table : shortest_first) {
    allotted[table] = std::min(wanted[table], room / tables--);
    room -= allotted[table];
  }
  return allotted;
}

void AddTable(const Listing& table, std::vector<std::string>* lines) {
  const std::string text = table.Render(OutputFormat::kTable);
  lines->emplace_back();
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty()))
    lines->emplace_back(line);
}

}  // namespace

std::string RenderTop(const TopLook& before, const TopLook& now, OutputFormat output,
                      const std::optional<TopSpace>& space) {
  if (output == OutputFormat::kJson) return RenderJson(before, now);
  std::vector<std::string> lines = TotalLines(before, now, space);
  const TopGroupCounts groups = CountGroups(now);
  std::vector<std::string> omitted;
  for (const auto& [count, what] : {std::pair(groups.consumer_omitted, "groups"),
                                    std::pair(groups.share_omitted, "share groups")}) {
    if (count > 0)
      omitted.push_back(absl::StrCat(count, " more ", what, ", which the broker does not show"));
  }
  std::vector<size_t> rows = {groups.share, groups.consumer, TopicsOf(now.page).size()};
  if (space.has_value()) {
    // Headings with an empty line each, what was omitted, and the line of the cursor.
    const size_t headings = 2 + (groups.consumer > 0 ? 2 : 0) + (groups.share > 0 ? 2 : 0);
    const size_t taken = lines.size() + headings + omitted.size() + 1;
    rows = Allot(space->rows > taken ? space->rows - taken : 0, rows);
  }
  AddTable(TopicTable(before, now, rows[2], space), &lines);
  if (groups.consumer > 0)
    AddTable(ConsumerGroupTable(before, now, output, rows[1], space), &lines);
  if (groups.share > 0) AddTable(ShareGroupTable(before, now, output, rows[0], space), &lines);
  lines.insert(lines.end(), omitted.begin(), omitted.end());
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, space.has_value() ? line.substr(0, space->columns) : line, "\n");
  }
  return text;
}

}  // namespace weir
