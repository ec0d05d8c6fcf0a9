#include "tests/fault/model_produce_answer.h"

#include <utility>

#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/record/record_batch.h"

namespace weir {
namespace {

// Why the request as a whole must be refused; one empty reason when it must not be.
std::vector<std::string> WholeReasons(const ModelProduce& produce, BrokerModel* model) {
  std::vector<std::string> reasons;
  if (!produce.wrong.empty()) reasons.push_back(produce.wrong);
  const int32_t partition = produce.request.has_partition() ? produce.request.partition() : 0;
  const std::string missing = model->Missing(produce.request.topic(), partition);
  if (!missing.empty()) reasons.push_back(missing);
  if (reasons.empty()) reasons.emplace_back();
  return reasons;
}

// Why a plain record must be refused; two reasons, one of them empty, when either is right.
std::vector<std::string> RecordReasons(const ModelRecord& record, int64_t max_bytes) {
  if (record.timestamp_ms.value_or(0) < 0 ||
      record.headers.size() > static_cast<size_t>(limits::kHeadersPerRecord))
    return {"INVALID_REQUEST"};
  if (record.LargestBatch() <= max_bytes) return {""};
  if (record.SmallestBatch() > max_bytes) return {"MESSAGE_TOO_LARGE"};
  return {"", "MESSAGE_TOO_LARGE"};
}

// The topic's own codec; nothing when batches stay as they come.
std::optional<Compression> CodecOf(const ModelTopic& topic) {
  const std::string name = topic.Config("compression.type");
  if (name == "uncompressed") return Compression::kNone;
  if (name == "gzip") return Compression::kGzip;
  if (name == "snappy") return Compression::kSnappy;
  if (name == "lz4") return Compression::kLz4;
  if (name == "zstd") return Compression::kZstd;
  return std::nullopt;
}

// What must become of a batch whose topic and partition exist.
ModelSequences::Verdict Judge(const ModelProduce& produce, const ModelTopic& topic,
                              const ModelPartition& partition) {
  if (!produce.corrupt.empty()) return {.refusal = produce.corrupt};
  const std::string& bytes = produce.request.record_batch();
  const ModelSequences::Verdict too_large{.refusal = "MESSAGE_TOO_LARGE"};
  if (static_cast<int64_t>(bytes.size()) > topic.max_message_bytes()) return too_large;
  ModelSequences::Verdict verdict =
      partition.sequences().Judge(produce.numbering, static_cast<int32_t>(produce.records.size()));
  // What makes no sense is not looked into.
  if (verdict.refusal == "CORRUPT_BATCH") return verdict;
  const std::optional<Compression> codec = CodecOf(topic);
  const bool reencoded =
      codec.has_value() && *codec != DecodeBatchHeader(bytes.data()).compression();
  const bool fits =
      !reencoded ||
      static_cast<int64_t>(EncodeModelBatch(produce.records, produce.numbering, *codec).size()) <=
          topic.max_message_bytes();
  return fits ? std::move(verdict) : too_large;
}

}  // namespace

absl::Status ModelProduceAnswer::Take(const ModelProduce& produce, const ModelEnd& call,
                                      const v1::ProduceResponse& response) {
  const std::vector<std::string> whole = WholeReasons(produce, &context_.model);
  if (streamed_) {
    WEIR_RETURN_IF_ERROR(SameEnd("produce stream", call, {""}));
    if (!whole[0].empty()) {
      return SameEnd("streamed produce", EndOf(response.has_error(), response.error()), whole);
    }
  } else {
    WEIR_RETURN_IF_ERROR(SameEnd("produce", call, whole));
    if (!whole[0].empty()) return absl::OkStatus();
  }
  WEIR_RETURN_IF_ERROR(Same("client tag", response.client_tag(), produce.request.client_tag()));
  ModelTopic* const topic = context_.model.Find(produce.request.topic());
  return produce.is_batch() ? TakeBatch(produce, response, topic)
                            : TakeRecords(produce, response, topic);
}

absl::Status ModelProduceAnswer::SameTimeAndDurability(const ModelProduce& produce,
                                                       const v1::ProduceResponse& response,
                                                       const ModelTopic& topic, bool duplicate) {
  v1::Durability durability = produce.request.durability();
  if (durability == v1::DURABILITY_UNSPECIFIED)
    durability = topic.Config("durability") == "written" ? v1::WRITTEN : v1::DURABLE;
  WEIR_RETURN_IF_ERROR(Same("durability", int{response.durability()}, int{durability}));
  return Same("has an append time", response.log_append_time_ms() != 0,
              topic.log_append_time() && !duplicate);
}

absl::Status ModelProduceAnswer::TakeRecords(const ModelProduce& produce,
                                             const v1::ProduceResponse& response,
                                             ModelTopic* topic) {
  WEIR_RETURN_IF_ERROR(SameEnd("produce", EndOf(response.has_error(), response.error()), {""}));
  WEIR_RETURN_IF_ERROR(
      Same("results", static_cast<size_t>(response.results_size()), produce.records.size()));
  WEIR_RETURN_IF_ERROR(SameTimeAndDurability(produce, response, *topic, /*duplicate=*/false));
  std::optional<int32_t> without_key;
  for (int i = 0; i < response.results_size(); ++i) {
    const v1::RecordResult& result = response.results(i);
    ModelRecord record = produce.records[static_cast<size_t>(i)];
    const std::string what = absl::StrCat("record ", i);
    const ModelEnd end = EndOf(result.has_error(), result.error());
    WEIR_RETURN_IF_ERROR(SameEnd(what, end, RecordReasons(record, topic->max_message_bytes())));
    if (!end.ok()) {
      WEIR_RETURN_IF_ERROR(Same(what + "'s offset", result.offset(), -1));
      continue;
    }
    int32_t expected = result.partition();
    if (produce.request.has_partition()) {
      expected = produce.request.partition();
    } else if (record.key.has_value()) {
      expected = ModelPartitionOfKey(*record.key, topic->partition_count());
    } else {  // any, but all of the request the same
      if (!without_key.has_value()) without_key = result.partition();
      expected = *without_key;
    }
    WEIR_RETURN_IF_ERROR(Same(what + "'s partition", result.partition(), expected));
    ModelPartition* const partition = topic->Find(expected);
    if (partition == nullptr)
      return absl::InternalError(absl::StrCat(what, " went to partition ", expected));
    WEIR_RETURN_IF_ERROR(Same(what + "'s offset", result.offset(), partition->end()));
    if (topic->log_append_time()) record.timestamp_ms = response.log_append_time_ms();
    partition->AppendRecord(std::move(record), context_.model.leader_epoch);
  }
  return absl::OkStatus();
}

absl::Status ModelProduceAnswer::TakeBatch(const ModelProduce& produce,
                                           const v1::ProduceResponse& response, ModelTopic* topic) {
  ModelPartition& partition = *topic->Find(produce.request.partition());
  const ModelSequences::Verdict verdict = Judge(produce, *topic, partition);
  WEIR_RETURN_IF_ERROR(
      SameEnd("batch", EndOf(response.has_error(), response.error()), {verdict.refusal}));
  WEIR_RETURN_IF_ERROR(Same("results", response.results_size(), 0));
  WEIR_RETURN_IF_ERROR(Same("partition", response.partition(), produce.request.partition()));
  const bool duplicate = verdict.original.has_value();
  WEIR_RETURN_IF_ERROR(Same("duplicate", response.duplicate(), duplicate));
  if (!verdict.refusal.empty()) return Same("base offset", response.base_offset(), -1);
  WEIR_RETURN_IF_ERROR(SameTimeAndDurability(produce, response, *topic, duplicate));
  const auto count = static_cast<int32_t>(produce.records.size());
  WEIR_RETURN_IF_ERROR(Same("record count", response.record_count(), count));
  if (duplicate) {
    WEIR_RETURN_IF_ERROR(Same("base offset", response.base_offset(), *verdict.original));
  } else {
    WEIR_RETURN_IF_ERROR(Same("base offset", response.base_offset(), partition.end()));
    std::vector<ModelRecord> records = produce.records;
    if (topic->log_append_time()) {
      for (ModelRecord& record : records) record.timestamp_ms = response.log_append_time_ms();
    }
    partition.AppendBatch(std::move(records), produce.numbering, context_.model.leader_epoch);
  }
  return partition.SeeBounds(response.log_start_offset(), partition.end(), topic->may_expire);
}

}  // namespace weir
