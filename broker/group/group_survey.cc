#include "broker/group/group_survey.h"

#include "storage/base/limits.h"

namespace weir {

Decision GroupSurvey::Census(size_t most, Reply<GroupCensus> reply) const {
  GroupCensus census{.by_state = {},
                     .members = context_->groups.members(),
                     .counts = context_->counters.total(),
                     .groups = {}};
  for (const auto& [id, group] : context_->groups.groups()) {
    if (group->head().type != GroupType::kConsumer) continue;
    const GroupState state = rebalancer_->StateOf(*group);
    ++census.by_state[state];
    if (census.groups.size() == most) continue;
    census.groups.push_back({.id = id,
                             .state = state,
                             .members = group->members().size(),
                             .counts = context_->counters.Of(id)});
  }
  return Draft(context_->listener).Answer(std::move(reply), std::move(census));
}

std::optional<TopicId> GroupSurvey::TopicBehind(const Group& group,
                                                std::optional<TopicId> after) const {
  const std::optional<TopicId> committed = group.offsets().TopicBehind(after);
  const std::optional<TopicId> assigned = rebalancer_->TopicBehind(group.id(), after);
  if (!committed.has_value()) return assigned;
  return assigned.has_value() && *assigned < *committed ? assigned : committed;
}

Decision GroupSurvey::Positions(const PositionsRequest& request, Reply<PositionsPage> reply) const {
  PositionsPage page;
  size_t left = limits::kSurveyOffsets;
  const auto& groups = context_->groups.groups();
  std::optional<TopicPartition> from = request.from.partition;  // of the first group
  for (auto at = groups.lower_bound(request.from.group);
       at != groups.end() && at->first <= request.last && !page.next.has_value(); ++at) {
    const auto& [id, group] = *at;
    if (id != request.from.group) from = std::nullopt;
    if (left == 0) {
      page.next = {.group = id, .partition = from};
      break;
    }
    --left;
    std::optional<TopicId> topic =
        from.has_value() ? from->topic : TopicBehind(*group, std::nullopt);
    for (; topic.has_value() && !page.next.has_value(); topic = TopicBehind(*group, *topic)) {
      const bool goes_on = from.has_value() && from->topic == *topic;
      const PartitionIndex first = goes_on ? from->partition : PartitionIndex{0};
      const auto stop = [&, id = id, topic = *topic](PartitionIndex partition) {
        page.next = {.group = id, .partition = TopicPartition{topic, partition}};
      };
      if (left == 0) {
        stop(first);
        break;
      }
      --left;
      TopicPositions positions{.group = id, .topic = *topic, .committed = {}};
      group->offsets().VisitOffsets({*topic, first}, [&](PartitionIndex partition, Offset offset) {
        if (left == 0) {
          stop(partition);
          return false;
        }
        --left;
        positions.committed.emplace_back(partition, offset);
        return true;
      });
      page.positions.push_back(std::move(positions));
    }
  }
  return Draft(context_->listener).Answer(std::move(reply), std::move(page));
}

}  // namespace weir
