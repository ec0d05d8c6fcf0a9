// GroupConfig: what can be set for a group. One table in group_config.cc names every setting with
// its range; parsing, describing and the error texts come from it. Immutable values, any thread.
#ifndef WEIR_BROKER_GROUP_GROUP_CONFIG_H_
#define WEIR_BROKER_GROUP_GROUP_CONFIG_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/group/assignor.h"
#include "broker/group/group_type.h"
#include "storage/base/limits.h"

namespace weir {

// In which order a share group hands out the jobs of a partition. The numbers are on disk.
enum class GroupOrder : uint8_t {
  kNone = 1,
  kKey = 2,  // those with one key one at a time, in order, also through retries
};

// What a group is set to. Of each type only its own part counts; the other has its defaults.
struct GroupConfig {
  // Consumer groups.
  int64_t session_timeout_ms = limits::kSessionTimeoutDefaultMs;
  int64_t rebalance_timeout_ms = limits::kRebalanceTimeoutDefaultMs;
  int64_t offsets_retention_ms = limits::kOffsetsRetentionDefaultMs;
  Assignor assignor = Assignor::kSticky;

  // Share groups.
  GroupOrder order = GroupOrder::kNone;
  std::string dead_letter_topic;  // empty: `dlq.<topic>.<group>`
  int64_t ack_timeout_ms = limits::kAckTimeoutDefaultMs;
  int64_t max_delivery_attempts = limits::kDeliveryAttemptsDefault;
  int64_t retry_backoff_initial_ms = limits::kRetryBackoffInitialDefaultMs;
  int64_t retry_backoff_max_ms = limits::kRetryBackoffMaxDefaultMs;
  int64_t max_in_flight = limits::kShareInFlightDefault;  // jobs, of one partition
  int64_t max_parked = limits::kShareParkedDefault;       // jobs, of one partition
  int64_t breaker_count = limits::kBreakerCountDefault;
  int64_t breaker_window_ms = limits::kBreakerWindowDefaultMs;

  bool operator==(const GroupConfig&) const = default;
};

struct GroupConfigChange {
  std::map<std::string, std::string> set;  // by name
  std::vector<std::string> remove;         // back to the default
};

inline constexpr absl::string_view kDeadLetterTopicSetting = "dlq.topic";

// `config`, of a group of this type, with the change. INVALID_CONFIG for a name that groups of the
// type do not have (the message lists those that they have) and for a value out of range (the
// message has the value and the range).
absl::StatusOr<GroupConfig> Changed(GroupType type, const GroupConfig& config,
                                    const GroupConfigChange& change);

// INVALID_CONFIG when `to` differs from `from` in what is fixed while a group lives: order and
// dlq.topic.
absl::Status CheckFixed(const GroupConfig& from, const GroupConfig& to);

struct GroupConfigEntry {
  std::string name;
  std::string value;
  bool is_default = false;  // the value is the default

  bool operator==(const GroupConfigEntry&) const = default;
};

// The value of every setting that groups of the type have, by name.
std::vector<GroupConfigEntry> DescribeGroupConfig(GroupType type, const GroupConfig& config);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_CONFIG_H_
