#include "broker/topics/topic_config.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr size_t kQuotedBytes = 100;  // of an offending name or value in a message
constexpr size_t kNumberBytes = 20;   // as text: what is set is stored as it came

// A value of the topic's configuration as text, and back. `set` is false when the text is not
// acceptable.
struct Setting {
  absl::string_view name;
  std::string range;  // for people
  bool (*set)(absl::string_view text, TopicConfig& config);
  std::string (*get)(const TopicConfig& config);
};

template <int64_t TopicConfig::*kField, int64_t kLeast, int64_t kMost>
bool SetNumber(absl::string_view text, TopicConfig& config) {
  if (text.size() > kNumberBytes) return false;
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < kLeast || value > kMost) return false;
  config.*kField = value;
  return true;
}

template <int64_t TopicConfig::*kField, int64_t kLeast, int64_t kMost = kMax>
Setting Number(absl::string_view name, absl::string_view unit) {
  std::string range = absl::StrCat("a whole number of ", unit, ", ");
  if (kMost == kMax) {
    absl::StrAppend(&range, "at least ", std::max<int64_t>(kLeast, 0));
  } else {
    absl::StrAppend(&range, kLeast, " to ", kMost);
  }
  if (kLeast == TopicConfig::kUnlimited) absl::StrAppend(&range, ", or -1 for no limit");
  return {name, range, &SetNumber<kField, kLeast, kMost>,
          [](const TopicConfig& config) { return absl::StrCat(config.*kField); }};
}

// A word and the value that it stands for.
template <typename T>
struct Word {
  absl::string_view text;
  T value;
};

constexpr Word<std::optional<Compression>> kCompressions[] = {
    {"producer", std::nullopt},   {"uncompressed", Compression::kNone},
    {"gzip", Compression::kGzip}, {"snappy", Compression::kSnappy},
    {"lz4", Compression::kLz4},   {"zstd", Compression::kZstd}};
constexpr Word<TimestampType> kTimestampTypes[] = {
    {"CreateTime", TimestampType::kCreateTime}, {"LogAppendTime", TimestampType::kLogAppendTime}};
constexpr Word<Durability> kDurabilities[] = {{"durable", Durability::kDurable},
                                              {"written", Durability::kWritten}};
constexpr Word<bool> kSwitch[] = {{"true", true}, {"false", false}};

template <auto kField, const auto& kWords>
Setting Choice(absl::string_view name) {
  const auto texts = absl::StrJoin(
      kWords, ", ", [](std::string* out, const auto& word) { absl::StrAppend(out, word.text); });
  return {name, absl::StrCat("one of ", texts),
          [](absl::string_view text, TopicConfig& config) {
            for (const auto& word : kWords) {
              if (word.text != text) continue;
              config.*kField = word.value;
              return true;
            }
            return false;
          },
          [](const TopicConfig& config) {
            for (const auto& word : kWords) {
              if (word.value == config.*kField) return std::string(word.text);
            }
            return std::string();
          }};
}

// By name.
const std::vector<Setting>& Settings() {
  static const auto& settings = *new std::vector<Setting>{
      {"cleanup.policy", "'delete'; 'compact' is not supported by this version",
       [](absl::string_view text, TopicConfig&) { return text == "delete"; },
       [](const TopicConfig&) { return std::string("delete"); }},
      Choice<&TopicConfig::compression, kCompressions>("compression.type"),
      Choice<&TopicConfig::delayed_delivery, kSwitch>("delayed.delivery"),
      Choice<&TopicConfig::durability, kDurabilities>("durability"),
      // 100: about the smallest batch that holds anything.
      Number<&TopicConfig::max_message_bytes, 100, limits::kMaxMessageBytesLargest>(
          "max.message.bytes", "bytes"),
      Choice<&TopicConfig::timestamp_type, kTimestampTypes>("message.timestamp.type"),
      Number<&TopicConfig::retention_bytes, TopicConfig::kUnlimited>("retention.bytes", "bytes"),
      Number<&TopicConfig::retention_ms, TopicConfig::kUnlimited>("retention.ms", "milliseconds"),
      Number<&TopicConfig::segment_bytes, limits::kSegmentBytesSmallest,
             limits::kSegmentBytesLargest>("segment.bytes", "bytes"),
      Number<&TopicConfig::segment_ms, 1>("segment.ms", "milliseconds")};
  return settings;
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::CEscape(text.substr(0, kQuotedBytes)),
                      text.size() > kQuotedBytes ? "..." : "", "'");
}

absl::StatusOr<const Setting*> FindSetting(absl::string_view name) {
  for (const Setting& setting : Settings()) {
    if (setting.name == name) return &setting;
  }
  return MakeError(
      Reason::kInvalidConfig,
      absl::StrCat("there is no topic configuration ", Quoted(name), "; there are: ",
                   absl::StrJoin(Settings(), ", ", [](std::string* out, const Setting& setting) {
                     absl::StrAppend(out, setting.name);
                   })));
}

}  // namespace

absl::StatusOr<TopicConfig> ParseTopicConfig(const TopicConfigMap& overrides,
                                             const TopicConfig& defaults) {
  TopicConfig config = defaults;
  for (const auto& [name, value] : overrides) {
    WEIR_ASSIGN_OR_RETURN(const Setting* const setting, FindSetting(name));
    if (!setting->set(value, config)) {
      return MakeError(Reason::kInvalidConfig, absl::StrCat(name, " cannot be ", Quoted(value),
                                                            "; allowed is ", setting->range));
    }
  }
  return config;
}

absl::Status CheckTopicConfigName(absl::string_view name) { return FindSetting(name).status(); }

std::string TopicConfigRange(absl::string_view name) {
  const absl::StatusOr<const Setting*> setting = FindSetting(name);
  WEIR_CHECK(setting.ok());
  return (*setting)->range;
}

std::vector<TopicConfigEntry> DescribeTopicConfig(const TopicConfig& config,
                                                  const TopicConfigMap& overrides) {
  std::vector<TopicConfigEntry> entries;
  for (const Setting& setting : Settings()) {
    std::string name(setting.name);
    const bool is_default = !overrides.contains(name);
    entries.push_back({std::move(name), setting.get(config), is_default});
  }
  return entries;
}

}  // namespace weir
