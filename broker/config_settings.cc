#include "broker/config_settings.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "storage/base/utf8.h"

namespace weir {
namespace {

constexpr absl::string_view kAuto = "auto";

Setting Path(std::string name, std::string BrokerConfig::*field, std::string help) {
  return {.name = std::move(name),
          .kind = "PATH",
          .range = "a path in UTF-8 that is not empty",
          .help = std::move(help),
          .set =
              [field](const std::string& text, BrokerConfig& config) {
                // No other can stand in a file of settings, a log line in JSON or an answer.
                if (text.empty() || !IsUtf8(text)) return false;
                config.*field = text;
                return true;
              },
          .get = [field](const BrokerConfig& config) { return config.*field; }};
}

Setting Address(std::string name, Endpoint BrokerConfig::*field, std::string help) {
  return {.name = std::move(name),
          .kind = "HOST:PORT",
          .range = "host:port with a port from 0 (any that is free) to 65535; IPv6 as [::1]:port",
          .help = std::move(help),
          .set =
              [field](const std::string& text, BrokerConfig& config) {
                const std::optional<Endpoint> endpoint = ParseEndpoint(text);
                if (!endpoint || !IsUtf8(text)) return false;
                config.*field = *endpoint;
                return true;
              },
          .get = [field](const BrokerConfig& config) { return (config.*field).ToString(); }};
}

Setting Switch(std::string name, bool BrokerConfig::*field, std::string help) {
  return {.name = std::move(name),
          .kind = "",
          .range = "true or false",
          .help = std::move(help),
          .is_flag = true,
          .set =
              [field](const std::string& text, BrokerConfig& config) {
                if (text != "true" && text != "false") return false;
                config.*field = text == "true";
                return true;
              },
          .get = [field](const BrokerConfig& config) { return config.*field ? "true" : "false"; }};
}

struct Bounds {
  int64_t least;
  int64_t most = std::numeric_limits<int64_t>::max();
  int64_t step = 1;

  bool Has(int64_t value) const { return value >= least && value <= most && value % step == 0; }
};

std::string SizeRange(const Bounds& bounds) {
  std::string range = absl::StrCat("a size such as 64MiB, at least ", FormatSize(bounds.least));
  if (bounds.most != Bounds{0}.most)
    absl::StrAppend(&range, " and at most ", FormatSize(bounds.most));
  if (bounds.step != 1) absl::StrAppend(&range, ", a multiple of ", FormatSize(bounds.step));
  return range;
}

Setting Size(std::string name, int64_t BrokerConfig::*field, Bounds bounds, std::string help) {
  return {.name = std::move(name),
          .kind = "SIZE",
          .range = SizeRange(bounds),
          .help = std::move(help),
          .set =
              [field, bounds](const std::string& text, BrokerConfig& config) {
                const std::optional<int64_t> size = ParseSize(text);
                if (!size || !bounds.Has(*size)) return false;
                config.*field = *size;
                return true;
              },
          .get = [field](const BrokerConfig& config) { return FormatSize(config.*field); }};
}

// A size, or "auto" for what the broker finds out by itself.
Setting AutoSize(std::string name, std::optional<int64_t> BrokerConfig::*field, std::string help) {
  return {.name = std::move(name),
          .kind = "SIZE",
          .range = absl::StrCat("a size such as 5GiB, or ", kAuto),
          .help = std::move(help),
          .set =
              [field](const std::string& text, BrokerConfig& config) {
                const std::optional<int64_t> size = ParseSize(text);
                if (!size && text != kAuto) return false;
                config.*field = size;
                return true;
              },
          .get =
              [field](const BrokerConfig& config) {
                const std::optional<int64_t>& size = config.*field;
                return size ? FormatSize(*size) : std::string(kAuto);
              }};
}

template <typename T>
Setting Number(std::string name, T BrokerConfig::*field, Bounds bounds, std::string help) {
  return {.name = std::move(name),
          .kind = "NUMBER",
          .range = absl::StrCat("a whole number from ", bounds.least, " to ", bounds.most),
          .help = std::move(help),
          .set =
              [field, bounds](const std::string& text, BrokerConfig& config) {
                int64_t value = 0;
                if (!absl::SimpleAtoi(text, &value) || !bounds.Has(value)) return false;
                config.*field = static_cast<T>(value);
                return true;
              },
          .get = [field](const BrokerConfig& config) { return absl::StrCat(config.*field); }};
}

struct DurationBounds {
  absl::Duration least;
  absl::Duration most;
};

Setting Duration(std::string name, absl::Duration BrokerConfig::*field, DurationBounds bounds,
                 std::string help) {
  return {
      .name = std::move(name),
      .kind = "DURATION",
      .range =
          absl::StrCat("a duration such as 30s or 2m, from ", absl::FormatDuration(bounds.least),
                       " to ", absl::FormatDuration(bounds.most)),
      .help = std::move(help),
      .set =
          [field, bounds](const std::string& text, BrokerConfig& config) {
            absl::Duration duration;
            if (!absl::ParseDuration(text, &duration) || duration < bounds.least ||
                duration > bounds.most) {
              return false;
            }
            config.*field = duration;
            return true;
          },
      .get = [field](const BrokerConfig& config) { return absl::FormatDuration(config.*field); }};
}

Setting LogLevel() {
  return {.name = "log.level",
          .kind = "LEVEL",
          .range = "one of trace, debug, info, warn, error",
          .help = "The least important lines that are still logged.",
          .set =
              [](const std::string& text, BrokerConfig& config) {
                constexpr absl::string_view kLevels[] = {"trace", "debug", "info", "warn", "error"};
                if (std::find(std::begin(kLevels), std::end(kLevels), text) == std::end(kLevels))
                  return false;
                config.log_level = text;
                return true;
              },
          .get = [](const BrokerConfig& config) { return config.log_level; }};
}

Setting LogFormatSetting() {
  return {.name = "log.format",
          .kind = "FORMAT",
          .range = "one of text, json",
          .help = "Log lines for people, or one JSON object per line.",
          .set =
              [](const std::string& text, BrokerConfig& config) {
                if (text != "text" && text != "json") return false;
                config.log_format = text == "json" ? LogFormat::kJson : LogFormat::kText;
                return true;
              },
          .get =
              [](const BrokerConfig& config) {
                return config.log_format == LogFormat::kJson ? "json" : "text";
              }};
}

// The broker's default for one setting of topics.
Setting TopicDefault(const std::string& topic_setting) {
  return {
      .name = absl::StrCat("topic.", topic_setting),
      .kind = "VALUE",
      .range = TopicConfigRange(topic_setting),
      .help = absl::StrCat("What topics have that do not set ", topic_setting, " themselves."),
      .set =
          [topic_setting](const std::string& text, BrokerConfig& config) {
            const auto parsed = ParseTopicConfig({{topic_setting, text}}, config.topic_defaults);
            if (parsed.ok()) config.topic_defaults = *parsed;
            return parsed.ok();
          },
      .get =
          [topic_setting](const BrokerConfig& config) {
            for (const TopicConfigEntry& entry : DescribeTopicConfig(config.topic_defaults, {})) {
              if (entry.name == topic_setting) return entry.value;
            }
            return std::string();
          }};
}

std::vector<Setting> MakeSettings() {
  std::vector<Setting> settings = {
      Path("data_dir", &BrokerConfig::data_dir, "Where everything is kept."),
      Address("listen", &BrokerConfig::listen, "Where clients connect (gRPC)."),
      Address("http", &BrokerConfig::http, "Where metrics and health are served (HTTP)."),
      Switch("insecure", &BrokerConfig::insecure,
             "Allow other machines to connect although this version has neither TLS nor "
             "authentication."),
      Size("memory.limit", &BrokerConfig::memory_limit, {limits::kMemoryLimitSmallest},
           "Memory for requests in flight; by default a quarter of the machine's or the control "
           "group's."),
      AutoSize(
          "disk.low", &BrokerConfig::disk_low,
          "Free space below which produces are refused; auto: 10 % of the disk, at most 5GiB."),
      AutoSize("disk.ok", &BrokerConfig::disk_ok,
               "Free space from which refused produces go on; auto: a tenth above disk.low."),
      Size("journal.file_bytes", &BrokerConfig::journal_file_bytes,
           {limits::kJournalFileBytesSmallest, limits::kJournalFileBytesLargest,
            limits::kJournalBlock},
           "Size of one file of the commit journal."),
      Number("journal.files", &BrokerConfig::journal_files,
             {limits::kJournalFilesFewest, limits::kJournalFilesMost},
             "Most files of the commit journal."),
      Number("open_files", &BrokerConfig::open_files,
             {limits::kOpenFilesFewest, limits::kOpenFilesMost},
             "Segment files kept open at once."),
      Number("producer.id.expiration.ms", &BrokerConfig::producer_id_expiration_ms,
             {limits::kProducerKeptMs, limits::kProducerExpirationMostMs},
             "How long a silent idempotent producer is remembered; of more than "
             "10000 in a partition the longest silent go earlier."),
      Duration("retention.check_interval", &BrokerConfig::retention_check_interval,
               {absl::Milliseconds(10), absl::Hours(1)},
               "How long after one look at what topics no longer keep the next one begins."),
      Duration("grace_period", &BrokerConfig::grace_period, {absl::Seconds(1), absl::Hours(1)},
               "How long an orderly stop may take before the broker gives up on unfinished "
               "requests."),
      LogLevel(),
      LogFormatSetting(),
      Number("topic.partitions", &BrokerConfig::topic_partitions, {1, limits::kPartitionsPerTopic},
             "Partitions of a topic that is created without a number.")};
  for (const TopicConfigEntry& entry : DescribeTopicConfig({}, {}))
    settings.push_back(TopicDefault(entry.name));
  return settings;
}

}  // namespace

std::string Setting::FlagName() const {
  return absl::StrCat("--", absl::StrReplaceAll(name, {{".", "-"}, {"_", "-"}}));
}

std::string Setting::EnvironmentName() const {
  return absl::StrCat("WEIR_", absl::AsciiStrToUpper(absl::StrReplaceAll(name, {{".", "_"}})));
}

const std::vector<Setting>& Settings() {
  static const auto& settings = *new std::vector<Setting>(MakeSettings());
  return settings;
}

}  // namespace weir
