#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "storage/base/clock.h"
#include "tools/bench/metrics_page.h"
#include "tools/cli/arguments.h"
#include "tools/cli/command.h"
#include "tools/cli/listing.h"
#include "tools/cli/stop_signal.h"

namespace weir {
namespace {

struct TopOptions {
  std::string http;  // empty: beside the broker
  absl::Duration interval = absl::Seconds(2);
  bool once = false;
  OutputFormat output = OutputFormat::kTable;
};

constexpr absl::Duration kTimeout = absl::Seconds(5);
constexpr size_t kRowsWithoutTerminal = 1'000'000;

struct TopicSample {
  double high_watermarks = 0;  // over all partitions
  double records = 0;
  std::optional<double> bytes;  // absent: the broker does not know it yet
  int64_t partitions = 0;
};

struct Sample {
  absl::Duration at;
  MetricsPage page;
  std::map<std::string, TopicSample> topics;
};

absl::StatusOr<Sample> Take(const std::string& http) {
  absl::StatusOr<MetricsPage> page = MetricsPage::Fetch(http, kTimeout);
  if (!page.ok()) return page.status();
  Sample sample{.at = Clock::Real().Monotonic(), .page = *std::move(page)};
  const auto each = [&](absl::string_view metric, auto use) {
    for (const MetricsPage::Series& series : sample.page.SeriesOf(metric)) {
      const auto topic = series.labels.find("topic");
      if (topic != series.labels.end()) use(sample.topics[topic->second], series.value);
    }
  };
  each("weir_topic_records", [](TopicSample& topic, double value) { topic.records += value; });
  each("weir_topic_size_bytes", [](TopicSample& topic, double value) { topic.bytes = value; });
  each("weir_partition_high_watermark", [](TopicSample& topic, double value) {
    topic.high_watermarks += value;
    ++topic.partitions;
  });
  return sample;
}

int64_t PerSecond(double grown, absl::Duration time) {
  return static_cast<int64_t>(std::max(grown, 0.0) / std::max(absl::ToDoubleSeconds(time), 1e-3));
}

// The busiest topics first, then the largest.
Listing Topics(const Sample& before, const Sample& now, size_t rows) {
  struct Row {
    int64_t rate;
    std::string name;
    const TopicSample* topic;
  };
  std::vector<Row> all;
  for (const auto& [name, topic] : now.topics) {
    const auto old = before.topics.find(name);
    const double start =
        old == before.topics.end() ? topic.high_watermarks : old->second.high_watermarks;
    all.push_back({PerSecond(topic.high_watermarks - start, now.at - before.at), name, &topic});
  }
  std::sort(all.begin(), all.end(), [](const Row& a, const Row& b) {
    return std::pair(a.rate, a.topic->bytes) > std::pair(b.rate, b.topic->bytes);
  });
  Listing listing({"topic", "partitions", "records_in_per_second", "offsets", "size_bytes"});
  for (size_t i = 0; i < std::min(rows, all.size()); ++i) {
    listing.AddRow(
        {all[i].name, all[i].topic->partitions, all[i].rate,
         static_cast<int64_t>(all[i].topic->records),
         all[i].topic->bytes ? Cell(static_cast<int64_t>(*all[i].topic->bytes)) : Cell()});
  }
  return listing;
}

// What the whole broker does, by stable names.
std::vector<std::pair<std::string, int64_t>> Totals(const Sample& before, const Sample& now) {
  const absl::Duration time = now.at - before.at;
  const auto grown = [&](absl::string_view metric) {
    return now.page.Sum(metric) - before.page.Sum(metric);
  };
  const double rounds = grown("weir_fsync_seconds_count");
  const double fsync_us = rounds > 0 ? grown("weir_fsync_seconds_sum") / rounds * 1e6 : 0;
  return {{"records_in_per_second", PerSecond(grown("weir_produced_records_total"), time)},
          {"bytes_in_per_second", PerSecond(grown("weir_produced_bytes_total"), time)},
          {"bytes_out_per_second", PerSecond(grown("weir_fetched_bytes_total"), time)},
          {"rounds_per_second", PerSecond(rounds, time)},
          {"fsync_mean_us", static_cast<int64_t>(fsync_us)},
          {"errors_per_second", PerSecond(grown("weir_errors_total"), time)}};
}

std::string Render(const Sample& before, const Sample& now, const TopOptions& options,
                   size_t rows) {
  const auto totals = Totals(before, now);
  const Listing topics = Topics(before, now, rows);
  if (options.output == OutputFormat::kJson) {
    JsonWriter json;
    json.BeginObject();
    for (const auto& [name, value] : totals) json.Key(name).Int(value);
    json.Key("topics");
    topics.WriteTo(&json);
    return absl::StrCat(json.EndObject().text(), "\n");
  }
  std::map<std::string, int64_t> by_name(totals.begin(), totals.end());
  return absl::StrCat("in ", WithCommas(by_name["records_in_per_second"]), " records/s, ",
                      HumanBytes(by_name["bytes_in_per_second"]), "/s   out ",
                      HumanBytes(by_name["bytes_out_per_second"]), "/s   rounds ",
                      WithCommas(by_name["rounds_per_second"]), "/s, fsync ",
                      by_name["fsync_mean_us"], " us   errors ", by_name["errors_per_second"],
                      "/s   topics ", now.topics.size(), "\n\n",
                      topics.Render(OutputFormat::kTable));
}

size_t TerminalRows() {
  constexpr size_t kAroundTheTable = 5;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) return kRowsWithoutTerminal;
  return size.ws_row > kAroundTheTable ? size.ws_row - kAroundTheTable : 1;
}

int Run(const TopOptions& options, const Invocation& invocation) {
  StopSignal::Block();
  StopSignal stop;
  const std::string http =
      options.http.empty() ? HttpAddressBeside(invocation.broker) : options.http;
  absl::StatusOr<Sample> before = Take(http);
  if (!before.ok())
    return Fail(absl::NotFoundError(
        absl::StrCat(before.status().message(), "; name the broker's HTTP port with --http")));
  const bool live =
      !options.once && options.output == OutputFormat::kTable && isatty(STDOUT_FILENO) != 0;
  while (!stop.WaitFor(options.interval)) {
    absl::StatusOr<Sample> now = Take(http);
    if (!now.ok()) {
      if (options.once) return Fail(now.status());
      Print(absl::StrCat(live ? "\033[H\033[J" : "", now.status().message(), "; trying again\n"));
      continue;
    }
    const std::string text =
        Render(*before, *now, options, live ? TerminalRows() : kRowsWithoutTerminal);
    Print(live ? absl::StrCat("\033[H\033[J", text) : text);
    if (options.once) break;
    before = std::move(now);
  }
  return kExitOk;
}

}  // namespace

void AddTopCommand(CLI::App& app, Invocation& invocation) {
  const auto options = std::make_shared<TopOptions>();
  CLI::App* command =
      app.add_subcommand("top", "Watch topics, rates and the disk, from the broker's metrics");
  command
      ->add_option("--http", options->http,
                   "The broker's HTTP address, HOST:PORT (one above its gRPC port)")
      ->envname("WEIR_HTTP");
  AddParsed(command, "--interval", &options->interval, ParseIntervalArgument,
            "Between two looks (2s)");
  command->add_flag("--once", options->once, "One look, then end");
  AddOutputOption(command, &options->output);
  command->footer("Examples:\n  weir top\n  weir top --once --interval 500ms --output json");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return Run(*options, invocation); };
  });
}

}  // namespace weir
