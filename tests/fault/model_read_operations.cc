#include "tests/fault/model_read_operations.h"

#include <utility>
#include <vector>

#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// Nothing of a healthy broker takes so long.
constexpr absl::Duration kHang = absl::Seconds(60);

}  // namespace

absl::Status ModelReadOperations::StreamFrom(const std::string& name, int32_t index,
                                             int64_t offset) {
  ModelDraw& draw = context_.draw;
  v1::FetchStreamRequest request;
  request.set_topic(name);
  request.set_partition(index);
  request.set_offset(offset);
  request.set_max_bytes(draw.OneOf<int64_t>({0, 1, 500, 20'000}));
  request.set_format(draw.Chance(0.5) ? v1::RECORDS : v1::RECORD_BATCH);
  request.set_until_end(true);
  context_.Say(absl::StrCat("stream ", request.format() == v1::RECORDS ? "records" : "batches",
                            " of ", name, "/", index, " at ", offset, " max ",
                            request.max_bytes()));
  std::string reason = context_.model.Missing(name, index);
  ModelTopic* const topic = context_.model.Find(name);
  ModelPartition* const partition = topic == nullptr ? nullptr : topic->Find(index);
  if (reason.empty() && (offset < partition->start() || offset > partition->end()))
    reason = "OFFSET_OUT_OF_RANGE";
  std::vector<v1::FetchStreamResponse> responses;
  const ModelEnd end = context_.calls->FetchStream(request, &responses);
  std::vector<std::string> reasons = {reason};
  if (reason.empty() && topic->may_expire) reasons.emplace_back("OFFSET_OUT_OF_RANGE");
  WEIR_RETURN_IF_ERROR(SameEnd("stream", end, reasons));
  if (!reason.empty()) return Same("messages", responses.size(), size_t{0});
  const int64_t limit = request.max_bytes() == 0 ? limits::kFetchBytesDefault : request.max_bytes();
  ModelReader reader(partition, offset);
  for (const v1::FetchStreamResponse& response : responses) {
    if (request.format() == v1::RECORDS) {
      WEIR_RETURN_IF_ERROR(reader.TakeRecords(response.records(), limit));
    } else {
      WEIR_RETURN_IF_ERROR(reader.TakeBatches(response.record_batches(), limit));
    }
    WEIR_RETURN_IF_ERROR(Same("the message has records", reader.pieces() > 0, true));
    WEIR_RETURN_IF_ERROR(Same("next offset", response.next_offset(), reader.next()));
    if (!topic->may_expire) {
      WEIR_RETURN_IF_ERROR(
          partition->SeeBounds(response.log_start_offset(), response.high_watermark(), false));
    }
  }
  if (!end.ok()) return absl::OkStatus();  // the log start has overtaken it
  return Same("the end of the stream", reader.next(), partition->end());
}

absl::Status ModelReadOperations::Stream() {
  const std::string name = context_.AnyTopicName();
  const int32_t index = context_.AnyPartition(name);
  ModelTopic* const topic = context_.model.Find(name);
  const ModelPartition* const partition = topic == nullptr ? nullptr : topic->Find(index);
  const int64_t offset =
      partition == nullptr ? 0 : context_.draw.Offset(*partition, context_.draw.Chance(0.05));
  return StreamFrom(name, index, offset);
}

absl::Status ModelReadOperations::CompareAll(ModelTopic* topic, int32_t partition) {
  return StreamFrom(topic->name, partition, topic->Find(partition)->start());
}

int64_t ModelReadOperations::AnyTime(const ModelPartition* partition) {
  ModelDraw& draw = context_.draw;
  if (draw.Chance(0.03)) return draw.OneOf<int64_t>({0, -1, INT64_MIN, INT64_MAX});
  if (partition == nullptr || partition->start() == partition->end()) return draw.Time();
  return *partition->time_ms(draw.Between(partition->start(), partition->end() - 1)) +
         draw.Between(-2, 2);
}

absl::Status ModelReadOperations::ListOffsets() {
  ModelDraw& draw = context_.draw;
  v1::ListOffsetsRequest request;
  for (int i = draw.Count(6); i > 0; --i) {
    auto* const query = request.add_queries();
    query->set_topic(context_.AnyTopicName());
    query->set_partition(context_.AnyPartition(query->topic()));
    ModelTopic* const topic = context_.model.Find(query->topic());
    const int64_t kind = draw.Between(0, 20);
    if (kind < 4) query->set_earliest(true);
    if (kind >= 4 && kind < 8) query->set_latest(true);
    if (kind >= 8 && kind < 20) {
      query->set_timestamp_ms(
          AnyTime(topic == nullptr ? nullptr : topic->Find(query->partition())));
    }
  }
  context_.Say(absl::StrCat("list offsets: ", request.ShortDebugString().substr(0, 300)));
  v1::ListOffsetsResponse response;
  WEIR_RETURN_IF_ERROR(
      SameEnd("list offsets", context_.calls->ListOffsets(request, &response), {""}));
  WEIR_RETURN_IF_ERROR(Same("results", response.results_size(), request.queries_size()));
  for (int i = 0; i < request.queries_size(); ++i) {
    const auto& query = request.queries(i);
    const auto& result = response.results(i);
    const std::string name = absl::StrCat("query ", i);
    WEIR_RETURN_IF_ERROR(Same(name, absl::StrCat(result.topic(), "/", result.partition()),
                              absl::StrCat(query.topic(), "/", query.partition())));
    std::string reason = context_.model.Missing(query.topic(), query.partition());
    if (query.at_case() == v1::ListOffsetsRequest::Query::AT_NOT_SET) reason = "INVALID_REQUEST";
    WEIR_RETURN_IF_ERROR(SameEnd(name, EndOf(result.has_error(), result.error()), {reason}));
    ModelPartition::AtTime expected{.offset = -1};
    if (reason.empty()) {
      ModelTopic* const topic = context_.model.Find(query.topic());
      ModelPartition& partition = *topic->Find(query.partition());
      // What may expire may do so between the queries.
      if (topic->may_expire && !query.has_latest()) continue;
      if (query.has_earliest()) expected.offset = partition.start();
      if (query.has_latest()) expected.offset = partition.end();
      if (query.has_timestamp_ms()) expected = partition.FindByTime(query.timestamp_ms());
    }
    WEIR_RETURN_IF_ERROR(Same(name, result.offset(), expected.offset));
    WEIR_RETURN_IF_ERROR(Same(name + " time", result.timestamp_ms(), expected.timestamp_ms));
  }
  return absl::OkStatus();
}

Position ModelReadOperations::AnyPosition(const ModelPartition& partition, std::string* text) {
  ModelDraw& draw = context_.draw;
  const int64_t kind = draw.Between(0, 9);
  if (kind < 3) {
    *text = "earliest";
    return Earliest();
  }
  if (kind < 4) {
    *text = "latest";
    return Latest();
  }
  if (kind < 7) {
    const Offset offset{draw.Offset(partition, draw.Chance(0.1))};
    *text = absl::StrCat("offset ", offset.value());
    return offset;
  }
  const int64_t time_ms = AnyTime(&partition);
  *text = absl::StrCat("time ", time_ms);
  return absl::FromUnixMillis(time_ms);
}

std::optional<int64_t> ModelReadOperations::Begin(const ModelPartition& partition,
                                                  const Position& position, WhenOutOfRange when) {
  if (std::holds_alternative<Earliest>(position)) return partition.start();
  if (std::holds_alternative<Latest>(position)) return partition.end();
  if (std::holds_alternative<absl::Time>(position))
    return partition.FindByTime(absl::ToUnixMillis(std::get<absl::Time>(position))).offset;
  const int64_t offset = std::get<Offset>(position).value();
  if (offset >= partition.start() && offset <= partition.end()) return offset;
  if (when == WhenOutOfRange::kError) return std::nullopt;
  return when == WhenOutOfRange::kEarliest ? partition.start() : partition.end();
}

absl::Status ModelReadOperations::Poll(Consumer* consumer, std::map<int32_t, ModelReader>* readers,
                                       int failures) {
  while (!consumer->AtEnd()) {
    absl::StatusOr<RecordSet> set = consumer->Poll(kHang);
    if (!set.ok()) {
      WEIR_RETURN_IF_ERROR(
          SameEnd("poll", EndOf(set.status()), {failures-- > 0 ? "OFFSET_OUT_OF_RANGE" : ""}));
      continue;
    }
    if (set->empty()) {
      if (consumer->AtEnd()) break;
      return absl::InternalError(absl::StrCat("nothing came: ", consumer->last_error().ToString()));
    }
    const auto reader = readers->find(set->partition().value());
    if (reader == readers->end())
      return absl::InternalError(absl::StrCat("records of partition ", set->partition().value()));
    RecordView record;
    while (set->Next(&record)) WEIR_RETURN_IF_ERROR(reader->second.TakeRecord(SeenRecord(record)));
    WEIR_RETURN_IF_ERROR(set->status());
    WEIR_RETURN_IF_ERROR(Same("next offset", set->next_offset().value(), reader->second.next()));
  }
  return Same("partitions that are yet to fail", failures, 0);
}

absl::Status ModelReadOperations::Consume() {
  ModelDraw& draw = context_.draw;
  ModelTopic* const topic = context_.LastingTopic();
  if (topic == nullptr) return absl::OkStatus();
  const auto when = static_cast<WhenOutOfRange>(draw.Between(0, 2));
  Consumer consumer(context_.client,
                    {.when_out_of_range = when,
                     .fetch_bytes = draw.OneOf<int64_t>({1, 2000, 100'000, limits::kMiB}),
                     .max_streams = static_cast<int>(draw.OneOf<int64_t>({1, 256, 256}))});
  std::map<int32_t, ModelReader> readers;
  int failures = 0;
  std::string said =
      absl::StrCat("consume ", topic->name, " when out of range ", static_cast<int>(when), ":");
  for (int32_t p = 0; p < topic->partition_count(); ++p) {
    if (!draw.Chance(0.7)) continue;
    ModelPartition* const partition = topic->Find(p);
    std::string text;
    const Position position = AnyPosition(*partition, &text);
    absl::StrAppend(&said, " ", p, " from ", text);
    WEIR_RETURN_IF_ERROR(consumer.Assign({.topic = topic->name,
                                          .partition = PartitionIndex{p},
                                          .position = position,
                                          .until_end = true}));
    const std::optional<int64_t> begin = Begin(*partition, position, when);
    if (begin.has_value()) readers.emplace(p, ModelReader(partition, *begin));
    if (!begin.has_value()) ++failures;
  }
  context_.Say(said);
  if (readers.empty() && failures == 0) {
    return SameEnd("poll of nothing", EndOf(consumer.Poll(kHang).status()), {"INVALID_REQUEST"});
  }
  WEIR_RETURN_IF_ERROR(Poll(&consumer, &readers, failures));
  for (const auto& [p, reader] : readers) {
    WEIR_RETURN_IF_ERROR(
        Same(absl::StrCat("the end of partition ", p), reader.next(), topic->Find(p)->end()));
  }
  return absl::OkStatus();
}

absl::Status ModelReadOperations::TakeDeletion(ModelTopic* topic,
                                               const Admin::RecordDeletion& deletion,
                                               const absl::StatusOr<Offset>& answer) {
  const int32_t index = deletion.partition.value();
  std::string reason = context_.model.Missing(topic->name, index);
  if (!reason.empty()) return SameEnd("deletion", EndOf(answer.status()), {reason});
  ModelPartition& partition = *topic->Find(index);
  // -1 is how the wire says "all".
  const int64_t before = deletion.before.value_or(Offset{-1}).value();
  const int64_t to = before == -1 ? partition.end() : before;
  if (to < 0 || to > partition.end()) reason = "OFFSET_OUT_OF_RANGE";
  WEIR_RETURN_IF_ERROR(SameEnd("deletion", EndOf(answer.status()), {reason}));
  if (!reason.empty()) return absl::OkStatus();
  if (to > partition.start()) partition.MoveStart(to);
  return partition.SeeBounds(answer->value(), partition.end(), topic->may_expire);
}

absl::Status ModelReadOperations::DeleteRecords() {
  ModelDraw& draw = context_.draw;
  const std::string name = context_.AnyTopicName();
  ModelTopic* const topic = context_.model.Find(name);
  std::vector<Admin::RecordDeletion> deletions;
  std::string said = absl::StrCat("delete records of ", name, ":");
  for (int i = draw.Count(3); i > 0; --i) {
    Admin::RecordDeletion deletion{.partition = PartitionIndex{context_.AnyPartition(name)}};
    const ModelPartition* const partition =
        topic == nullptr ? nullptr : topic->Find(deletion.partition.value());
    if (partition != nullptr && draw.Chance(0.8))
      deletion.before = Offset{draw.Offset(*partition, draw.Chance(0.2))};
    absl::StrAppend(&said, " ", deletion.partition.value(), " before ",
                    deletion.before.value_or(Offset{-1}).value());
    deletions.push_back(deletion);
  }
  context_.Say(said);
  const auto deleted = context_.admin.DeleteRecords(name, deletions);
  WEIR_RETURN_IF_ERROR(SameEnd("delete records", EndOf(deleted.status()),
                               {topic == nullptr ? "UNKNOWN_TOPIC" : ""}));
  if (topic == nullptr) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(Same("results", deleted->size(), deletions.size()));
  for (size_t i = 0; i < deletions.size(); ++i)
    WEIR_RETURN_IF_ERROR(TakeDeletion(topic, deletions[i], (*deleted)[i]));
  return absl::OkStatus();
}

}  // namespace weir
