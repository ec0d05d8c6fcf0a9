#include "tests/support/group_text.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/group/group_records.h"
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

std::string Text(const GroupHead& head) {
  std::string text = absl::StrCat("group ", head.id, " ", GroupStartName(head.start));
  if (head.type != GroupType::kConsumer) absl::StrAppend(&text, " ", GroupTypeName(head.type));
  for (const GroupConfigEntry& entry : DescribeGroupConfig(head.config)) {
    if (!entry.is_default) absl::StrAppend(&text, " ", entry.name, "=", entry.value);
  }
  if (head.paused) absl::StrAppend(&text, " paused");
  if (head.empty_since_ms != 0) absl::StrAppend(&text, " empty");
  absl::StrAppend(&text, " epoch=", head.epoch.value());
  return text;
}

std::string Text(const MemberUpdated& updated, const FakeTopics& topics) {
  const Member& member = updated.member;
  std::string text = absl::StrCat("member ", updated.group, "/", member.id);
  if (member.IsStatic()) absl::StrAppend(&text, " instance=", member.instance_id);
  absl::StrAppend(&text, " on ", absl::StrJoin(member.subscription.topics, ","));
  if (!member.subscription.prefix.empty()) absl::StrAppend(&text, member.subscription.prefix, "*");
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
      return Text(*DecodeGroup(payload));
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

}  // namespace weir
