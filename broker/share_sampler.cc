#include "broker/share_sampler.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/awaited.h"
#include "broker/share/share_survey.h"
#include "broker/topic_ends.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

std::string StateOf(SharePause pause) {
  switch (pause) {
    case SharePause::kRunning:
      return "running";
    case SharePause::kPaused:
      return "paused";
    case SharePause::kPausedByBreaker:
      break;
  }
  return "paused_by_breaker";
}

// What is to be shown of a group in one topic, while shards tell of its partitions.
struct Sum {
  size_t group = 0;  // in the sample
  TopicId topic;
  int64_t incarnation = 0;  // of the group
  // Of those that the group reads and of which nobody has told yet; by number.
  std::vector<bool> awaited;
  size_t missing = 0;  // how many these are
  ShareSample::Topic sample;
  decltype(ShareCounts::died) died{};
  std::vector<std::pair<PartitionIndex, ShareProgress>> progress;
};

void Add(const ShareGlance& glance, Sum* to) {
  ShareSample::Topic& sample = to->sample;
  sample.available += glance.jobs.available;
  sample.in_flight += glance.jobs.in_flight;
  sample.delayed += glance.jobs.delayed;
  sample.blocked += glance.jobs.blocked;
  sample.dying += glance.jobs.dying;
  sample.accepted += glance.counts.accepted;
  sample.cancelled += glance.counts.cancelled;
  sample.expired += glance.counts.expired;
  for (size_t i = 0; i < to->died.size(); ++i) to->died[i] += glance.counts.died[i];
  sample.locks_expired += glance.tally.locks_expired;
  sample.uncounted_releases += glance.tally.uncounted_releases;
  to->progress.emplace_back(glance.id.partition.partition, glance.progress);
}

// One page's worth of questions.
class Pass {
 public:
  Pass(const ShareSampler::Options& options, RecordTimes* times)
      : options_(options),
        times_(times),
        until_(options.clock->Monotonic() + absl::Milliseconds(limits::kMetricGroupsMs)),
        ends_(options.topics) {}

  SharesSample Run() {
    ChooseGroups();
    AskShards();
    // Only now: no log ends before what its shard has told.
    times_->Begin();
    now_ms_ = options_.clock->NowMs();
    for (Sum& sum : sums_) Show(&sum);
    return std::move(sample_);
  }

 private:
  void ChooseGroups();
  void AddGroup(const ShareGroup& group);
  void AskShards();
  void AddPage(const SharePage& page);
  // Adds a topic to the sample, if all of it was told.
  void Show(Sum* sum);
  void AddBacklog(const TopicEnds::Ends& ends, Sum* sum);

  const ShareSampler::Options& options_;
  RecordTimes* const times_;
  const absl::Duration until_;
  TopicEnds ends_;
  int64_t now_ms_ = 0;
  SharesSample sample_;
  std::vector<Sum> sums_;  // by group, and in the order in which it reads them
  absl::flat_hash_map<std::pair<std::string, TopicId>, size_t> places_;  // in sums_
};

void Pass::ChooseGroups() {
  for (const SharePause pause :
       {SharePause::kRunning, SharePause::kPaused, SharePause::kPausedByBreaker})
    sample_.by_state[StateOf(pause)] = 0;
  for (const std::shared_ptr<const ShareGroup>& group : options_.directory->AllGroups()) {
    ++sample_.by_state[StateOf(group->settings.pause)];
    if (sample_.groups.size() < limits::kMetricGroups) {
      AddGroup(*group);
    } else {
      ++sample_.omitted_groups;
    }
  }
}

void Pass::AddGroup(const ShareGroup& group) {
  const size_t place = sample_.groups.size();
  sample_.groups.push_back(
      {.group = group.id,
       .paused = group.settings.pause != SharePause::kRunning,
       .paused_by_breaker = group.settings.pause == SharePause::kPausedByBreaker,
       .topics = {}});
  const ShareSource* before = nullptr;
  bool shown = false;
  for (const ShareSource& source : group.sources) {
    if (before == nullptr || before->partition.topic != source.partition.topic) {
      shown = sums_.size() < limits::kMetricShareTopics;
      if (!shown) ++sample_.omitted_topics;
      if (shown) {
        places_[{group.id, source.partition.topic}] = sums_.size();
        sums_.push_back({.group = place,
                         .topic = source.partition.topic,
                         .incarnation = group.settings.incarnation});
        sums_.back().sample.name = source.topic;
      }
    }
    before = &source;
    if (!shown) continue;
    Sum& sum = sums_.back();
    sum.awaited.resize(static_cast<size_t>(source.partition.partition.value()) + 1);
    sum.awaited.back() = true;
    ++sum.missing;
  }
}

void Pass::AskShards() {
  std::vector<std::pair<PartitionIndex, int64_t>> left;  // and from where on
  for (size_t i = 0; i < options_.shards->size(); ++i)
    left.emplace_back(PartitionIndex{static_cast<int32_t>(i)}, 0);
  while (!left.empty()) {
    std::vector<std::shared_ptr<Awaited<SharePage>>> asked;
    for (const auto& [shard, from] : left) {
      asked.push_back(Awaited<SharePage>::Ask(
          options_.shards, shard,
          [from = from](ShareMachine& machine, const MachineTime&, Reply<SharePage> reply) {
            return machine.survey().Page(from, std::move(reply));
          }));
    }
    std::vector<std::pair<PartitionIndex, int64_t>> more;
    for (size_t i = 0; i < left.size(); ++i) {
      const SharePage* const page = asked[i]->Wait(until_ - options_.clock->Monotonic());
      if (page == nullptr) {
        ++sample_.unanswered_shards;
        continue;
      }
      AddPage(*page);
      if (page->next.has_value()) more.emplace_back(left[i].first, *page->next);
    }
    left = std::move(more);
  }
}

void Pass::AddPage(const SharePage& page) {
  for (const ShareGlance& glance : page.partitions) {
    const auto place = places_.find(std::pair(glance.id.group, glance.id.partition.topic));
    if (place == places_.end()) continue;  // not shown, or of a dead-letter topic
    Sum& sum = sums_[place->second];
    const auto number = static_cast<size_t>(glance.id.partition.partition.value());
    if (number >= sum.awaited.size() || !sum.awaited[number]) continue;  // it is new, or was told
    if (glance.incarnation != sum.incarnation) continue;
    sum.awaited[number] = false;
    --sum.missing;
    Add(glance, &sum);
  }
}

void Pass::Show(Sum* sum) {
  if (sum->missing > 0) {
    ++sample_.omitted_topics;
    return;
  }
  const TopicEnds::Ends* const ends = ends_.Find(sum->topic);
  if (ends == nullptr) return;  // it was deleted
  AddBacklog(*ends, sum);
  for (size_t i = 0; i < sum->died.size(); ++i) {
    const auto reason = static_cast<DeathReason>(i + 1);
    sum->sample.died[std::string(DeathReasonName(reason))] = sum->died[i];
  }
  if (!sum->sample.oldest_seconds.has_value()) ++sample_.omitted_ages;
  sample_.groups[sum->group].topics.push_back(std::move(sum->sample));
}

void Pass::AddBacklog(const TopicEnds::Ends& ends, Sum* sum) {
  int64_t oldest_ms = now_ms_;
  bool known = true;
  for (const auto& [partition, progress] : sum->progress) {
    const auto number = static_cast<size_t>(partition.value());
    if (number >= ends.partitions.size()) continue;
    const auto& [start, end] = ends.partitions[number];
    const int64_t unfinished = progress.Unfinished(start, end);
    sum->sample.unfinished += unfinished;
    if (unfinished == 0 || !known) continue;
    const std::optional<int64_t> time =
        times_->Find({sum->topic, partition}, progress.OldestUnfinished(start, end));
    known = time.has_value();
    oldest_ms = std::min(oldest_ms, time.value_or(oldest_ms));
  }
  if (known) sum->sample.oldest_seconds = static_cast<double>(now_ms_ - oldest_ms) / 1e3;
}

}  // namespace

SharesSample ShareSampler::Sample() { return Pass(options_, &times_).Run(); }

}  // namespace weir
