#include "tests/fault/model_member_operations.h"

#include <memory>
#include <utility>
#include <vector>

#include "storage/base/check.h"

namespace weir {

std::set<std::string> ModelMemberOperations::DrawTopics() {
  std::set<std::string> topics;
  do {
    ModelTopic* const topic = context_.LastingTopic();
    if (topic != nullptr) topics.insert(topic->name);
  } while (context_.draw.Chance(0.5));
  return topics;
}

absl::Status ModelMemberOperations::AwaitAssignment(const std::string& id, ModelStream* stream) {
  ModelMembership& member = *context_.model.FindGroup(id)->member;
  std::set<ModelPlace> all;
  for (const std::string& name : member.topics) {
    const ModelTopic* const topic = context_.model.Find(name);
    for (int32_t p = 0; topic != nullptr && p < topic->partition_count(); ++p)
      all.insert({topic->id, p});
  }
  v1::MemberAssignment assignment;
  bool settled = false;
  while (!settled) {
    if (!stream->Read(&assignment))
      return SameEnd("the stream of a member ended", stream->Leave(), {"no end"});
    if (member.id.empty()) member.id = assignment.member_id();
    WEIR_RETURN_IF_ERROR(Same("member id", assignment.member_id(), member.id));
    WEIR_RETURN_IF_ERROR(
        Same("the epoch does not fall", assignment.member_epoch() >= member.epoch, true));
    member.epoch = assignment.member_epoch();
    member.owned.clear();
    for (const v1::PartitionId& owned : assignment.partitions()) {
      const ModelTopic* const topic = context_.model.Find(owned.topic());
      if (topic == nullptr) return Same("topic", owned.topic(), "deleted");
      member.owned.insert({topic->id, owned.partition()});
    }
    if (assignment.revoking_size() > 0) stream->ConfirmRevoked(member.epoch);
    settled = assignment.revoking_size() == 0 && member.owned == all;
  }
  for (const ModelPlace& place : all) context_.model.FindGroup(id)->StartLater(place.first);
  WEIR_RETURN_IF_ERROR(Same("paused", assignment.paused(), context_.model.FindGroup(id)->paused));
  return Same("session timeout", absl::StrCat(assignment.session_timeout_ms()),
              context_.model.FindGroup(id)->Config("session.timeout.ms"));
}

absl::Status ModelMemberOperations::Work(const std::string& id) {
  for (int i = context_.draw.Count(4); i > 0; --i) {
    if (context_.draw.Chance(0.2)) {
      WEIR_RETURN_IF_ERROR(groups_.DescribeOne(id, 0));
    } else {
      WEIR_RETURN_IF_ERROR(offsets_.CommitAsMember(id));
    }
  }
  return absl::OkStatus();
}

absl::Status ModelMemberOperations::AwaitEmpty(const std::string& id) {
  // The stream is over a moment before the group has heard of it.
  v1::DescribeGroupRequest request;
  request.set_group(id);
  v1::DescribeGroupResponse response;
  do {
    const ModelEnd end =
        context_.group_calls->Call(&v1::GroupService::Stub::DescribeGroup, request, &response);
    WEIR_RETURN_IF_ERROR(SameEnd("describe group", end, {""}));
  } while (response.members_size() > 0);
  return absl::OkStatus();
}

absl::Status ModelMemberOperations::Join() {
  ModelDraw& draw = context_.draw;
  v1::Membership membership;
  membership.set_group(context_.AnyGroup());
  const std::string id = membership.group();
  ModelGroup* group = context_.model.FindGroup(id);
  const bool never = id == absl::StrCat(context_.prefix, "g", ModelContext::kGroupNames);
  if (!never && draw.Chance(0.5))
    membership.set_start(draw.OneOf<v1::GroupStart>({v1::EARLIEST, v1::LATEST, v1::NONE}));
  const bool comes_back = group != nullptr && group->member.has_value();
  ModelMembership member;
  if (comes_back) {
    member = *group->member;
    membership.set_member_id(member.id);
    membership.set_member_epoch(draw.Chance(0.5) ? member.epoch : draw.Between(0, member.epoch));
  } else {
    member.topics = DrawTopics();
    if (member.topics.empty()) return absl::OkStatus();
  }
  for (const std::string& name : member.topics) membership.mutable_subscription()->add_topics(name);
  context_.Say(absl::StrCat("join ", membership.ShortDebugString()));
  const std::unique_ptr<ModelStream> stream = context_.group_calls->Join(membership);
  if (group == nullptr && membership.start() == v1::GROUP_START_UNSPECIFIED) {
    v1::MemberAssignment none;
    WEIR_RETURN_IF_ERROR(Same("an assignment came", stream->Read(&none), false));
    return SameEnd("join", stream->Leave(), {"UNKNOWN_GROUP"});
  }
  if (group == nullptr)
    group = &context_.model.groups.emplace(id, ModelGroup(membership.start())).first->second;
  group->member = std::move(member);
  if (!comes_back) {
    for (const std::string& name : group->member->topics) {
      ModelTopic* const topic = context_.model.Find(name);
      std::vector<int64_t> ends;
      for (const ModelPartition& partition : topic->partitions) ends.push_back(partition.end());
      group->Start(topic->id, ends);
    }
  }
  WEIR_RETURN_IF_ERROR(AwaitAssignment(id, stream.get()));
  WEIR_RETURN_IF_ERROR(Work(id));
  if (group->KeepsMembers() && draw.Chance(0.5)) {
    context_.Say("cut off");
    return absl::OkStatus();
  }
  context_.Say("leave");
  WEIR_RETURN_IF_ERROR(SameEnd("leave", stream->Leave(), {""}));
  group->member = std::nullopt;
  return AwaitEmpty(id);
}

}  // namespace weir
