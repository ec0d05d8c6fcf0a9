#include "tests/fault/model_group_operations.h"

#include <iterator>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/clock.h"

namespace weir {
namespace {

using Stub = v1::GroupService::Stub;

const ModelSetting& AnySetting(ModelDraw& draw) { return draw.OneOf(ModelGroup::Settings()); }

std::string Text(const std::map<std::string, std::string>& config) {
  return absl::StrCat("{", absl::StrJoin(config, ", ", absl::PairFormatter("=")), "}");
}

// A value that is not allowed, or a name that there is none of.
std::pair<std::string, std::string> BadSetting(ModelDraw& draw) {
  if (draw.Chance(0.3)) return {draw.OneOf<std::string>({"", "retention.ms", "Assignor"}), "1"};
  const ModelSetting& setting = AnySetting(draw);
  return {setting.name, draw.OneOf(setting.bad)};
}

template <typename Entries>
absl::Status SameConfig(const Entries& entries, const ModelGroup& group) {
  WEIR_RETURN_IF_ERROR(
      Same("settings", static_cast<size_t>(entries.size()), ModelGroup::Settings().size()));
  size_t i = 0;
  for (const v1::ConfigEntry& entry : entries) {
    const ModelSetting& setting = ModelGroup::Settings()[i++];
    WEIR_RETURN_IF_ERROR(Same("setting", entry.name(), setting.name));
    WEIR_RETURN_IF_ERROR(Same(setting.name, entry.value(), group.Config(setting.name)));
    WEIR_RETURN_IF_ERROR(Same(setting.name + " is_default", entry.is_default(),
                              group.Config(setting.name) == setting.fallback));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ModelGroupOperations::Create() {
  ModelDraw& draw = context_.draw;
  v1::CreateGroupRequest request;
  request.set_group(
      absl::StrCat(context_.prefix, "g", draw.Between(0, ModelContext::kGroupNames - 1)));
  request.set_type(v1::CONSUMER);
  request.set_start(draw.OneOf<v1::GroupStart>({v1::EARLIEST, v1::LATEST, v1::NONE}));
  ModelGroup group(request.start());
  std::map<std::string, std::string> config;
  while (draw.Chance(0.6)) {
    const ModelSetting& setting = AnySetting(draw);
    const ModelConfigValue& value = draw.OneOf(setting.good);
    config[setting.name] = value.written;
    group.overrides[setting.name] = value.said;
  }
  request.mutable_config()->insert(config.begin(), config.end());
  context_.Say(absl::StrCat("create group ", request.group(), " start ", int{request.start()}, " ",
                            Text(config)));
  const bool exists = context_.model.FindGroup(request.group()) != nullptr;
  v1::CreateGroupResponse response;
  const ModelEnd end = context_.group_calls->Call(&Stub::CreateGroup, request, &response);
  WEIR_RETURN_IF_ERROR(SameEnd("create group", end, {exists ? "GROUP_EXISTS" : ""}));
  if (!exists) context_.model.groups[request.group()] = std::move(group);
  return absl::OkStatus();
}

absl::Status ModelGroupOperations::CreateWrong() {
  ModelDraw& draw = context_.draw;
  v1::CreateGroupRequest request;
  request.set_group(absl::StrCat(context_.prefix, "g", ModelContext::kGroupNames));
  request.set_type(v1::CONSUMER);
  request.set_start(v1::EARLIEST);
  std::string reason = "INVALID_REQUEST";
  switch (draw.Between(0, 3)) {
    case 0:
      request.set_group(draw.OneOf<std::string>(
          {"", ".", "..", "a/b", "a b", std::string(250, 'a'), std::string("a\0b", 3)}));
      reason = "INVALID_GROUP_ID";
      break;
    case 1:
      request.clear_start();
      break;
    case 2:
      request.clear_type();
      break;
    default: {
      const auto [name, value] = BadSetting(draw);
      (*request.mutable_config())[name] = value;
      reason = "INVALID_CONFIG";
    }
  }
  context_.Say(absl::StrCat("create group wrongly ", request.ShortDebugString()));
  v1::CreateGroupResponse response;
  return SameEnd("create group", context_.group_calls->Call(&Stub::CreateGroup, request, &response),
                 {reason});
}

absl::Status ModelGroupOperations::Alter() {
  ModelDraw& draw = context_.draw;
  v1::AlterGroupRequest request;
  request.set_group(context_.AnyGroup());
  ModelGroup* const group = context_.model.FindGroup(request.group());
  const ModelSetting& setting = AnySetting(draw);
  // Nobody is to be put out for what is altered here.
  if (group != nullptr && group->member.has_value() && setting.name == "session.timeout.ms")
    return absl::OkStatus();
  const ModelConfigValue& value = draw.OneOf(setting.good);
  const bool remove = draw.Chance(0.3);
  if (remove) {
    request.add_remove(setting.name);
  } else {
    (*request.mutable_set())[setting.name] = value.written;
  }
  context_.Say(absl::StrCat("alter group ", request.ShortDebugString()));
  v1::AlterGroupResponse response;
  const ModelEnd end = context_.group_calls->Call(&Stub::AlterGroup, request, &response);
  WEIR_RETURN_IF_ERROR(SameEnd("alter group", end, {group == nullptr ? "UNKNOWN_GROUP" : ""}));
  if (group == nullptr) return absl::OkStatus();
  if (remove) {
    group->overrides.erase(setting.name);
  } else {
    group->overrides[setting.name] = value.said;
  }
  return SameConfig(response.config(), *group);
}

absl::Status ModelGroupOperations::AlterWrong() {
  ModelDraw& draw = context_.draw;
  v1::AlterGroupRequest request;
  request.set_group(context_.AnyGroup());
  // A good value beside the bad one must not be taken either.
  (*request.mutable_set())["rebalance.timeout.ms"] = "3600000";
  const auto [name, value] = BadSetting(draw);
  (*request.mutable_set())[name] = value;
  context_.Say(absl::StrCat("alter group wrongly ", request.ShortDebugString()));
  const bool exists = context_.model.FindGroup(request.group()) != nullptr;
  v1::AlterGroupResponse response;
  return SameEnd("alter group", context_.group_calls->Call(&Stub::AlterGroup, request, &response),
                 {exists ? "INVALID_CONFIG" : "UNKNOWN_GROUP"});
}

absl::Status ModelGroupOperations::Pause() {
  const std::string id = context_.AnyGroup();
  const bool pause = context_.draw.Chance(0.5);
  context_.Say(absl::StrCat(pause ? "pause " : "resume ", id));
  ModelGroup* const group = context_.model.FindGroup(id);
  WEIR_RETURN_IF_ERROR(SameEnd("pause", EndOf(admin_.SetPaused(id, pause)),
                               {group == nullptr ? "UNKNOWN_GROUP" : ""}));
  if (group != nullptr) group->paused = pause;
  return absl::OkStatus();
}

absl::Status ModelGroupOperations::Delete() {
  const std::string id = context_.AnyGroup();
  context_.Say(absl::StrCat("delete group ", id));
  const ModelGroup* const group = context_.model.FindGroup(id);
  std::string reason = group == nullptr ? "UNKNOWN_GROUP" : "";
  if (group != nullptr && group->member.has_value()) reason = "GROUP_NOT_EMPTY";
  WEIR_RETURN_IF_ERROR(SameEnd("delete group", EndOf(admin_.Delete(id)), {reason}));
  if (reason.empty()) context_.model.groups.erase(id);
  return absl::OkStatus();
}

absl::Status ModelGroupOperations::List() {
  v1::ListGroupsRequest request;
  request.set_prefix(context_.prefix);
  request.set_page_size(static_cast<int32_t>(context_.draw.Between(0, 3)));
  context_.Say(absl::StrCat("list groups by ", request.page_size()));
  const auto& groups = context_.model.groups;
  auto expected = groups.begin();
  do {
    v1::ListGroupsResponse response;
    WEIR_RETURN_IF_ERROR(SameEnd(
        "list groups", context_.group_calls->Call(&Stub::ListGroups, request, &response), {""}));
    const int32_t size = request.page_size() == 0 ? 1000 : request.page_size();
    WEIR_RETURN_IF_ERROR(Same("groups of the page", int64_t{response.groups_size()},
                              std::min<int64_t>(size, std::distance(expected, groups.end()))));
    for (const v1::GroupSummary& summary : response.groups()) {
      const auto& [id, group] = *expected++;
      WEIR_RETURN_IF_ERROR(Same("group", summary.group(), id));
      WEIR_RETURN_IF_ERROR(Same("type", int{summary.type()}, int{v1::CONSUMER}));
      WEIR_RETURN_IF_ERROR(Same("paused", summary.paused(), group.paused));
      WEIR_RETURN_IF_ERROR(Same("members", summary.members(), int{group.member.has_value()}));
    }
    request.set_page_token(response.next_page_token());
    WEIR_RETURN_IF_ERROR(
        Same("there is another page", !request.page_token().empty(), expected != groups.end()));
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status ModelGroupOperations::Describe() {
  const std::string id = context_.AnyGroup();
  const auto page_size = static_cast<int32_t>(context_.draw.Between(0, 3));
  context_.Say(absl::StrCat("describe group ", id, " by ", page_size));
  return DescribeOne(id, page_size);
}

std::vector<ModelTopic*> ModelGroupOperations::TopicsOf(const ModelGroup& group) {
  std::vector<ModelTopic*> topics;
  for (auto& [name, topic] : context_.model.topics) {
    const auto first = group.committed().lower_bound({topic.id, 0});
    const bool committed = first != group.committed().end() && first->first.first == topic.id;
    const bool subscribed = group.member.has_value() && group.member->topics.contains(name);
    if (committed || subscribed) topics.push_back(&topic);
  }
  return topics;
}

absl::Status ModelGroupOperations::DescribeOne(const std::string& id, int32_t page_size) {
  ModelGroup* const group = context_.model.FindGroup(id);
  v1::DescribeGroupRequest request;
  request.set_group(id);
  request.set_page_size(page_size);
  std::vector<std::pair<ModelTopic*, int32_t>> expected;
  if (group != nullptr) {
    for (ModelTopic* const topic : TopicsOf(*group)) {
      for (int32_t p = 0; p < topic->partition_count(); ++p) expected.emplace_back(topic, p);
    }
  }
  size_t next = 0;
  do {
    const int64_t asked_ms = Clock::Real().NowMs();
    v1::DescribeGroupResponse response;
    const ModelEnd end = context_.group_calls->Call(&Stub::DescribeGroup, request, &response);
    WEIR_RETURN_IF_ERROR(SameEnd("describe group", end, {group == nullptr ? "UNKNOWN_GROUP" : ""}));
    if (group == nullptr) return absl::OkStatus();
    WEIR_RETURN_IF_ERROR(Same("group", response.group(), id));
    WEIR_RETURN_IF_ERROR(Same("start", int{response.start()}, int{group->start()}));
    WEIR_RETURN_IF_ERROR(Same("paused", response.paused(), group->paused));
    WEIR_RETURN_IF_ERROR(SameConfig(response.config(), *group));
    if (next == 0) WEIR_RETURN_IF_ERROR(SameMembers(response, *group));
    for (const v1::GroupPartition& seen : response.partitions()) {
      if (next == expected.size()) return Same("partitions", next + 1, next);
      const auto& [topic, partition] = expected[next++];
      WEIR_RETURN_IF_ERROR(SamePartition(seen, *group, topic, partition, asked_ms));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return Same("partitions of all pages", next, expected.size());
}

absl::Status ModelGroupOperations::SameMembers(const v1::DescribeGroupResponse& response,
                                               const ModelGroup& group) {
  WEIR_RETURN_IF_ERROR(Same("is empty", response.state() == v1::EMPTY, !group.member.has_value()));
  WEIR_RETURN_IF_ERROR(Same("members", response.members_size(), int{group.member.has_value()}));
  if (!group.member.has_value()) return absl::OkStatus();
  const v1::MemberDescription& seen = response.members(0);
  WEIR_RETURN_IF_ERROR(Same("member", seen.member_id(), group.member->id));
  WEIR_RETURN_IF_ERROR(Same("its epoch is not below the one that was told",
                            seen.member_epoch() >= group.member->epoch, true));
  const std::set<std::string> topics(seen.subscription().topics().begin(),
                                     seen.subscription().topics().end());
  return Same("its topics", absl::StrJoin(topics, ","), absl::StrJoin(group.member->topics, ","));
}

absl::Status ModelGroupOperations::SamePartition(const v1::GroupPartition& seen,
                                                 const ModelGroup& group, ModelTopic* topic,
                                                 int32_t index, int64_t asked_ms) {
  ModelPartition& partition = *topic->Find(index);
  const ModelPlace place{topic->id, index};
  const std::string name = absl::StrCat(topic->name, "/", index);
  WEIR_RETURN_IF_ERROR(Same("partition", absl::StrCat(seen.topic(), "/", seen.partition()), name));
  WEIR_RETURN_IF_ERROR(
      partition.SeeBounds(seen.log_start_offset(), seen.high_watermark(), topic->may_expire));
  const ModelCommit* const commit = group.Find(place);
  WEIR_RETURN_IF_ERROR(
      Same(name + " committed", seen.committed_offset(), commit == nullptr ? -1 : commit->offset));
  WEIR_RETURN_IF_ERROR(
      Same(name + " metadata", seen.metadata(), commit == nullptr ? "" : commit->metadata));
  WEIR_RETURN_IF_ERROR(
      Same(name + " has a commit time", seen.commit_time_ms() > 0, commit != nullptr));
  // What came while a member is away is given to it a little later.
  const std::string owner = group.member.has_value() ? group.member->id : "";
  if (!seen.member_id().empty() ||
      (group.member.has_value() && group.member->owned.contains(place)))
    WEIR_RETURN_IF_ERROR(Same(name + " owner", seen.member_id(), owner));
  const int64_t from =
      std::max(commit == nullptr ? partition.start() : commit->offset, partition.start());
  const int64_t lag = partition.end() - from;
  WEIR_RETURN_IF_ERROR(Same(name + " lag", seen.lag(), lag));
  if (lag == 0) return Same(name + " lag_ms", seen.lag_ms(), 0);
  const std::optional<int64_t> first_ms = partition.time_ms(from);
  if (!first_ms.has_value()) return absl::OkStatus();
  const auto age = [&](int64_t now_ms) { return std::max<int64_t>(now_ms - *first_ms, 0); };
  const bool fits = seen.lag_ms() >= age(asked_ms) && seen.lag_ms() <= age(Clock::Real().NowMs());
  return Same(absl::StrCat(name, " lag_ms ", seen.lag_ms(), " is the age of the first"), fits,
              true);
}

absl::Status ModelGroupOperations::CompareAll() {
  context_.Say("compare all groups");
  const auto listed = admin_.List(context_.prefix);
  if (!listed.ok()) return listed.status();
  WEIR_RETURN_IF_ERROR(Same("groups", listed->size(), context_.model.groups.size()));
  for (const GroupAdmin::Summary& summary : *listed) {
    WEIR_RETURN_IF_ERROR(
        Same(summary.group, context_.model.FindGroup(summary.group) != nullptr, true));
    WEIR_RETURN_IF_ERROR(DescribeOne(summary.group, 0));
  }
  return absl::OkStatus();
}

}  // namespace weir
