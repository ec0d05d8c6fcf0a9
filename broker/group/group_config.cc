#include "broker/group/group_config.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
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
Setting Milliseconds(absl::string_view name) {
  return {name, absl::StrCat("a whole number of milliseconds, ", kLeast, " to ", kMost),
          [](absl::string_view text, GroupConfig& config) {
            int64_t value = 0;
            if (!absl::SimpleAtoi(text, &value) || value < kLeast || value > kMost) return false;
            config.*kField = value;
            return true;
          },
          [](const GroupConfig& config) { return absl::StrCat(config.*kField); }};
}

// By name.
const std::vector<Setting>& Settings() {
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
      absl::StrCat("there is no group configuration ", Quoted(name), "; there are: ",
                   absl::StrJoin(Settings(), ", ", [](std::string* out, const Setting& setting) {
                     absl::StrAppend(out, setting.name);
                   })));
}

}  // namespace

absl::StatusOr<GroupConfig> Changed(const GroupConfig& config, const GroupConfigChange& change) {
  GroupConfig changed = config;
  for (const std::string& name : change.remove) {
    WEIR_ASSIGN_OR_RETURN(const Setting* const setting, FindSetting(name));
    WEIR_CHECK(setting->set(setting->get(GroupConfig{}), changed));
  }
  for (const auto& [name, value] : change.set) {
    WEIR_ASSIGN_OR_RETURN(const Setting* const setting, FindSetting(name));
    if (!setting->set(value, changed)) {
      return MakeError(Reason::kInvalidConfig, absl::StrCat(name, " cannot be ", Quoted(value),
                                                            "; allowed is ", setting->range));
    }
  }
  return changed;
}

std::vector<GroupConfigEntry> DescribeGroupConfig(const GroupConfig& config) {
  std::vector<GroupConfigEntry> entries;
  for (const Setting& setting : Settings()) {
    std::string value = setting.get(config);
    const bool is_default = value == setting.get(GroupConfig{});
    entries.push_back({std::string(setting.name), std::move(value), is_default});
  }
  return entries;
}

}  // namespace weir
