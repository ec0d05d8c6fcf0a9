// What the machine of consumer groups is asked, what it answers, and what it tells members. Values
// without a wire format. Whoever asks has resolved names of topics to ids. Every list is bounded by
// limits.h, and the machine checks that.
#ifndef WEIR_BROKER_GROUP_GROUP_REQUESTS_H_
#define WEIR_BROKER_GROUP_GROUP_REQUESTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/group/assignor.h"
#include "broker/group/committed_offsets.h"
#include "broker/group/group.h"
#include "broker/group/group_config.h"
#include "broker/group/member.h"
#include "broker/runtime/reply.h"
#include "storage/base/types.h"

namespace weir {

// Names one stream of one member. Whoever runs the streams numbers them from 1; no number comes
// twice while a broker runs.
using SessionId = StrongNumber<struct SessionIdTag, uint64_t>;

struct JoinRequest {
  std::string group;
  // Chosen by the client, or for it. A member that exists is resumed, whatever the epoch.
  std::string member_id;
  MemberEpoch epoch;  // the member's newest; 0: it joins for the first time
  SessionId session;
  std::string instance_id;  // not empty: a static member
  Subscription subscription;
  std::string client_id;
  std::string host;
  std::optional<Assignor> assignor;  // must be the group's; one without members takes it on
  std::optional<GroupStart> start;   // creates the group when there is none; otherwise unused
};
struct Joined {
  MemberEpoch epoch;
  bool resumed = false;  // the member is one that was there before
  // By its own clock, a member that is cut off for as long as the first, or has not given up what
  // it was asked to within the second, is no member any more.
  int64_t session_timeout_ms = 0;
  int64_t rebalance_timeout_ms = 0;
};

// A member as its stream knows it.
struct MemberStream {
  std::string group;
  std::string member_id;
  SessionId session;
};

// What a member is told, in order. Each notice says all, so that only the newest counts.
struct Notice {
  enum class Kind : uint8_t {
    kAssignment,
    kFenced,      // the member is none any more: it owns nothing, and may join anew
    kSuperseded,  // another stream has taken the member over
  };

  Kind kind = Kind::kAssignment;
  std::string group;
  std::string member_id;
  SessionId session;
  MemberEpoch epoch;
  std::vector<TopicPartition> assigned;  // ascending
  // To be given up, then confirmed with the epoch of this notice; ascending.
  std::vector<TopicPartition> revoked;
  bool paused = false;  // the group is: nothing shall be read for now
};

class GroupListener {
 public:
  virtual ~GroupListener() = default;
  // What it tells is durable. On the strand; must not wait.
  virtual void OnNotice(const Notice& notice) = 0;
  // The machine was loaded (again): no session that was joined before is one any more. Members
  // whose streams live on must join again, with id and epoch.
  virtual void OnSessionsDropped() = 0;
};

struct OffsetCommit {
  TopicPartition partition;
  Offset offset;
  LeaderEpoch leader_epoch{-1};
  std::string metadata;
};
struct CommitRequest {
  std::string group;
  std::string member_id;  // empty: somebody outside, while the group has no members
  MemberEpoch epoch;      // under which the member has read what it commits
  std::vector<OffsetCommit> offsets;
  std::optional<GroupStart> start;  // creates the group when there is none; only without member
};

struct FetchOffsetsRequest {
  std::string group;
  std::vector<TopicPartition> partitions;  // or, when empty, all that are committed:
  TopicPartition from;                     // this one and those behind it,
  size_t limit = 0;                        // so many; 0: as many as may be
};
struct FetchedOffset {
  TopicPartition partition;
  ReadFrom read_from = ReadFrom::kNowhere;
  std::optional<CommittedOffset> committed;
};
struct FetchedOffsets {
  std::vector<FetchedOffset> offsets;
  std::optional<TopicPartition> next;  // there are more, from here on
};

struct ResetToEarliest {};
struct ResetToLatest {};
struct ResetBy {
  int64_t records = 0;  // from the committed offset; stops at the ends of the log
};
// An offset, as it is or as found for a time.
using ResetTarget = std::variant<ResetToEarliest, ResetToLatest, Offset, ResetBy>;
struct ResetItem {
  TopicPartition partition;
  ResetTarget target;
};
struct ResetRequest {
  std::string group;
  std::vector<ResetItem> items;
  bool dry_run = false;
};
struct ResetOutcome {
  TopicPartition partition;
  std::optional<Offset> before;
  absl::StatusOr<Offset> after;  // an error anywhere: nothing was reset
};

struct CreateGroupRequest {
  std::string group;
  GroupType type = GroupType::kConsumer;
  GroupStart start = GroupStart::kEarliest;
  GroupConfigChange config;
  // Of a share group.
  Subscription subscription;
  TopicId dead_letter_topic;  // which exists, of the name that GroupAdmin::Plan gives
};

enum class GroupState : uint8_t {
  kEmpty,
  kRebalancing,  // partitions are on their way from one member to another
  kStable,
};
absl::string_view GroupStateName(GroupState state);  // "empty", "rebalancing", "stable"

struct GroupSummary {
  std::string id;
  GroupType type = GroupType::kConsumer;
  GroupState state = GroupState::kEmpty;
  bool paused = false;
  size_t members = 0;
};
struct MemberDescription {
  Member member;
  bool connected = false;
};
struct GroupDescription {
  GroupHead head;
  GroupState state = GroupState::kEmpty;
  std::vector<MemberDescription> members;  // by id
  size_t committed_offsets = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_REQUESTS_H_
