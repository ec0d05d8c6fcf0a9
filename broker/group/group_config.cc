#include "broker/group/group_config.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "broker/topics/topic_name.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

constexpr size_t kQuotedBytes = 100;  // of an offending name or value in a message

// `set` is false when the text is not acceptable.
struct Setting {
  absl::string_view name;
  std::string range;  // for people
  bool (*set)(absl::string_view text, GroupConfig& config);
  std::string (*get)(const GroupConfig& config);
};

template <int64_t GroupConfig::*kField, int64_t kLeast, int64_t kMost>
Setting Number(absl::string_view name, absl::string_view unit = "") {
  return {name, absl::StrCat("a whole number", unit, ", ", kLeast, " to ", kMost),
          [](absl::string_view text, GroupConfig& config) {
            int64_t value = 0;
            if (!absl::SimpleAtoi(text, &value) || value < kLeast || value > kMost) return false;
            config.*kField = value;
            return true;
          },
          [](const GroupConfig& config) { return absl::StrCat(config.*kField); }};
}

template <int64_t GroupConfig::*kField, int64_t kLeast, int64_t kMost>
Setting Milliseconds(absl::string_view name) {
  return Number<kField, kLeast, kMost>(name, " of milliseconds");
}

const std::vector<Setting>& ConsumerGroupSettings() {
  static const auto& settings = *new std::vector<Setting>{
      {"assignor", "one of sticky, range",
       [](absl::string_view text, GroupConfig& config) {
         const std::optional<Assignor> assignor = ParseAssignor(text);
         if (assignor.has_value()) config.assignor = *assignor;
         return assignor.has_value();
       },
       [](const GroupConfig& config) { return std::string(AssignorName(config.assignor)); }},
      Milliseconds<&GroupConfig::offsets_retention_ms, limits::kOffsetsRetentionShortestMs,
                   limits::kOffsetsRetentionLongestMs>("offsets.retention.ms"),
      Milliseconds<&GroupConfig::rebalance_timeout_ms, limits::kRebalanceTimeoutShortestMs,
                   limits::kRebalanceTimeoutLongestMs>("rebalance.timeout.ms"),
      Milliseconds<&GroupConfig::session_timeout_ms, limits::kSessionTimeoutShortestMs,
                   limits::kSessionTimeoutLongestMs>("session.timeout.ms")};
  return settings;
}

const std::vector<Setting>& ShareGroupSettings() {
  static const auto& settings = *new std::vector<Setting>{
      Milliseconds<&GroupConfig::ack_timeout_ms, limits::kAckTimeoutShortestMs,
                   limits::kAckTimeoutLongestMs>("ack.timeout.ms"),
      Number<&GroupConfig::breaker_count, 1, limits::kBreakerCountMost>("dlq.breaker.count"),
      Milliseconds<&GroupConfig::breaker_window_ms, limits::kBreakerWindowShortestMs,
                   limits::kBreakerWindowLongestMs>("dlq.breaker.window.ms"),
      {kDeadLetterTopicSetting, "a topic's name: 1 to 249 characters of A-Z a-z 0-9 . _ -",
       [](absl::string_view text, GroupConfig& config) {
         config.dead_letter_topic = std::string(text);
         return text.empty() || CheckTopicName(text).ok();
       },
       [](const GroupConfig& config) { return config.dead_letter_topic; }},
      Number<&GroupConfig::max_delivery_attempts, 1, limits::kDeliveryAttemptsMost>(
          "max.delivery.attempts"),
      Number<&GroupConfig::max_in_flight, 1, limits::kShareInFlightMost>("max.in.flight"),
      Number<&GroupConfig::max_parked, 1, limits::kShareParkedMost>("max.parked"),
      {"order", "one of none, key",
       [](absl::string_view text, GroupConfig& config) {
         config.order = text == "key" ? GroupOrder::kKey : GroupOrder::kNone;
         return text == "none" || text == "key";
       },
       [](const GroupConfig& config) {
         return std::string(config.order == GroupOrder::kKey ? "key" : "none");
       }},
      Milliseconds<&GroupConfig::retry_backoff_initial_ms, limits::kRetryBackoffShortestMs,
                   limits::kRetryBackoffLongestMs>("retry.backoff.initial.ms"),
      Milliseconds<&GroupConfig::retry_backoff_max_ms, limits::kRetryBackoffShortestMs,
                   limits::kRetryBackoffLongestMs>("retry.backoff.max.ms")};
  return settings;
}

// By name.
const std::vector<Setting>& Settings(GroupType type) {
  return type == GroupType::kConsumer ? ConsumerGroupSettings() : ShareGroupSettings();
}

std::string Quoted(absl::string_view text) {
  return absl::StrCat("'", absl::CEscape(text.substr(0, kQuotedBytes)),
                      text.size() > kQuotedBytes ? "..." : "", "'");
}

absl::StatusOr<const Setting*> FindSetting(GroupType type, absl::string_view name) {
  const std::vector<Setting>& settings = Settings(type);
  for (const Setting& setting : settings) {
    if (setting.name == name) return &setting;
  }
  return MakeError(
      Reason::kInvalidConfig,
      absl::StrCat("there is no configuration ", Quoted(name), " of ", GroupTypeName(type),
                   " groups; there are: ",
                   absl::StrJoin(settings, ", ", [](std::string* out, const Setting& setting) {
                     absl::StrAppend(out, setting.name);
                   })));
}

}  // namespace

absl::StatusOr<GroupConfig> Changed(GroupType type, const GroupConfig& config,
                                    const GroupConfigChange& change) {
  GroupConfig changed = config;
  for (const std::string& name : change.remove) {
    WEIR_ASSIGN_OR_RETURN(const Setting* const setting, FindSetting(type, name));
    WEIR_CHECK(setting->set(setting->get(GroupConfig{}), changed));
  }
  for (const auto& [name, value] : change.set) {
    WEIR_ASSIGN_OR_RETURN(const Setting* const setting, FindSetting(type, name));
    if (!setting->set(value, changed)) {
      return MakeError(Reason::kInvalidConfig, absl::StrCat(name, " cannot be ", Quoted(value),
                                                            "; allowed is ", setting->range));
    }
  }
  if (changed.retry_backoff_initial_ms > changed.retry_backoff_max_ms) {
    return MakeError(
        Reason::kInvalidConfig,
        absl::StrCat("retry.backoff.initial.ms cannot be ", changed.retry_backoff_initial_ms,
                     " while retry.backoff.max.ms is ", changed.retry_backoff_max_ms,
                     "; allowed is at most that"));
  }
  return changed;
}

absl::Status CheckFixed(const GroupConfig& from, const GroupConfig& to) {
  for (const Setting& setting : ShareGroupSettings()) {
    if (setting.name != "order" && setting.name != kDeadLetterTopicSetting) continue;
    if (setting.get(from) == setting.get(to)) continue;
    return MakeError(Reason::kInvalidConfig,
                     absl::StrCat(setting.name, " is fixed while a group lives: it is ",
                                  Quoted(setting.get(from)), ", not ", Quoted(setting.get(to))));
  }
  return absl::OkStatus();
}

std::vector<GroupConfigEntry> DescribeGroupConfig(GroupType type, const GroupConfig& config) {
  std::vector<GroupConfigEntry> entries;
  for (const Setting& setting : Settings(type)) {
    std::string value = setting.get(config);
    const bool is_default = value == setting.get(GroupConfig{});
    entries.push_back({std::string(setting.name), std::move(value), is_default});
  }
  return entries;
}

}  // namespace weir
