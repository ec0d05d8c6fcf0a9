#include "broker/group_sampler.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "broker/awaited.h"
#include "broker/topic_lags.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

GroupActivity ActivityOf(const GroupCounts& counts) {
  return {.rebalances = counts.rebalances,
          .fenced_members = counts.fenced_members,
          .commits = counts.commits,
          .committed_offsets = counts.committed_offsets};
}

void Add(const GroupActivity& more, GroupActivity* to) {
  to->rebalances += more.rebalances;
  to->fenced_members += more.fenced_members;
  to->commits += more.commits;
  to->committed_offsets += more.committed_offsets;
}

// One page's worth of questions.
class Pass {
 public:
  Pass(const GroupSampler::Options& options, RecordTimes* times)
      : options_(options),
        times_(times),
        until_(options.clock->Monotonic() + absl::Milliseconds(limits::kMetricGroupsMs)),
        lags_({.topics = options.topics, .times = times, .now_ms = options.clock->NowMs()}) {}

  GroupsSample Run() {
    TakeCensus();
    ChooseGroups();
    times_->Begin();
    for (const auto& [shard, groups] : shown_) AskForLags(shard, groups);
    return std::move(sample_);
  }

 private:
  // The groups of one shard that are shown, with their places in the sample.
  using Shown = absl::btree_map<std::string, size_t>;
  struct Seen {
    GroupGlance glance;
    PartitionIndex shard;
  };

  absl::Duration TimeLeft() const { return until_ - options_.clock->Monotonic(); }
  void TakeCensus();
  void AddCensus(PartitionIndex shard, GroupCensus census);
  // The first by id, of all shards.
  void ChooseGroups();
  void AskForLags(PartitionIndex shard, const Shown& groups);
  // Empty, or the group that there is no room for any more.
  std::string AddPage(const PositionsPage& page, const Shown& groups);
  void BeginTopic(const TopicPositions& positions, const Shown& groups);
  // Shows what came of the topic, if one was begun.
  void FinishTopic();

  const GroupSampler::Options& options_;
  RecordTimes* const times_;
  const absl::Duration until_;
  TopicLags lags_;
  GroupsSample sample_;
  GroupsSample::Totals totals_;
  std::vector<Seen> seen_;
  int64_t all_groups_ = 0;
  absl::btree_map<PartitionIndex, Shown> shown_;
  size_t topics_ = 0;      // that are shown
  size_t partitions_ = 0;  // that were added up
  // What positions have come for last.
  std::string group_;
  TopicId topic_;
  GroupSample* open_ = nullptr;  // the group, while they are added up
};

void Pass::TakeCensus() {
  for (const GroupState state : {GroupState::kEmpty, GroupState::kRebalancing, GroupState::kStable})
    totals_.by_state[std::string(GroupStateName(state))] = 0;
  std::vector<std::shared_ptr<Awaited<GroupCensus>>> asked;
  for (size_t i = 0; i < options_.shards->size(); ++i) {
    asked.push_back(Awaited<GroupCensus>::Ask(
        options_.shards, PartitionIndex{static_cast<int32_t>(i)},
        [](GroupMachine& machine, const MachineTime&, Reply<GroupCensus> reply) {
          return machine.survey().Census(limits::kMetricGroups, std::move(reply));
        }));
  }
  for (size_t i = 0; i < asked.size(); ++i) {
    if (GroupCensus* const census = asked[i]->Wait(TimeLeft())) {
      AddCensus(PartitionIndex{static_cast<int32_t>(i)}, std::move(*census));
    } else {
      ++sample_.unanswered_shards;
    }
  }
  if (sample_.unanswered_shards == 0) sample_.totals = totals_;
}

void Pass::AddCensus(PartitionIndex shard, GroupCensus census) {
  for (const auto& [state, count] : census.by_state) {
    totals_.by_state[std::string(GroupStateName(state))] += static_cast<int64_t>(count);
    all_groups_ += static_cast<int64_t>(count);
  }
  totals_.members += static_cast<int64_t>(census.members);
  Add(ActivityOf(census.counts), &totals_.activity);
  for (GroupGlance& glance : census.groups) seen_.push_back({std::move(glance), shard});
}

void Pass::ChooseGroups() {
  std::sort(seen_.begin(), seen_.end(),
            [](const Seen& a, const Seen& b) { return a.glance.id < b.glance.id; });
  if (seen_.size() > limits::kMetricGroups) seen_.resize(limits::kMetricGroups);
  sample_.omitted_groups = all_groups_ - static_cast<int64_t>(seen_.size());
  for (const auto& [glance, shard] : seen_) {
    shown_[shard].emplace(glance.id, sample_.groups.size());
    sample_.groups.push_back({.group = glance.id,
                              .state = std::string(GroupStateName(glance.state)),
                              .members = static_cast<int64_t>(glance.members),
                              .activity = ActivityOf(glance.counts),
                              .topics = {}});
  }
}

void Pass::AskForLags(PartitionIndex shard, const Shown& groups) {
  PositionsRequest request{.from = {}, .last = groups.rbegin()->first};
  std::string without;  // this group and those behind it lack lags
  for (;;) {
    const auto asked = Awaited<PositionsPage>::Ask(
        options_.shards, shard,
        [request](GroupMachine& machine, const MachineTime&, Reply<PositionsPage> reply) {
          return machine.survey().Positions(request, std::move(reply));
        });
    const PositionsPage* const page = asked->Wait(TimeLeft());
    without = page == nullptr ? request.from.group : AddPage(*page, groups);
    if (page == nullptr || !without.empty()) break;
    if (!page->next.has_value()) return FinishTopic();
    request.from = *page->next;
  }
  open_ = nullptr;
  sample_.omitted_lags += std::distance(groups.lower_bound(without), groups.end());
}

std::string Pass::AddPage(const PositionsPage& page, const Shown& groups) {
  for (const TopicPositions& positions : page.positions) {
    if (positions.group != group_ || positions.topic != topic_) {
      FinishTopic();
      if (topics_ >= limits::kMetricGroupTopics || partitions_ >= limits::kMetricGroupPartitions)
        return positions.group;
      BeginTopic(positions, groups);
    }
    if (open_ == nullptr) continue;
    for (const auto& [partition, offset] : positions.committed) lags_.Add(partition, offset);
  }
  return "";
}

void Pass::BeginTopic(const TopicPositions& positions, const Shown& groups) {
  group_ = positions.group;
  topic_ = positions.topic;
  const auto shown = groups.find(group_);
  if (shown == groups.end()) return;  // it came while the page was made
  const std::optional<size_t> partitions = lags_.Begin(topic_);
  if (!partitions.has_value()) return;  // it was deleted
  partitions_ += *partitions;
  open_ = &sample_.groups[shown->second];
}

void Pass::FinishTopic() {
  if (open_ == nullptr) return;
  open_->topics.push_back(lags_.Finish());
  ++topics_;
  if (!open_->topics.back().lag_seconds.has_value()) ++sample_.omitted_ages;
  open_ = nullptr;
}

}  // namespace

GroupsSample GroupSampler::Sample() { return Pass(options_, &times_).Run(); }

}  // namespace weir
