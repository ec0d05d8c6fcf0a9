// Admin: topics, their configuration, offsets, and what the broker says about itself. Each function
// is one call to the broker (a listing as many as it has pages), waits for its answer at most
// ClientOptions::call_timeout, and never tries again by itself. Any thread; copies share the
// connection.
//
// Errors of every function, beside its own: UNAVAILABLE and DEADLINE_EXCEEDED without a reason,
// from the transport; for a call that changes something its effect is then unknown (EffectOf).
// Errors with a reason have had no effect, but INTERNAL.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_ADMIN_H_
#define WEIR_CLIENT_INCLUDE_WEIR_ADMIN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/base/types.h"
#include "weir/client.h"
#include "weir/position.h"

namespace weir {

class Admin {
 public:
  struct TopicSpec {
    std::string name;
    int32_t partitions = 0;                     // 0: as the broker's topic.partitions says
    std::map<std::string, std::string> config;  // Kafka's names: retention.ms, segment.bytes, ...
  };

  struct TopicSummary {
    std::string name;
    std::string topic_id;  // 36 characters, never used twice
    int32_t partitions = 0;
  };

  struct ConfigEntry {
    std::string name;
    std::string value;
    bool is_default = false;
  };

  struct PartitionDescription {
    PartitionIndex partition;
    Offset log_start_offset;
    Offset high_watermark;
    int64_t size_bytes = 0;
    int32_t segments = 0;
    LeaderEpoch leader_epoch;
    std::string damage;  // not empty: the partition is read-only, and why
  };

  struct TopicDescription {
    std::string name;
    std::string topic_id;
    int32_t partition_count = 0;
    std::vector<ConfigEntry> config;               // every known name, by name
    std::vector<PartitionDescription> partitions;  // all of them in order; empty when not asked for
  };

  struct BrokerDescription {
    std::string version;
    std::vector<std::string> features;
    std::string broker_id;
    LeaderEpoch leader_epoch;
    absl::Time start_time;
    std::string data_dir;
    int64_t disk_free_bytes = 0;
    int64_t disk_total_bytes = 0;
    bool disk_low = false;  // produces are refused
    int64_t memory_budget_bytes = 0;
    int64_t memory_used_bytes = 0;
    std::map<std::string, int64_t> limits;
    int32_t topics = 0;
    int32_t partitions = 0;
    std::string log_level;
    std::string read_only;  // why it takes no writes until it is restarted; empty: it does
  };

  struct RecordDeletion {
    PartitionIndex partition;
    std::optional<Offset> before;  // absent: all there is, up to the high watermark
  };

  struct OffsetQuery {
    std::string topic;
    PartitionIndex partition;
    Position at;  // an Offset is answered with itself, unchecked
  };

  struct FoundOffset {
    Offset offset;
    std::optional<int64_t> timestamp_ms;  // of the record found by a time
  };

  explicit Admin(const Client& client) : channel_(client.channel()) {}

  // The new topic. `validate_only`: says only whether it would be. Errors: TOPIC_EXISTS,
  // INVALID_TOPIC_NAME, INVALID_CONFIG, INVALID_PARTITIONS.
  absl::StatusOr<TopicSummary> CreateTopic(const TopicSpec& spec, bool validate_only = false);

  // All topics whose names begin with `prefix`, by name.
  absl::StatusOr<std::vector<TopicSummary>> ListTopics(absl::string_view prefix = "");

  // UNKNOWN_TOPIC. Without `with_partitions` one short call, however many partitions there are.
  absl::StatusOr<TopicDescription> DescribeTopic(absl::string_view topic,
                                                 bool with_partitions = true);

  // Sets and removes (back to the default) configuration values, all or none; gives the whole
  // configuration as it is then. Errors: UNKNOWN_TOPIC, INVALID_CONFIG.
  absl::StatusOr<std::vector<ConfigEntry>> AlterTopicConfig(
      absl::string_view topic, const std::map<std::string, std::string>& set,
      const std::vector<std::string>& remove = {});

  // Raises the number of partitions to `total` and gives it back. Keys move: order per key holds
  // only from here on. Errors: UNKNOWN_TOPIC, INVALID_PARTITIONS.
  absl::StatusOr<int32_t> AddPartitions(absl::string_view topic, int32_t total);

  // UNKNOWN_TOPIC. The records are gone for good.
  absl::Status DeleteTopic(absl::string_view topic);

  // Moves log start offsets forward. One result for each of `deletions`, in their order: the new
  // log start offset, or why not (UNKNOWN_PARTITION, OFFSET_OUT_OF_RANGE); some may have happened
  // and others not. UNKNOWN_TOPIC for all.
  absl::StatusOr<std::vector<absl::StatusOr<Offset>>> DeleteRecords(
      absl::string_view topic, absl::Span<const RecordDeletion> deletions);

  // One result for each of `queries`, in their order: UNKNOWN_TOPIC, UNKNOWN_PARTITION where there
  // is none.
  absl::StatusOr<std::vector<absl::StatusOr<FoundOffset>>> ListOffsets(
      absl::Span<const OffsetQuery> queries);

  absl::StatusOr<BrokerDescription> DescribeBroker();

  // `level`: trace debug info warn error. Gives the previous one. INVALID_REQUEST.
  absl::StatusOr<std::string> SetLogLevel(absl::string_view level);

 private:
  std::shared_ptr<client::Channel> channel_;
};

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_ADMIN_H_
