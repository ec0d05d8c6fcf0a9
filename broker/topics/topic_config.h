// TopicConfig: what can be set for a topic, by Kafka's names and with Kafka's meanings. One table
// in topic_config.cc names every setting with its range; parsing, describing and the error texts
// come from it. Immutable values, any thread.
#ifndef WEIR_BROKER_TOPICS_TOPIC_CONFIG_H_
#define WEIR_BROKER_TOPICS_TOPIC_CONFIG_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/base/limits.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"

namespace weir {

struct TopicConfig {
  static constexpr int64_t kUnlimited = -1;

  int64_t retention_ms = 7LL * 24 * 3600 * 1000;  // or kUnlimited
  int64_t retention_bytes = kUnlimited;           // of one partition
  int64_t segment_bytes = limits::kSegmentBytesDefault;
  int64_t segment_ms = 7LL * 24 * 3600 * 1000;
  int64_t max_message_bytes = limits::kMaxMessageBytesDefault;  // of one record batch, as stored
  std::optional<Compression> compression;                       // nothing: as the producer sent it
  TimestampType timestamp_type = TimestampType::kCreateTime;
  Durability durability = Durability::kDurable;
  // Records may carry a time of delivery; readers for share groups look into every batch for it.
  bool delayed_delivery = false;

  bool operator==(const TopicConfig&) const = default;
};

// What somebody set, by name.
using TopicConfigMap = std::map<std::string, std::string>;

// `defaults` with what `overrides` sets. INVALID_CONFIG for a name that does not exist (the message
// lists those that do) and for a value out of range (the message has the value and the range).
absl::StatusOr<TopicConfig> ParseTopicConfig(const TopicConfigMap& overrides,
                                             const TopicConfig& defaults = {});

// INVALID_CONFIG unless `name` can be set.
absl::Status CheckTopicConfigName(absl::string_view name);

// What `name` may be, for people; `name` can be set.
std::string TopicConfigRange(absl::string_view name);

struct TopicConfigEntry {
  std::string name;
  std::string value;
  bool is_default = false;  // not set for this topic

  bool operator==(const TopicConfigEntry&) const = default;
};

// The effective value of every setting, by name. `config` is what ParseTopicConfig made of
// `overrides`.
std::vector<TopicConfigEntry> DescribeTopicConfig(const TopicConfig& config,
                                                  const TopicConfigMap& overrides);

}  // namespace weir

#endif  // WEIR_BROKER_TOPICS_TOPIC_CONFIG_H_
