#include "tests/fault/model_topic_operations.h"

#include <utility>
#include <vector>

#include "storage/base/check.h"
#include "tests/fault/model_config.h"

namespace weir {
namespace {

constexpr int32_t kMostPartitions = 6;

std::string Text(const std::map<std::string, std::string>& config) {
  return absl::StrCat("{", absl::StrJoin(config, ", ", absl::PairFormatter("=")), "}");
}

// The whole configuration, in whatever type an answer has it.
template <typename Entries>
absl::Status SameConfig(const Entries& entries, const ModelTopic& topic) {
  WEIR_RETURN_IF_ERROR(
      Same("settings", static_cast<size_t>(entries.size()), ModelSettings().size()));
  size_t i = 0;
  for (const auto& entry : entries) {
    const std::string& name = ModelSettings()[i++].name;
    if constexpr (std::is_same_v<std::decay_t<decltype(entry)>, Admin::ConfigEntry>) {
      WEIR_RETURN_IF_ERROR(Same("setting", entry.name, name));
      WEIR_RETURN_IF_ERROR(Same(name, entry.value, topic.Config(name)));
      WEIR_RETURN_IF_ERROR(
          Same(name + " is_default", entry.is_default, !topic.overrides.contains(name)));
    } else {
      WEIR_RETURN_IF_ERROR(Same("setting", entry.name(), name));
      WEIR_RETURN_IF_ERROR(Same(name, entry.value(), topic.Config(name)));
      WEIR_RETURN_IF_ERROR(
          Same(name + " is_default", entry.is_default(), !topic.overrides.contains(name)));
    }
  }
  return absl::OkStatus();
}

absl::Status SamePartition(const v1::PartitionDescription& seen, int32_t index, ModelTopic* topic) {
  ModelPartition& partition = topic->partitions[static_cast<size_t>(index)];
  WEIR_RETURN_IF_ERROR(Same("partition", seen.partition(), index));
  WEIR_RETURN_IF_ERROR(
      partition.SeeBounds(seen.log_start_offset(), seen.high_watermark(), topic->may_expire));
  WEIR_RETURN_IF_ERROR(Same("damage", seen.damage(), ""));
  if (partition.leader_epoch() > 0)
    WEIR_RETURN_IF_ERROR(Same("leader epoch", seen.leader_epoch(), partition.leader_epoch()));
  if (partition.start() == partition.end()) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(Same("holds bytes", seen.size_bytes() > 0, true));
  return Same("has segments", seen.segments() > 0, true);
}

}  // namespace

absl::Status ModelTopicOperations::Create() {
  ModelDraw& draw = context_.draw;
  const int64_t number = draw.Between(0, ModelContext::kTopicNames - 1);
  v1::CreateTopicRequest request;
  request.set_name(absl::StrCat(context_.prefix, "t", number));
  request.set_partitions(static_cast<int32_t>(draw.Between(0, 4)));
  request.set_validate_only(draw.Chance(0.1));
  // Only the first two topics may lose records by themselves: all else is compared exactly.
  ModelTopic topic{.name = request.name()};
  std::map<std::string, std::string> config;
  while (draw.Chance(0.6)) {
    const auto [name, value] = DrawGoodSetting(draw.random(), number < 2);
    config[name] = value.written;
    topic.SetConfig(name, value.said);
  }
  request.mutable_config()->insert(config.begin(), config.end());
  context_.Say(absl::StrCat("create ", request.name(), " partitions=", request.partitions(), " ",
                            Text(config), request.validate_only() ? " validate_only" : ""));
  const bool exists = context_.model.Find(request.name()) != nullptr;
  std::string id;
  int32_t partitions = 0;
  ModelEnd end;
  if (request.partitions() > 0 && draw.Chance(0.5)) {
    const auto made = context_.admin.CreateTopic(
        {.name = request.name(), .partitions = request.partitions(), .config = config},
        request.validate_only());
    end = EndOf(made.status());
    if (made.ok()) id = made->topic_id;
    if (made.ok()) partitions = made->partitions;
  } else {
    v1::CreateTopicResponse response;
    end = context_.calls->CreateTopic(request, &response);
    id = response.topic_id();
    partitions = response.partitions();
  }
  WEIR_RETURN_IF_ERROR(SameEnd("create", end, {exists ? "TOPIC_EXISTS" : ""}));
  if (exists) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(Same("partitions", partitions, std::max(request.partitions(), 1)));
  if (request.validate_only()) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(Same("a new topic id", context_.model.topic_ids.insert(id).second, true));
  topic.id = id;
  topic.partitions.resize(static_cast<size_t>(partitions));
  context_.model.topics[topic.name] = std::move(topic);
  return absl::OkStatus();
}

absl::Status ModelTopicOperations::CreateWrong() {
  ModelDraw& draw = context_.draw;
  Admin::TopicSpec spec{.name = absl::StrCat(context_.prefix, "t", ModelContext::kTopicNames)};
  std::string reason;
  switch (draw.Between(0, 2)) {
    case 0:
      spec.name =
          draw.OneOf<std::string>({"", ".", "..", "a/b", "a b", "__internal", std::string(250, 'a'),
                                   "caf\xc3\xa9", std::string("a\0b", 3), "../../etc/passwd"});
      reason = "INVALID_TOPIC_NAME";
      break;
    case 1:
      spec.partitions = draw.OneOf<int32_t>({-1, 100'001, INT32_MAX, INT32_MIN});
      reason = "INVALID_PARTITIONS";
      break;
    default:
      spec.config.insert(DrawBadSetting(draw.random()));
      reason = "INVALID_CONFIG";
  }
  context_.Say(absl::StrCat("create wrongly ", spec.name, " partitions=", spec.partitions, " ",
                            Text(spec.config)));
  return SameEnd("create", EndOf(context_.admin.CreateTopic(spec).status()), {reason});
}

absl::Status ModelTopicOperations::Delete() {
  const std::string name = context_.AnyTopicName();
  context_.Say(absl::StrCat("delete ", name));
  const bool exists = context_.model.topics.erase(name) > 0;
  return SameEnd("delete", EndOf(context_.admin.DeleteTopic(name)),
                 {exists ? "" : "UNKNOWN_TOPIC"});
}

absl::Status ModelTopicOperations::List() {
  ModelDraw& draw = context_.draw;
  v1::ListTopicsRequest request;
  request.set_prefix(context_.prefix);
  request.set_page_size(static_cast<int32_t>(draw.Between(0, 4)));
  context_.Say(absl::StrCat("list by ", request.page_size()));
  if (draw.Chance(0.1)) {  // a page that is none
    const bool negative = draw.Chance(0.3);
    if (negative) request.set_page_size(-1);
    if (!negative) request.set_page_token(draw.OneOf<std::string>({"x", "AAAA", "////", "%"}));
    v1::ListTopicsResponse response;
    return SameEnd("list", context_.calls->ListTopics(request, &response),
                   {negative ? "INVALID_REQUEST" : "INVALID_PAGE_TOKEN"});
  }
  auto expected = context_.model.topics.begin();
  do {
    v1::ListTopicsResponse response;
    WEIR_RETURN_IF_ERROR(SameEnd("list", context_.calls->ListTopics(request, &response), {""}));
    const int32_t size = request.page_size() == 0 ? 1000 : request.page_size();
    const auto left = std::distance(expected, context_.model.topics.end());
    WEIR_RETURN_IF_ERROR(
        Same("topics of the page", int64_t{response.topics_size()}, std::min<int64_t>(size, left)));
    for (const v1::TopicSummary& summary : response.topics()) {
      const ModelTopic& topic = (expected++)->second;
      WEIR_RETURN_IF_ERROR(Same("topic", summary.name(), topic.name));
      WEIR_RETURN_IF_ERROR(Same("its id", summary.topic_id(), topic.id));
      WEIR_RETURN_IF_ERROR(Same("its partitions", summary.partitions(), topic.partition_count()));
    }
    request.set_page_token(response.next_page_token());
    WEIR_RETURN_IF_ERROR(Same("there is another page", !request.page_token().empty(),
                              expected != context_.model.topics.end()));
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

absl::Status ModelTopicOperations::DescribeOne(const std::string& name, int32_t page_size) {
  ModelTopic* const topic = context_.model.Find(name);
  v1::DescribeTopicRequest request;
  request.set_name(name);
  request.set_page_size(page_size);
  int32_t next = 0;
  do {
    v1::DescribeTopicResponse response;
    const ModelEnd end = context_.calls->DescribeTopic(request, &response);
    WEIR_RETURN_IF_ERROR(SameEnd("describe", end, {topic == nullptr ? "UNKNOWN_TOPIC" : ""}));
    if (topic == nullptr) return absl::OkStatus();
    WEIR_RETURN_IF_ERROR(Same("name", response.name(), name));
    WEIR_RETURN_IF_ERROR(Same("id", response.topic_id(), topic->id));
    WEIR_RETURN_IF_ERROR(Same("partitions", response.partition_count(), topic->partition_count()));
    WEIR_RETURN_IF_ERROR(SameConfig(response.config(), *topic));
    const int32_t left = topic->partition_count() - next;
    WEIR_RETURN_IF_ERROR(Same("partitions of the page", response.partitions_size(),
                              page_size == 0 ? left : std::min(page_size, left)));
    for (const v1::PartitionDescription& partition : response.partitions())
      WEIR_RETURN_IF_ERROR(SamePartition(partition, next++, topic));
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return Same("partitions of all pages", next, topic->partition_count());
}

absl::Status ModelTopicOperations::Describe() {
  const std::string name = context_.AnyTopicName();
  const auto page_size = static_cast<int32_t>(context_.draw.Between(0, 3));
  context_.Say(absl::StrCat("describe ", name, " by ", page_size));
  return DescribeOne(name, page_size);
}

absl::Status ModelTopicOperations::Alter() {
  ModelDraw& draw = context_.draw;
  const std::string name = context_.AnyTopicName();
  ModelTopic* const topic = context_.model.Find(name);
  std::map<std::string, std::string> set;
  std::map<std::string, std::string> said;
  std::vector<std::string> remove;
  do {
    const auto [setting, value] =
        DrawGoodSetting(draw.random(), topic != nullptr && topic->may_expire);
    if (draw.Chance(0.3)) {
      if (!set.contains(setting)) remove.push_back(setting);
    } else if (std::find(remove.begin(), remove.end(), setting) == remove.end()) {
      set[setting] = value.written;
      said[setting] = value.said;
    }
  } while (draw.Chance(0.3));
  context_.Say(
      absl::StrCat("alter ", name, " ", Text(set), " remove ", absl::StrJoin(remove, ",")));
  const auto altered = context_.admin.AlterTopicConfig(name, set, remove);
  WEIR_RETURN_IF_ERROR(
      SameEnd("alter", EndOf(altered.status()), {topic == nullptr ? "UNKNOWN_TOPIC" : ""}));
  if (topic == nullptr) return absl::OkStatus();
  for (const std::string& setting : remove) topic->overrides.erase(setting);
  for (const auto& [setting, value] : said) topic->SetConfig(setting, value);
  return SameConfig(*altered, *topic);
}

absl::Status ModelTopicOperations::AlterWrong() {
  ModelDraw& draw = context_.draw;
  const std::string name = context_.AnyTopicName();
  // A good value beside the bad one must not be taken either.
  const auto [good, value] = DrawGoodSetting(draw.random(), false);
  std::map<std::string, std::string> set = {{good, value.written}};
  std::vector<std::string> remove;
  if (draw.Chance(0.2)) {
    remove.push_back(draw.Chance(0.5) ? good : "no.such.setting");
  } else {
    const auto [bad, bad_value] = DrawBadSetting(draw.random());
    set[bad] = bad_value;
  }
  context_.Say(
      absl::StrCat("alter wrongly ", name, " ", Text(set), " remove ", absl::StrJoin(remove, ",")));
  const bool exists = context_.model.Find(name) != nullptr;
  return SameEnd("alter", EndOf(context_.admin.AlterTopicConfig(name, set, remove).status()),
                 {exists ? "INVALID_CONFIG" : "UNKNOWN_TOPIC"});
}

absl::Status ModelTopicOperations::AddPartitions() {
  ModelDraw& draw = context_.draw;
  const std::string name = context_.AnyTopicName();
  ModelTopic* const topic = context_.model.Find(name);
  const int32_t has = topic == nullptr ? 1 : topic->partition_count();
  int32_t total = std::min(has + static_cast<int32_t>(draw.Between(0, 1)), kMostPartitions);
  if (draw.Chance(0.3)) total = draw.OneOf<int32_t>({has - 1, 0, -1, 100'001});
  context_.Say(absl::StrCat("add partitions ", name, " to ", total));
  std::string reason = total < has || total > 100'000 ? "INVALID_PARTITIONS" : "";
  if (topic == nullptr) reason = "UNKNOWN_TOPIC";
  const absl::StatusOr<int32_t> added = context_.admin.AddPartitions(name, total);
  WEIR_RETURN_IF_ERROR(SameEnd("add partitions", EndOf(added.status()), {reason}));
  if (!reason.empty()) return absl::OkStatus();
  topic->partitions.resize(static_cast<size_t>(total));
  return Same("partitions", *added, total);
}

absl::Status ModelTopicOperations::CompareAll() {
  context_.Say("compare all topics");
  const auto listed = context_.admin.ListTopics(context_.prefix);
  if (!listed.ok()) return listed.status();
  WEIR_RETURN_IF_ERROR(Same("topics", listed->size(), context_.model.topics.size()));
  for (const Admin::TopicSummary& summary : *listed) {
    WEIR_RETURN_IF_ERROR(Same(summary.name, context_.model.Find(summary.name) != nullptr, true));
    WEIR_RETURN_IF_ERROR(DescribeOne(summary.name, 0));
  }
  return absl::OkStatus();
}

}  // namespace weir
