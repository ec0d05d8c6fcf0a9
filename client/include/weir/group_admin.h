// GroupAdmin: groups of both types as an operator sees and moves them. Calls ask once and wait, at
// most call_timeout; one that fails without a reason of its own may have happened. Any thread.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_GROUP_ADMIN_H_
#define WEIR_CLIENT_INCLUDE_WEIR_GROUP_ADMIN_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "weir/admin.h"
#include "weir/client.h"
#include "weir/group.h"
#include "weir/position.h"

namespace weir {

class GroupAdmin {
 public:
  enum class State { kEmpty, kStable, kRebalancing };

  struct Summary {
    std::string group;
    GroupType type = GroupType::kConsumer;
    State state = State::kEmpty;
    bool paused = false;
    int32_t members = 0;  // of a share group: sessions of workers
  };
  // Of a share group a worker: its session's number as member_id, its name as client_id.
  struct MemberDescription {
    std::string member_id;
    std::string instance_id;
    std::string client_id;
    std::string host;
    absl::Time joined;
    bool connected = false;
    int64_t epoch = 0;
    std::vector<std::string> topics;
    std::string topic_prefix;
    std::vector<NamedPartition> partitions;
  };
  struct PartitionDescription {
    NamedPartition partition;
    std::string member_id;  // empty: nobody owns it
    std::optional<Offset> committed;
    Offset log_start_offset;
    Offset high_watermark;
    int64_t lag = 0;          // records
    absl::Duration lag_time;  // age of the first unread record
    std::string metadata;
    absl::Time commit_time;  // of `committed`
  };
  // What a share group has to do with one partition.
  struct SharePartitionDescription {
    NamedPartition partition;
    std::string
        state;  // OPEN, PAUSED, PAUSED_BY_BREAKER, IN_FLIGHT_LIMIT, PARK_LIMIT, WINDOW_LIMIT
    Offset start_offset;  // everything before it is finished, or parked
    Offset log_start_offset;
    Offset high_watermark;
    int64_t unfinished = 0;    // jobs that are neither finished nor dead
    Offset oldest_unfinished;  // the end of the log when there are none
    absl::Duration oldest_age;
    int64_t in_flight = 0;
    int64_t delayed = 0;
    int64_t blocked = 0;
    int64_t dying = 0;              // dead letters still to be written
    std::string dead_letter_error;  // why the last could not be; empty: it was
    int64_t accepted = 0;
    int64_t cancelled = 0;
    int64_t expired = 0;
    std::map<std::string, int64_t> died;  // by reason
  };
  struct Description {
    std::string group;
    GroupType type = GroupType::kConsumer;
    GroupStart start = GroupStart::kEarliest;
    State state = State::kEmpty;
    bool paused = false;
    int64_t epoch = 0;
    std::vector<Admin::ConfigEntry> config;
    std::vector<MemberDescription> members;        // by id
    std::vector<PartitionDescription> partitions;  // by topic and number
    // Of a share group, in place of members and partitions.
    TopicSelection reads;
    std::string dead_letter_topic;
    bool paused_by_breaker = false;
    std::vector<SharePartitionDescription> share_partitions;  // by topic and number
  };
  struct ShareGroupSpec {
    std::string group;
    GroupStart start = GroupStart::kEarliest;  // or kLatest
    TopicSelection reads;                      // one topic, unless dlq.topic is set
    std::map<std::string, std::string> config;
  };
  // By so many records from what is committed; cut at the bounds of the log.
  struct Shift {
    int64_t records = 0;
  };
  using ResetTarget = std::variant<Earliest, Latest, Offset, absl::Time, Shift>;
  struct ResetSpec {
    std::string group;
    std::string topic;
    std::vector<PartitionIndex> partitions;  // none: all of the topic
    ResetTarget to;
    bool dry_run = false;
  };
  struct ResetOutcome {
    PartitionIndex partition;
    std::optional<Offset> before;
    absl::StatusOr<Offset> after;  // with an error anywhere none was moved
  };

  explicit GroupAdmin(const Client& client) : channel_(client.channel()) {}

  // GROUP_EXISTS, INVALID_GROUP_ID, INVALID_CONFIG.
  absl::Status Create(absl::string_view group, GroupStart start,
                      const std::map<std::string, std::string>& config = {});
  // The same for a share group, with its dead-letter topic. Also INVALID_REQUEST, UNKNOWN_TOPIC,
  // TOPIC_EXISTS (the dead-letter topic's name is taken).
  absl::Status CreateShare(const ShareGroupSpec& spec);
  // Those whose ids begin with `prefix`, by id.
  absl::StatusOr<std::vector<Summary>> List(absl::string_view prefix = "");
  // UNKNOWN_GROUP; so do all that follow.
  absl::StatusOr<Description> Describe(absl::string_view group);
  // Sets and removes (back to the default) values, and what a share group `reads`, all or none;
  // gives the whole configuration.
  absl::StatusOr<std::vector<Admin::ConfigEntry>> Alter(
      absl::string_view group, const std::map<std::string, std::string>& set,
      const std::vector<std::string>& remove = {},
      const std::optional<TopicSelection>& reads = std::nullopt);
  absl::Status SetPaused(absl::string_view group, bool paused);
  // With its committed offsets. GROUP_NOT_EMPTY while it has members.
  absl::Status Delete(absl::string_view group);
  // GROUP_NOT_EMPTY, UNKNOWN_TOPIC, UNKNOWN_PARTITION.
  absl::StatusOr<std::vector<ResetOutcome>> ResetOffsets(const ResetSpec& spec);

 private:
  const std::shared_ptr<client::Channel> channel_;
};

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_GROUP_ADMIN_H_
