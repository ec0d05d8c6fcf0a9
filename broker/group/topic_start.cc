#include "broker/group/topic_start.h"

#include <utility>

#include "broker/group/group_records.h"
#include "broker/group/reconciliation.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// An earliest group begins at the first record everywhere: nothing to note.
bool StartsMatter(const GroupHead& head) { return head.start != GroupStart::kEarliest; }

absl::Status CommitEnds(const GroupHead& head, const CommittedOffsets& offsets,
                        const TopicView::Topic& topic, const TopicView& view, int64_t now_ms,
                        Draft* draft) {
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
      WEIR_RETURN_IF_ERROR(CommitEnds(head, offsets, topic, view, now_ms, draft));
    draft->Add(
        TopicStartedRecord({.group = head.id, .topic = topic.id, .partitions = topic.partitions}));
  }
  return absl::OkStatus();
}

void StartLaterTopics(const Group& group, const AssignorInput& input, Draft* draft) {
  if (!StartsMatter(group.head())) return;
  for (const auto& [topic, partitions] : input.topics) {
    if (!group.offsets().StartedWith(topic).has_value())
      draft->Add(TopicStartedRecord({.group = group.id(), .topic = topic, .partitions = 0}));
  }
}

}  // namespace weir
