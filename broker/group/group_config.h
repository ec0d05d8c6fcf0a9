// GroupConfig: what can be set for a group. One table in group_config.cc names every setting with
// its range; parsing, describing and the error texts come from it. Immutable values, any thread.
#ifndef WEIR_BROKER_GROUP_GROUP_CONFIG_H_
#define WEIR_BROKER_GROUP_GROUP_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/group/assignor.h"
#include "storage/base/limits.h"

namespace weir {

struct GroupConfig {
  int64_t session_timeout_ms = limits::kSessionTimeoutDefaultMs;
  int64_t rebalance_timeout_ms = limits::kRebalanceTimeoutDefaultMs;
  int64_t offsets_retention_ms = limits::kOffsetsRetentionDefaultMs;
  Assignor assignor = Assignor::kSticky;

  bool operator==(const GroupConfig&) const = default;
};

struct GroupConfigChange {
  std::map<std::string, std::string> set;  // by name: session.timeout.ms, rebalance.timeout.ms,
                                           // offsets.retention.ms, assignor
  std::vector<std::string> remove;         // back to the default
};

// `config` with the change. INVALID_CONFIG for a name that does not exist (the message lists those
// that do) and for a value out of range (the message has the value and the range).
absl::StatusOr<GroupConfig> Changed(const GroupConfig& config, const GroupConfigChange& change);

struct GroupConfigEntry {
  std::string name;
  std::string value;
  bool is_default = false;  // the value is the default

  bool operator==(const GroupConfigEntry&) const = default;
};

// The value of every setting, by name.
std::vector<GroupConfigEntry> DescribeGroupConfig(const GroupConfig& config);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_CONFIG_H_
