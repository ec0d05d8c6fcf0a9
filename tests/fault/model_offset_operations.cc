#include "tests/fault/model_offset_operations.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

using Stub = v1::GroupService::Stub;

}  // namespace

void ModelOffsetOperations::DrawOffsets(const ModelGroup* group,
                                        v1::CommitOffsetsRequest* request) {
  ModelDraw& draw = context_.draw;
  for (int i = draw.Count(4); i > 0; --i) {
    ModelTopic* const lasting = context_.LastingTopic();
    v1::GroupOffset* const offset = request->add_offsets();
    offset->set_topic(lasting != nullptr && draw.Chance(0.95)
                          ? lasting->name
                          : absl::StrCat(context_.prefix, "t", ModelContext::kTopicNames));
    offset->set_partition(context_.AnyPartition(offset->topic()));
    ModelTopic* const topic = context_.model.Find(offset->topic());
    const ModelPartition* const partition =
        topic == nullptr ? nullptr : topic->Find(offset->partition());
    if (partition == nullptr) continue;
    const ModelCommit* const before =
        group == nullptr ? nullptr : group->Find({topic->id, offset->partition()});
    const int64_t least = before == nullptr ? 0 : std::min(before->offset, partition->end());
    offset->set_offset(draw.Between(least, partition->end()));
    if (draw.Chance(0.2)) offset->set_offset(draw.Between(0, partition->end()));
    if (draw.Chance(0.05))
      offset->set_offset(draw.OneOf<int64_t>({-1, INT64_MIN, INT64_MAX, partition->end() + 1}));
    if (draw.Chance(0.3)) offset->set_leader_epoch(context_.model.leader_epoch);
    const auto most = static_cast<int64_t>(limits::kOffsetMetadataBytes);
    if (draw.Chance(0.3))
      offset->set_metadata(std::string(static_cast<size_t>(draw.Count(30)), 'm'));
    if (draw.Chance(0.03))
      offset->set_metadata(std::string(static_cast<size_t>(most + draw.Between(0, 1)), 'm'));
  }
}

std::vector<std::string> ModelOffsetOperations::Take(const v1::CommitOffsetsRequest& request,
                                                     bool as_member, ModelGroup* group) {
  std::vector<std::string> reasons;
  std::map<ModelPlace, ModelCommit> taken;
  for (const v1::GroupOffset& offset : request.offsets()) {
    std::string& reason = reasons.emplace_back();
    reason = context_.model.Missing(offset.topic(), offset.partition());
    if (!reason.empty()) continue;
    ModelTopic* const topic = context_.model.Find(offset.topic());
    const ModelPlace place{topic->id, offset.partition()};
    ModelCommit commit{.offset = offset.offset(), .metadata = offset.metadata()};
    if (offset.has_leader_epoch()) commit.leader_epoch = offset.leader_epoch();
    const bool owns = !as_member || (group->member->owned.contains(place) &&
                                     request.member_epoch() == group->member->epoch);
    if (!owns) {
      reason = "STALE_MEMBER_EPOCH";
    } else {
      reason = group->WhyNot(place, commit, topic->Find(offset.partition())->end());
    }
    if (reason.empty() && !taken.emplace(place, std::move(commit)).second)
      reason = "INVALID_REQUEST";  // it is named twice
  }
  for (const auto& [place, commit] : taken) group->Commit(place, commit);
  return reasons;
}

absl::Status ModelOffsetOperations::Send(const v1::CommitOffsetsRequest& request,
                                         const std::string& reason,
                                         const std::vector<std::string>& items) {
  v1::CommitOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(SameEnd(
      "commit", context_.group_calls->Call(&Stub::CommitOffsets, request, &response), {reason}));
  if (!reason.empty()) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(Same("results", static_cast<size_t>(response.results_size()), items.size()));
  for (int i = 0; i < response.results_size(); ++i) {
    const auto& result = response.results(i);
    const std::string name =
        absl::StrCat(request.offsets(i).topic(), "/", request.offsets(i).partition());
    WEIR_RETURN_IF_ERROR(
        Same("place", absl::StrCat(result.topic(), "/", result.partition()), name));
    WEIR_RETURN_IF_ERROR(SameEnd(absl::StrCat("commit of ", name),
                                 EndOf(result.has_error(), result.error()),
                                 {items[static_cast<size_t>(i)]}));
  }
  return absl::OkStatus();
}

absl::Status ModelOffsetOperations::Commit() {
  ModelDraw& draw = context_.draw;
  v1::CommitOffsetsRequest request;
  request.set_group(context_.AnyGroup());
  if (draw.Chance(0.02)) request.set_group("no/group");
  if (draw.Chance(0.3))
    request.set_start(draw.OneOf<v1::GroupStart>({v1::EARLIEST, v1::LATEST, v1::NONE}));
  ModelGroup* const group = context_.model.FindGroup(request.group());
  // The last name stays unknown.
  const bool never =
      request.group() == absl::StrCat(context_.prefix, "g", ModelContext::kGroupNames);
  if (never) request.clear_start();
  DrawOffsets(group, &request);
  context_.Say(absl::StrCat("commit ", request.ShortDebugString().substr(0, 300)));
  const bool creates = group == nullptr && request.start() != v1::GROUP_START_UNSPECIFIED;
  const bool any_exists = std::any_of(
      request.offsets().begin(), request.offsets().end(), [&](const v1::GroupOffset& offset) {
        return context_.model.Missing(offset.topic(), offset.partition()).empty();
      });
  std::string reason;
  if (any_exists && request.group() == "no/group") {
    reason = "INVALID_GROUP_ID";
  } else if (any_exists && group == nullptr && !creates) {
    reason = "UNKNOWN_GROUP";
  } else if (any_exists && group != nullptr && group->member.has_value()) {
    reason = "GROUP_NOT_EMPTY";
  }
  ModelGroup created(request.start());
  ModelGroup unchanged;
  ModelGroup* to = creates ? &created : group;
  if (!reason.empty() || to == nullptr) to = &unchanged;
  WEIR_RETURN_IF_ERROR(Send(request, reason, Take(request, /*as_member=*/false, to)));
  if (creates && reason.empty() && !created.committed().empty())
    context_.model.groups[request.group()] = std::move(created);
  return absl::OkStatus();
}

absl::Status ModelOffsetOperations::CommitAsMember(const std::string& id) {
  ModelDraw& draw = context_.draw;
  ModelGroup& group = *context_.model.FindGroup(id);
  v1::CommitOffsetsRequest request;
  request.set_group(id);
  request.set_member_id(group.member->id);
  request.set_member_epoch(group.member->epoch);
  DrawOffsets(&group, &request);
  std::string reason;
  if (draw.Chance(0.1)) {
    request.set_member_id("nobody");
    reason = "UNKNOWN_MEMBER";
  } else if (draw.Chance(0.1)) {
    request.clear_member_id();
    reason = "GROUP_NOT_EMPTY";
  } else if (draw.Chance(0.1)) {
    request.set_member_epoch(group.member->epoch + 1000);  // never given
    reason = "STALE_MEMBER_EPOCH";
  } else if (draw.Chance(0.1)) {
    request.clear_member_epoch();  // nothing is owned since then
  }
  context_.Say(absl::StrCat("commit ", request.ShortDebugString().substr(0, 300)));
  ModelGroup unchanged = group;
  const std::vector<std::string> items =
      Take(request, /*as_member=*/true, reason.empty() ? &group : &unchanged);
  const bool any_exists = std::any_of(items.begin(), items.end(), [](const std::string& item) {
    return item != "UNKNOWN_TOPIC" && item != "UNKNOWN_PARTITION";
  });
  return Send(request, any_exists ? reason : "", items);
}

absl::Status ModelOffsetOperations::SameOffset(const v1::FetchOffsetsResponse::Result& seen,
                                               const ModelGroup& group, ModelTopic* topic,
                                               int32_t partition) {
  const std::string name = absl::StrCat(topic->name, "/", partition);
  const ModelPlace place{topic->id, partition};
  WEIR_RETURN_IF_ERROR(
      Same("place", absl::StrCat(seen.offset().topic(), "/", seen.offset().partition()), name));
  const ModelCommit* const commit = group.Find(place);
  WEIR_RETURN_IF_ERROR(
      Same(name + " committed", seen.offset().offset(), commit == nullptr ? -1 : commit->offset));
  const std::set<int64_t> read_from = group.ReadFrom(place, topic->Find(partition)->start());
  if (!topic->may_expire && !read_from.contains(seen.read_from()))
    return Same(name + " read_from", seen.read_from(), *read_from.begin());
  if (commit == nullptr) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(Same(name + " metadata", seen.offset().metadata(), commit->metadata));
  WEIR_RETURN_IF_ERROR(Same(name + " leader epoch",
                            seen.offset().has_leader_epoch() ? seen.offset().leader_epoch() : -1,
                            commit->leader_epoch.value_or(-1)));
  return Same(name + " has a commit time", seen.offset().commit_time_ms() > 0, true);
}

absl::Status ModelOffsetOperations::FetchPages(const std::string& id, int32_t page_size) {
  ModelGroup* const group = context_.model.FindGroup(id);
  std::vector<std::pair<ModelTopic*, int32_t>> expected;  // by topic id and number
  for (auto& [name, topic] : context_.model.topics) {
    for (int32_t p = 0; group != nullptr && p < topic.partition_count(); ++p) {
      if (group->Find({topic.id, p}) != nullptr) expected.emplace_back(&topic, p);
    }
  }
  std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first->id, a.second) < std::pair(b.first->id, b.second);
  });
  v1::FetchOffsetsRequest request;
  request.set_group(id);
  request.set_page_size(page_size);
  size_t next = 0;
  do {
    v1::FetchOffsetsResponse response;
    const ModelEnd end = context_.group_calls->Call(&Stub::FetchOffsets, request, &response);
    WEIR_RETURN_IF_ERROR(SameEnd("fetch offsets", end, {group == nullptr ? "UNKNOWN_GROUP" : ""}));
    if (group == nullptr) return absl::OkStatus();
    for (const auto& result : response.results()) {
      if (next == expected.size()) return Same("offsets", next + 1, next);
      const auto& [topic, partition] = expected[next++];
      WEIR_RETURN_IF_ERROR(SameOffset(result, *group, topic, partition));
    }
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return Same("offsets of all pages", next, expected.size());
}

absl::Status ModelOffsetOperations::Fetch() {
  ModelDraw& draw = context_.draw;
  const std::string id = context_.AnyGroup();
  if (draw.Chance(0.3)) {
    const auto page_size = static_cast<int32_t>(draw.Between(0, 3));
    context_.Say(absl::StrCat("fetch offsets of ", id, " by ", page_size));
    return FetchPages(id, page_size);
  }
  v1::FetchOffsetsRequest request;
  request.set_group(id);
  std::string reason;
  for (int i = draw.Count(4); i > 0; --i) {
    v1::PartitionId* const asked = request.add_partitions();
    asked->set_topic(context_.AnyTopicName());
    asked->set_partition(context_.AnyPartition(asked->topic()));
    if (reason.empty()) reason = context_.model.Missing(asked->topic(), asked->partition());
  }
  context_.Say(absl::StrCat("fetch offsets ", request.ShortDebugString().substr(0, 300)));
  const ModelGroup* const group = context_.model.FindGroup(id);
  if (reason.empty() && group == nullptr) reason = "UNKNOWN_GROUP";
  v1::FetchOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(SameEnd("fetch offsets",
                               context_.group_calls->Call(&Stub::FetchOffsets, request, &response),
                               {reason}));
  if (!reason.empty()) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(Same("results", response.results_size(), request.partitions_size()));
  for (int i = 0; i < response.results_size(); ++i) {
    WEIR_RETURN_IF_ERROR(SameOffset(response.results(i), *group,
                                    context_.model.Find(request.partitions(i).topic()),
                                    request.partitions(i).partition()));
  }
  return absl::OkStatus();
}

std::string ModelOffsetOperations::Target(const v1::ResetOffsetsRequest& request,
                                          const ModelGroup& group, const ModelTopic& topic,
                                          int32_t index, int64_t* target) {
  const ModelPartition& partition = topic.partitions[static_cast<size_t>(index)];
  const ModelCommit* const before = group.Find({topic.id, index});
  switch (request.to_case()) {
    case v1::ResetOffsetsRequest::kEarliest:
      *target = partition.start();
      return "";
    case v1::ResetOffsetsRequest::kLatest:
      *target = partition.end();
      return "";
    case v1::ResetOffsetsRequest::kTimestampMs:
      *target = partition.FindByTime(request.timestamp_ms()).offset;
      return "";
    case v1::ResetOffsetsRequest::kOffset:
      *target = request.offset();
      return *target < partition.start() || *target > partition.end() ? "OFFSET_OUT_OF_RANGE" : "";
    default:
      break;
  }
  if (before == nullptr) return "NO_COMMITTED_OFFSET";
  const int64_t from = std::clamp(before->offset, partition.start(), partition.end());
  *target = partition.end();
  if (request.shift() < partition.end() - from)
    *target = std::max(from + std::max(request.shift(), -from), partition.start());
  return "";
}

absl::Status ModelOffsetOperations::Reset() {
  ModelDraw& draw = context_.draw;
  ModelTopic* topic = context_.LastingTopic();
  v1::ResetOffsetsRequest request;
  request.set_group(context_.AnyGroup());
  request.set_topic(topic != nullptr ? topic->name : absl::StrCat(context_.prefix, "none"));
  request.set_dry_run(draw.Chance(0.3));
  std::set<int32_t> partitions;
  while (topic != nullptr && draw.Chance(0.5))
    partitions.insert(static_cast<int32_t>(draw.Between(0, topic->partition_count() - 1)));
  for (const int32_t p : partitions) request.add_partitions(p);
  const ModelPartition* const some =
      topic == nullptr ? nullptr : topic->Find(partitions.empty() ? 0 : *partitions.begin());
  const int64_t end = some == nullptr ? 0 : some->end();
  const int64_t kind = draw.Between(0, 21);
  if (kind < 4) request.set_earliest(true);
  if (kind >= 4 && kind < 8) request.set_latest(true);
  if (kind >= 8 && kind < 12) request.set_offset(draw.Between(0, end + 1));
  if (kind >= 12 && kind < 16) request.set_timestamp_ms(draw.Time());
  if (kind >= 16 && kind < 21)
    request.set_shift(draw.Chance(0.1) ? draw.OneOf<int64_t>({INT64_MIN, INT64_MAX})
                                       : draw.Between(-end - 1, end + 1));
  context_.Say(absl::StrCat("reset ", request.ShortDebugString()));
  ModelGroup* const group = context_.model.FindGroup(request.group());
  std::string reason;
  if (topic == nullptr) {
    reason = "UNKNOWN_TOPIC";
  } else if (request.to_case() == v1::ResetOffsetsRequest::TO_NOT_SET) {
    reason = "INVALID_REQUEST";
  } else if (group == nullptr) {
    reason = "UNKNOWN_GROUP";
  } else if (group->member.has_value()) {
    reason = "GROUP_NOT_EMPTY";
  }
  v1::ResetOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(SameEnd(
      "reset", context_.group_calls->Call(&Stub::ResetOffsets, request, &response), {reason}));
  if (!reason.empty()) return absl::OkStatus();
  for (int32_t p = 0; request.partitions_size() == 0 && p < topic->partition_count(); ++p)
    partitions.insert(p);
  WEIR_RETURN_IF_ERROR(
      Same("results", static_cast<size_t>(response.results_size()), partitions.size()));
  std::map<ModelPlace, ModelCommit> moved;
  int at = 0;
  for (const int32_t p : partitions) {
    const auto& result = response.results(at++);
    const std::string name = absl::StrCat("reset of ", topic->name, "/", p);
    WEIR_RETURN_IF_ERROR(Same("partition", result.partition(), p));
    const ModelCommit* const before = group->Find({topic->id, p});
    WEIR_RETURN_IF_ERROR(
        Same(name + " before", result.before(), before == nullptr ? -1 : before->offset));
    int64_t target = -1;
    const std::string wrong = Target(request, *group, *topic, p, &target);
    WEIR_RETURN_IF_ERROR(SameEnd(name, EndOf(result.has_error(), result.error()), {wrong}));
    if (!wrong.empty()) {
      reason = wrong;
      continue;
    }
    WEIR_RETURN_IF_ERROR(Same(name + " after", result.after(), target));
    moved[{topic->id, p}] = {.offset = target};
  }
  if (!reason.empty() || request.dry_run()) return absl::OkStatus();
  for (const auto& [place, commit] : moved) group->Commit(place, commit);
  return absl::OkStatus();
}

absl::Status ModelOffsetOperations::CompareAll(const std::string& id) { return FetchPages(id, 0); }

}  // namespace weir
