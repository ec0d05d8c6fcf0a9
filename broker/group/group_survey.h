// GroupSurvey: what a shard tells of its consumer groups to who watches the broker: how many there
// are in which state, what they did, and how far they have come. Read-only handlers, each bounded,
// so that a shard is never kept from its members for long. One strand.
#ifndef WEIR_BROKER_GROUP_GROUP_SURVEY_H_
#define WEIR_BROKER_GROUP_GROUP_SURVEY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "broker/group/draft.h"
#include "broker/group/group_context.h"
#include "broker/group/group_counters.h"
#include "broker/group/rebalancer.h"

namespace weir {

struct GroupGlance {
  std::string id;
  GroupState state = GroupState::kEmpty;
  size_t members = 0;
  GroupCounts counts;
};
struct GroupCensus {
  absl::btree_map<GroupState, size_t> by_state;  // all groups
  size_t members = 0;                            // of all groups
  GroupCounts counts;                            // of all groups, also those that are gone
  std::vector<GroupGlance> groups;               // the first ones, by id
};

// A place in the walk over groups and their topics.
struct SurveyCursor {
  std::string group;                        // this one and those behind it, ...
  std::optional<TopicPartition> partition;  // ... it from here on; nothing: from its first topic
};
struct PositionsRequest {
  SurveyCursor from;
  std::string last;  // the last group, by id
};
// How far a group has come in a topic that it has committed in, or that its members read.
struct TopicPositions {
  std::string group;
  TopicId topic;
  std::vector<std::pair<PartitionIndex, Offset>> committed;  // ascending
};
struct PositionsPage {
  std::vector<TopicPositions> positions;  // by group and topic; the first may go on with a topic
  std::optional<SurveyCursor> next;       // there are more, from here on
};

class GroupSurvey {
 public:
  GroupSurvey(GroupContext* context, const Rebalancer* rebalancer)
      : context_(context), rebalancer_(rebalancer) {}

  // Counts every group, and shows up to `most`. A tenth of a microsecond for each group.
  Decision Census(size_t most, Reply<GroupCensus> reply) const;
  // A page of at most limits::kSurveyOffsets groups, topics and offsets together.
  Decision Positions(const PositionsRequest& request, Reply<PositionsPage> reply) const;

 private:
  // The group's next topic in order; `after` nothing: the first.
  std::optional<TopicId> TopicBehind(const Group& group, std::optional<TopicId> after) const;

  GroupContext* const context_;
  const Rebalancer* const rebalancer_;
};

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_GROUP_SURVEY_H_
