#include "broker/group/share_group_admin.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/group/group_checks.h"
#include "broker/partition/partition_manager.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_reader.h"

namespace weir {
namespace {

// What makes a record a dead letter of the group; only the broker sets it.
constexpr absl::string_view kGroupHeader = "weir-dlq-group";

bool IsDeadLetterOf(const RecordView& record, absl::string_view group) {
  for (const HeaderView& header : record.headers.Decode()) {
    if (header.key == kGroupHeader && header.value == group) return true;
  }
  return false;
}

absl::Status NotTheGroups(absl::string_view topic, absl::string_view group, absl::string_view why) {
  return MakeError(
      Reason::kTopicExists,
      absl::StrCat("topic '", topic, "' cannot become one of group '", group, "': ", why));
}

}  // namespace

absl::Status ShareGroupAdmin::Create(CreateGroupRequest request) {
  absl::MutexLock lock(&mu_);
  const PartitionIndex shard = options_.groups->PartitionOf(request.group);
  WEIR_ASSIGN_OR_RETURN(
      const GroupHead head,
      options_.groups->AskAndWait<GroupHead>(
          shard, [&](GroupMachine& machine, const MachineTime& now, Reply<GroupHead> reply) {
            return machine.admin().Plan(now, request, std::move(reply));
          }));
  WEIR_ASSIGN_OR_RETURN(const TopicPtr topic, TakeDeadLetterTopic(head));
  request.dead_letter_topic = topic->id;
  return options_.groups->TellAndWait(
      shard, [&](GroupMachine& machine, const MachineTime& now, Done done) {
        return machine.admin().Create(now, request, std::move(done));
      });
}

absl::StatusOr<GroupHead> ShareGroupAdmin::HeadOf(const std::string& group) const {
  WEIR_ASSIGN_OR_RETURN(
      GroupDescription description,
      options_.groups->AskAndWait<GroupDescription>(
          options_.groups->PartitionOf(group),
          [&](GroupMachine& machine, const MachineTime&, Reply<GroupDescription> reply) {
            return machine.admin().Describe(group, std::move(reply));
          }));
  WEIR_RETURN_IF_ERROR(CheckType(description.head, GroupType::kShare));
  return std::move(description.head);
}

absl::StatusOr<TopicPtr> ShareGroupAdmin::RequireDeadLetterTopic(const std::string& group) {
  absl::MutexLock lock(&mu_);
  WEIR_ASSIGN_OR_RETURN(const GroupHead head, HeadOf(group));
  if (TopicPtr topic = options_.catalog->Find(head.share.dead_letter.id)) return topic;
  WEIR_ASSIGN_OR_RETURN(TopicPtr topic, TakeDeadLetterTopic(head));
  WEIR_RETURN_IF_ERROR(options_.groups->TellAndWait(
      options_.groups->PartitionOf(group),
      [&](GroupMachine& machine, const MachineTime&, Done done) {
        return machine.admin().OwnDeadLetterTopic(group, topic->id, std::move(done));
      }));
  return topic;
}

absl::StatusOr<TopicPtr> ShareGroupAdmin::RequireRedriveTopic(const std::string& group,
                                                              const std::string& source) {
  absl::MutexLock lock(&mu_);
  WEIR_ASSIGN_OR_RETURN(const GroupHead head, HeadOf(group));
  for (const auto& [from, owned] : head.share.redrive) {
    if (from != source && owned.name != source) continue;
    if (TopicPtr topic = options_.catalog->Find(owned.id)) return topic;
  }
  WEIR_ASSIGN_OR_RETURN(const std::string name, RedriveTopicName(group, source));
  WEIR_ASSIGN_OR_RETURN(TopicPtr topic, TakeTopic(name, group, /*with_dead_letters=*/false,
                                                  MaxMessageBytes(head.share.dead_letter.id)));
  WEIR_RETURN_IF_ERROR(
      options_.groups->TellAndWait(options_.groups->PartitionOf(group),
                                   [&](GroupMachine& machine, const MachineTime&, Done done) {
                                     return machine.admin().OwnRedriveTopic(
                                         group, source, {topic->id, topic->name}, std::move(done));
                                   }));
  return topic;
}

absl::StatusOr<TopicPtr> ShareGroupAdmin::TakeDeadLetterTopic(const GroupHead& head) {
  int64_t largest = 0;
  for (const TopicView::Topic& topic : ReadBy(head.share, *options_.topics))
    largest = std::max(largest, MaxMessageBytes(topic.id));
  if (largest == 0) largest = limits::kMaxMessageBytesDefault;  // there is none of the prefix yet
  return TakeTopic(
      head.share.dead_letter.name, head.id, /*with_dead_letters=*/true,
      std::min(largest + limits::kDeadLetterOverhead, limits::kMaxMessageBytesLargest));
}

int64_t ShareGroupAdmin::MaxMessageBytes(TopicId id) const {
  const TopicPtr topic = options_.catalog->Find(id);
  return topic == nullptr ? limits::kMaxMessageBytesDefault : topic->config.max_message_bytes;
}

absl::StatusOr<TopicPtr> ShareGroupAdmin::TakeTopic(const std::string& name,
                                                    const std::string& group,
                                                    bool with_dead_letters,
                                                    int64_t max_message_bytes) {
  TopicPtr topic = options_.catalog->Find(name);
  if (topic == nullptr) {
    return options_.catalog->Create(
        {.name = name,
         .partitions = 1,
         .config = {{"retention.ms", absl::StrCat(limits::kDeadLetterRetentionMs)},
                    {"max.message.bytes", absl::StrCat(max_message_bytes)}}});
  }
  const std::string owner = options_.heads->OwnerOf(topic->id);
  if (owner == group) return topic;
  if (!owner.empty())
    return NotTheGroups(name, group, absl::StrCat("it belongs to group '", owner, "'"));
  WEIR_ASSIGN_OR_RETURN(const Contents contents, ContentsOf(*topic, group));
  if (contents == Contents::kNothing) return topic;
  if (contents == Contents::kDeadLetters && with_dead_letters) return topic;
  return NotTheGroups(name, group,
                      with_dead_letters
                          ? "it holds records that are no dead letters of a group of this id; set "
                            "dlq.topic to another name"
                          : "it holds records of an earlier group of this id, or of somebody else; "
                            "delete it first");
}

absl::StatusOr<ShareGroupAdmin::Contents> ShareGroupAdmin::ContentsOf(
    const Topic& topic, const std::string& group) const {
  Contents contents = Contents::kNothing;
  for (int32_t i = 0; i < topic.partitions; ++i) {
    WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<PartitionLog> log,
                          options_.logs->GetLog({.topic = topic.id, .partition = PartitionIndex{i}},
                                                LogConfigOf(topic.config)));
    const LogBounds bounds = log->bounds();
    if (bounds.log_start == bounds.high_watermark) continue;
    WEIR_ASSIGN_OR_RETURN(const LogRead read, log->Read(bounds.log_start, /*max_bytes=*/1,
                                                        ReadMode::kMayBlock, nullptr));
    if (read.batches.size == 0) continue;
    const absl::string_view bytes = read.batches.view();
    const RecordBatchHeader header = DecodeBatchHeader(bytes.data());
    RecordReader reader(bytes.substr(0, static_cast<size_t>(header.size_bytes())));
    RecordView record;
    if (!reader.Next(&record) || !IsDeadLetterOf(record, group)) return Contents::kSomething;
    contents = Contents::kDeadLetters;
  }
  return contents;
}

}  // namespace weir
