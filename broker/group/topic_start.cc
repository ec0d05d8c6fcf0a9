#include "broker/group/topic_start.h"

#include <utility>

#include "absl/container/btree_set.h"
#include "broker/group/group_records.h"
#include "broker/group/reconciliation.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// An earliest group begins at the first record everywhere: nothing to note.
bool StartsMatter(const GroupHead& head) { return head.start != GroupStart::kEarliest; }

// `starts`, unless null, gets them too.
absl::Status CommitEnds(const GroupHead& head, const CommittedOffsets& offsets,
                        const TopicView::Topic& topic, const TopicView& view, int64_t now_ms,
                        Draft* draft, ShareStarts* starts) {
  OffsetsUpdated ends{.group = head.id, .topic = topic.id};
  const auto flush = [&] {
    if (!ends.partitions.empty()) draft->Add(OffsetsRecordOf(GroupRecordKind::kOffsets, ends));
    ends.partitions.clear();
  };
  for (int32_t i = 0; i < topic.partitions; ++i) {
    const TopicPartition partition{topic.id, PartitionIndex{i}};
    if (offsets.Find(partition).has_value()) continue;  // committed before anybody joined
    WEIR_ASSIGN_OR_RETURN(const TopicView::Bounds bounds, view.BoundsOf(partition));
    ends.partitions.push_back({partition.partition, {.offset = bounds.end, .commit_ms = now_ms}});
    if (starts != nullptr) (*starts)[partition] = bounds.end;
    if (ends.partitions.size() == limits::kOffsetsPerRecord) flush();
  }
  flush();
  return absl::OkStatus();
}

}  // namespace

absl::Status StartTopics(const GroupHead& head, const CommittedOffsets& offsets,
                         const Subscription& subscription, const TopicView& view, int64_t now_ms,
                         Draft* draft) {
  if (!StartsMatter(head)) return absl::OkStatus();
  for (const TopicView::Topic& topic : Resolve(subscription, view)) {
    if (offsets.StartedWith(topic.id).has_value()) continue;
    if (head.start == GroupStart::kLatest)
      WEIR_RETURN_IF_ERROR(CommitEnds(head, offsets, topic, view, now_ms, draft, nullptr));
    draft->Add(
        TopicStartedRecord({.group = head.id, .topic = topic.id, .partitions = topic.partitions}));
  }
  return absl::OkStatus();
}

void StartLaterTopics(const Group& group, const absl::btree_map<TopicId, int32_t>& topics,
                      Draft* draft) {
  if (!StartsMatter(group.head())) return;
  for (const auto& [topic, partitions] : topics) {
    if (!group.offsets().StartedWith(topic).has_value())
      draft->Add(TopicStartedRecord({.group = group.id(), .topic = topic, .partitions = 0}));
  }
}

absl::StatusOr<ShareStarts> MoveStarts(const Group& group, const Subscription& to,
                                       const TopicView& view, int64_t now_ms, Draft* draft) {
  const GroupHead& head = group.head();
  ShareStarts starts = StartsOf(group);
  if (!StartsMatter(head)) return starts;
  absl::btree_set<TopicId> before;
  for (const TopicView::Topic& topic : ReadBy(head.share, view)) before.insert(topic.id);
  ShareTopics next = head.share;
  next.subscription = to;
  absl::btree_set<TopicId> after;
  for (const TopicView::Topic& topic : ReadBy(next, view)) {
    after.insert(topic.id);
    if (group.offsets().StartedWith(topic.id).has_value()) continue;
    // One that it reads already and that is not noted came after it.
    const bool is_later = before.contains(topic.id);
    if (!is_later) {
      WEIR_RETURN_IF_ERROR(CommitEnds(head, group.offsets(), topic, view, now_ms, draft, &starts));
    }
    draft->Add(TopicStartedRecord(
        {.group = head.id, .topic = topic.id, .partitions = is_later ? 0 : topic.partitions}));
  }
  for (const TopicId topic : group.offsets().Topics()) {
    if (after.contains(topic)) continue;
    draft->Add(TopicForgottenRecord(head.id, topic));
    starts.erase(starts.lower_bound({topic, PartitionIndex{0}}),
                 starts.upper_bound({topic, PartitionIndex{limits::kPartitionsPerTopic}}));
  }
  return starts;
}

}  // namespace weir
