#include "tests/fault/model_produce.h"

#include <utility>

#include "storage/base/limits.h"
#include "storage/record/record_batch.h"
#include "tests/fault/corrupt_batch.h"

namespace weir {
namespace {

constexpr int kMostRecords = 30;
constexpr int64_t kMostBytes = 60'000;
constexpr int64_t kSmallBytes = 100;  // a batch of them fits every max.message.bytes

}  // namespace

void ModelProduceDraw::Begin(const std::string& topic, ModelProduce* produce) {
  produce->request.set_topic(topic);
  produce->request.set_client_tag(context_.draw.random().Next());
  if (context_.draw.Chance(0.5))
    produce->request.set_durability(context_.draw.Chance(0.8) ? v1::WRITTEN : v1::DURABLE);
}

void ModelProduceDraw::Spoil(ModelRecord* record, const std::string& name) {
  ModelDraw& draw = context_.draw;
  const ModelTopic* const topic = context_.model.Find(name);
  const int64_t max = topic == nullptr ? 1000 : topic->max_message_bytes();
  switch (draw.Between(0, 3)) {
    case 0:
      record->timestamp_ms = draw.OneOf<int64_t>({-1, INT64_MIN});
      return;
    case 1:
      record->headers.assign(limits::kHeadersPerRecord + 1, ModelHeader{.key = "h"});
      return;
    default:  // about as large as it may be
      if (max <= kMostBytes || draw.Chance(0.1))
        record->value = draw.Bytes(max - 100 + draw.Between(0, 100));
  }
}

ModelProduce ModelProduceDraw::Plain(const std::string& topic) {
  ModelDraw& draw = context_.draw;
  ModelProduce produce;
  Begin(topic, &produce);
  if (draw.Chance(0.3)) produce.request.set_partition(context_.AnyPartition(topic));
  produce.records = draw.Records(kMostRecords, kMostBytes);
  const bool timeless = draw.Chance(0.1);
  for (ModelRecord& record : produce.records) {
    if (timeless && draw.Chance(0.7)) record.timestamp_ms.reset();
    if (draw.Chance(0.005)) Spoil(&record, topic);
    *produce.request.mutable_records()->add_records() = record.ToProto();
  }
  produce.text = absl::StrCat(
      "produce ", topic, " partition ",
      produce.request.has_partition() ? absl::StrCat(produce.request.partition()) : "by key", ": ",
      produce.records.size(), " records");
  return produce;
}

void ModelProduceDraw::Encode(ModelProduce* produce) {
  produce->request.set_record_batch(
      EncodeModelBatch(produce->records, produce->numbering, produce->compression));
  produce->text = absl::StrCat(
      "produce batch ", produce->request.topic(), "/", produce->request.partition(), ": ",
      produce->records.size(), " records, ", produce->request.record_batch().size(),
      " bytes, codec ", static_cast<int>(produce->compression), ", producer ",
      produce->numbering.producer_id, " epoch ", produce->numbering.epoch, " sequence ",
      produce->numbering.base_sequence);
}

ModelProduce ModelProduceDraw::Batch(const std::string& topic, int32_t partition) {
  ModelDraw& draw = context_.draw;
  ModelProduce produce{.records = draw.Records(kMostRecords, kMostBytes),
                       .compression = draw.Codec()};
  Begin(topic, &produce);
  produce.request.set_partition(partition);
  if (draw.Chance(0.003)) produce.records[0].value = draw.Bytes(limits::kMaxMessageBytesDefault);
  Encode(&produce);
  return produce;
}

void ModelProduceDraw::Number(const ModelSequences& sequences, ModelNumbering* numbering,
                              int32_t* count) {
  ModelDraw& draw = context_.draw;
  const ModelIdentity& identity = draw.OneOf(context_.model.identities);
  const ModelSequences::Producer* const known = sequences.Find(identity.producer_id);
  const bool in_force = known != nullptr && known->epoch == identity.epoch;
  *numbering = {.producer_id = identity.producer_id,
                .epoch = identity.epoch,
                .base_sequence = in_force ? known->next : 0};
  const int64_t kind = draw.Between(0, 99);
  if (kind < 60) return;                // in order
  if (kind < 80 && known != nullptr) {  // a repeat
    const auto& repeated =
        known->batches[static_cast<size_t>(draw.Between(0, int64_t(known->batches.size()) - 1))];
    numbering->epoch = known->epoch;
    numbering->base_sequence = repeated.base_sequence;
    *count = repeated.count;
  } else if (kind < 84) {  // a gap
    numbering->base_sequence += static_cast<int32_t>(draw.Between(1, 100));
  } else if (kind < 92) {  // some way back: written long ago, or in part
    numbering->base_sequence = static_cast<int32_t>(draw.Between(0, numbering->base_sequence));
  } else if (kind < 97 && identity.epoch > 0) {
    numbering->epoch = static_cast<int32_t>(draw.Between(0, identity.epoch - 1));
  } else {
    numbering->base_sequence = draw.OneOf<int32_t>({-1, INT32_MIN});
  }
}

ModelProduce ModelProduceDraw::Numbered(const std::string& topic, int32_t partition,
                                        const ModelSequences& sequences) {
  ModelDraw& draw = context_.draw;
  ModelProduce produce = Batch(topic, partition);
  if (context_.model.identities.empty()) return produce;
  auto count = static_cast<int32_t>(produce.records.size());
  Number(sequences, &produce.numbering, &count);
  if (count != static_cast<int32_t>(produce.records.size())) {
    produce.records.resize(static_cast<size_t>(count));
    for (ModelRecord& record : produce.records) record = draw.Record(kSmallBytes);
  }
  Encode(&produce);
  return produce;
}

ModelProduce ModelProduceDraw::Corrupt(const std::string& topic, int32_t partition) {
  ModelDraw& draw = context_.draw;
  ModelProduce produce{.records = draw.Records(3, kSmallBytes), .compression = draw.Codec()};
  Begin(topic, &produce);
  produce.request.set_partition(partition);
  Encode(&produce);
  const CorruptBatch corrupt = DrawCorruptBatch(produce.request.record_batch(), draw.random());
  produce.request.set_record_batch(corrupt.bytes);
  produce.corrupt = corrupt.reason;
  produce.text = absl::StrCat(produce.text, ", ", corrupt.what);
  return produce;
}

ModelProduce ModelProduceDraw::Wrong(const std::string& topic, int32_t partition) {
  ModelDraw& draw = context_.draw;
  ModelProduce produce;
  Begin(topic, &produce);
  produce.request.set_partition(partition);
  produce.wrong = "INVALID_REQUEST";
  switch (draw.Between(0, 4)) {
    case 0:
      produce.text = "no payload";
      break;
    case 1:
      produce.request.mutable_records();
      produce.text = "no records";
      break;
    case 2:
      *produce.request.mutable_records()->add_records() = draw.Record(kSmallBytes).ToProto();
      produce.request.mutable_records()->mutable_records(0)->set_offset(draw.Between(1, 100));
      produce.text = "a record with an offset";
      break;
    case 3:
      produce.request.set_record_batch(
          EncodeModelBatch(draw.Records(3, kSmallBytes), {}, Compression::kNone));
      produce.request.clear_partition();
      produce.text = "a batch without a partition";
      break;
    default:
      *produce.request.mutable_records()->add_records() = draw.Record(kSmallBytes).ToProto();
      produce.request.set_durability(static_cast<v1::Durability>(draw.Between(3, 99)));
      produce.wrong = "UNSUPPORTED_FIELD";
      produce.text = "a durability that does not exist";
  }
  produce.text = absl::StrCat("produce wrongly ", topic, "/", partition, ": ", produce.text);
  return produce;
}

}  // namespace weir
