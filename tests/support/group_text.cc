#include "tests/support/group_text.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/group/group_records.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

// " orders:0,1 payments:3": what `text` makes of each partition, topic by topic.
template <typename Entries, typename PartitionOf, typename TextOf>
std::string ByTopic(const Entries& entries, const FakeTopics& topics, PartitionOf partition_of,
                    TextOf text_of) {
  std::string text;
  std::optional<TopicId> topic;
  for (const auto& entry : entries) {
    const TopicPartition& partition = partition_of(entry);
    if (topic == partition.topic) {
      absl::StrAppend(&text, ",");
    } else {
      absl::StrAppend(&text, " ", topics.NameOf(partition.topic), ":");
    }
    topic = partition.topic;
    absl::StrAppend(&text, partition.partition.value(), text_of(entry));
  }
  return text;
}

std::string Text(const Subscription& subscription) {
  if (!subscription.prefix.empty()) return absl::StrCat(subscription.prefix, "*");
  return absl::StrJoin(subscription.topics, ",");
}

// A topic by its name, and by its id where that is another one's.
std::string Text(const OwnedTopic& topic, const FakeTopics& topics) {
  const std::string name = topics.NameOf(topic.id);
  return name == topic.name ? name : absl::StrCat(topic.name, "(", name, ")");
}

std::string Text(const ShareTopics& share, const FakeTopics& topics) {
  std::string text = absl::StrCat(" on ", Text(share.subscription), " dead-letters ",
                                  Text(share.dead_letter, topics));
  for (const auto& [source, topic] : share.redrive)
    absl::StrAppend(&text, " redrives ", source, " to ", Text(topic, topics));
  return text;
}

std::string Text(const GroupHead& head, const FakeTopics& topics) {
  std::string text = absl::StrCat("group ", head.id, " ", GroupStartName(head.start));
  if (head.type != GroupType::kConsumer) absl::StrAppend(&text, " ", GroupTypeName(head.type));
  for (const GroupConfigEntry& entry : DescribeConfig(head)) {
    if (!entry.is_default) absl::StrAppend(&text, " ", entry.name, "=", entry.value);
  }
  if (head.type == GroupType::kShare) absl::StrAppend(&text, Text(head.share, topics));
  if (head.paused)
    absl::StrAppend(&text, head.paused_by_breaker ? " paused-by-breaker" : " paused");
  if (head.empty_since_ms != 0) absl::StrAppend(&text, " empty");
  absl::StrAppend(&text, " epoch=", head.epoch.value());
  return text;
}

std::string Text(const MemberUpdated& updated, const FakeTopics& topics) {
  const Member& member = updated.member;
  std::string text = absl::StrCat("member ", updated.group, "/", member.id);
  if (member.IsStatic()) absl::StrAppend(&text, " instance=", member.instance_id);
  absl::StrAppend(&text, " on ", Text(member.subscription));
  absl::StrAppend(&text, " epoch=", member.epoch.value());
  if (member.held.empty()) return text;
  return absl::StrCat(text, " has",
                      ByTopic(
                          member.held, topics, [](const auto& entry) { return entry.first; },
                          [](const auto& entry) {
                            const Hold& hold = entry.second;
                            std::string epochs = absl::StrCat("@", hold.assigned.value());
                            if (hold.IsRevoked())
                              absl::StrAppend(&epochs, "!", hold.revoked.value());
                            return epochs;
                          }));
}

std::string Text(absl::string_view verb, const OffsetsUpdated& offsets, const FakeTopics& topics) {
  std::string text = absl::StrCat(verb, " ", offsets.group, " ", topics.NameOf(offsets.topic));
  for (const PartitionOffset& offset : offsets.partitions)
    absl::StrAppend(&text, " ", offset.partition.value(), "=", offset.committed.offset.value());
  return text;
}

std::string Partitions(const std::vector<TopicPartition>& partitions, const FakeTopics& topics) {
  return ByTopic(
      partitions, topics, [](const TopicPartition& partition) { return partition; },
      [](const TopicPartition&) { return ""; });
}

}  // namespace

std::string Text(const InternalRecord& record, const FakeTopics& topics) {
  const std::string& payload = record.payload;
  switch (static_cast<GroupRecordKind>(record.kind)) {
    case GroupRecordKind::kGroup:
      return Text(*DecodeGroup(payload), topics);
    case GroupRecordKind::kGroupRemoved:
      return absl::StrCat("group-removed ", DecodeGroupRemoved(payload)->group);
    case GroupRecordKind::kMember:
      return Text(*DecodeMember(payload), topics);
    case GroupRecordKind::kMemberRemoved: {
      const MemberRemoved removed = *DecodeMemberRemoved(payload);
      return absl::StrCat("member-removed ", removed.group, "/", removed.member);
    }
    case GroupRecordKind::kOffsets:
      return Text("offsets", *DecodeOffsets(payload), topics);
    case GroupRecordKind::kOffsetsReset:
      return Text("reset", *DecodeOffsets(payload), topics);
    case GroupRecordKind::kTopicStarted: {
      const TopicStarted started = *DecodeTopicStarted(payload);
      return absl::StrCat("started ", started.group, " ", topics.NameOf(started.topic), " ",
                          started.partitions);
    }
    case GroupRecordKind::kTopicForgotten: {
      const TopicForgotten forgotten = *DecodeTopicForgotten(payload);
      return absl::StrCat("forgotten ", forgotten.group, " ", topics.NameOf(forgotten.topic));
    }
  }
  return "unknown";
}

std::string Text(const ShareHead& head, const FakeTopics& topics) {
  std::string text = head.head.id;
  if (head.starts.empty()) return absl::StrCat(text, " from the beginning");
  return absl::StrCat(
      text, " from",
      ByTopic(
          head.starts, topics, [](const auto& entry) { return entry.first; },
          [](const auto& entry) { return absl::StrCat("@", entry.second.value()); }));
}

std::string Text(const Notice& notice, const FakeTopics& topics) {
  switch (notice.kind) {
    case Notice::Kind::kFenced:
      return absl::StrCat(notice.member_id, " fenced");
    case Notice::Kind::kSuperseded:
      return absl::StrCat(notice.member_id, " superseded");
    case Notice::Kind::kAssignment:
      break;
  }
  std::string text = absl::StrCat(notice.member_id, " epoch=", notice.epoch.value());
  if (notice.paused) absl::StrAppend(&text, " paused");
  absl::StrAppend(&text, notice.assigned.empty() ? " has nothing" : " has",
                  Partitions(notice.assigned, topics));
  if (!notice.revoked.empty())
    absl::StrAppend(&text, " gives up", Partitions(notice.revoked, topics));
  return text;
}

std::string Text(const absl::Status& status) {
  if (status.ok()) return "ok";
  const std::optional<Reason> reason = ReasonOf(status);
  return reason.has_value() ? std::string(InfoOf(*reason).name) : status.ToString();
}

std::string TableText(const GroupTable& table) {
  std::string text;
  for (const auto& [id, group] : table.groups()) {
    absl::StrAppend(&text, GroupRecordOf(group->head()).payload, "\n");
    for (const auto& [member_id, member] : group->members()) {
      absl::StrAppend(&text, MemberRecordOf(id, *member).payload, "\n");
      for (const auto& [partition, hold] : member->held)
        WEIR_CHECK(group->OwnerOf(partition) == member.get());
    }
    for (const TopicId topic : group->offsets().Topics()) {
      absl::StrAppend(&text, topic.ToString(), " ",
                      group->offsets().StartedWith(topic).value_or(-1), "\n");
    }
    group->offsets().Visit({}, [&](const TopicPartition& partition, const CommittedOffset& offset) {
      absl::StrAppend(&text, partition.topic.ToString(), "/", partition.partition.value(), "=",
                      EncodeCommittedOffset(offset), "\n");
      return true;
    });
  }
  return text;
}

}  // namespace weir
