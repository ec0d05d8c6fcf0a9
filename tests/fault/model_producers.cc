#include "tests/fault/model_producers.h"

#include <utility>

#include "storage/base/check.h"

namespace weir {
namespace {

constexpr int kMostRecords = 60;
constexpr int64_t kMostBytes = 20'000;
constexpr absl::Duration kHang = absl::Seconds(60);

std::optional<absl::string_view> View(const std::optional<std::string>& bytes) {
  if (!bytes.has_value()) return std::nullopt;
  return absl::string_view(*bytes);
}

}  // namespace

ModelProducers::Sender& ModelProducers::SenderFor(const std::string& name) {
  ModelDraw& draw = context_.draw;
  if (draw.Chance(0.02)) senders_.erase(name);
  Sender& sender = senders_[name];
  if (sender.producer == nullptr) {
    sender.compression = draw.Chance(0.5) ? Compression::kNone : draw.Codec();
    sender.producer = std::make_unique<Producer>(
        context_.client,
        ProducerOptions{
            .durability = draw.Chance(0.5) ? std::nullopt : std::optional(Durability::kWritten),
            .compression = sender.compression,
            .idempotent = draw.Chance(0.9),
            .batch_bytes = draw.OneOf<int64_t>({1, 500, 4000, 65'536}),
            .batch_bytes_largest = 65'536,
            .max_in_flight = static_cast<int>(draw.Between(1, 5)),
            .delivery_timeout = kHang});
  }
  const ModelTopic* const topic = context_.model.Find(name);
  Shape shape;
  if (topic != nullptr) shape = {topic->id, topic->partition_count(), topic->max_message_bytes()};
  sender.shapes.insert(shape);
  return sender;
}

void ModelProducers::Draw(const std::string& name, std::vector<Sent>* sent) {
  ModelDraw& draw = context_.draw;
  const bool by_partition = draw.Chance(0.3);
  for (int i = draw.Count(kMostRecords); i > 0; --i) {
    Sent one{.record = draw.Record(kMostBytes)};
    if (by_partition) one.partition = context_.AnyPartition(name);
    sent->push_back(std::move(one));
  }
}

absl::Status ModelProducers::SendAll(Producer& producer, const std::string& name,
                                     std::vector<Sent>* sent) {
  for (Sent& one : *sent) {
    ProducerRecord record{.topic = name,
                          .key = View(one.record.key),
                          .value = View(one.record.value),
                          .timestamp_ms = one.record.timestamp_ms};
    const std::vector<HeaderView> headers = one.record.HeaderViews();
    record.headers = headers;
    if (one.partition.has_value()) record.partition = PartitionIndex{*one.partition};
    // Runs before Flush has seen the outcome.
    const absl::Status taken = producer.Send(
        record, [&one](const absl::StatusOr<RecordPosition>& outcome) { one.outcome = outcome; });
    if (!taken.ok()) one.outcome = taken;
  }
  return producer.Flush(kHang);
}

std::vector<std::string> ModelProducers::Reasons(const Sender& sender, const ModelTopic* topic,
                                                 const Sent& sent) {
  // It knew the topic otherwise: what it did by that may be refused.
  if (sender.shapes.size() > 1)
    return {"", "UNKNOWN_TOPIC", "UNKNOWN_PARTITION", "MESSAGE_TOO_LARGE", "INVALID_REQUEST"};
  if (sent.partition.value_or(0) < 0 || sent.partition.value_or(0) >= 100'000)
    return {"INVALID_REQUEST"};
  if (topic == nullptr) return {"UNKNOWN_TOPIC"};
  if (sent.partition.value_or(0) >= topic->partition_count()) return {"UNKNOWN_PARTITION"};
  if (sent.record.LargestBatch() <= topic->max_message_bytes()) return {""};
  // Compressed it may be small enough.
  if (sent.record.SmallestBatch() > topic->max_message_bytes() &&
      sender.compression == Compression::kNone)
    return {"MESSAGE_TOO_LARGE"};
  return {"", "MESSAGE_TOO_LARGE"};
}

absl::Status ModelProducers::Take(const Sender& sender, ModelTopic* topic, Sent& sent) {
  WEIR_RETURN_IF_ERROR(
      SameEnd("outcome", EndOf(sent.outcome.status()), Reasons(sender, topic, sent)));
  if (!sent.outcome.ok()) return absl::OkStatus();
  const int32_t index = sent.outcome->partition.value();
  ModelPartition* const partition = topic == nullptr ? nullptr : topic->Find(index);
  if (partition == nullptr)
    return absl::InternalError(absl::StrCat("it went to partition ", index));
  bool expected = !sent.record.key.has_value();
  for (const Shape& shape : sender.shapes) {
    expected |= sent.record.key.has_value() && shape.partitions > 0 &&
                index == ModelPartitionOfKey(*sent.record.key, shape.partitions);
  }
  if (sent.partition.has_value()) expected = index == *sent.partition;
  WEIR_RETURN_IF_ERROR(Same(absl::StrCat("may go to partition ", index), true, expected));
  WEIR_RETURN_IF_ERROR(Same("offset", sent.outcome->offset.value(), partition->end()));
  if (topic->log_append_time()) sent.record.timestamp_ms.reset();
  partition->AppendRecord(sent.record, context_.model.leader_epoch);
  return absl::OkStatus();
}

absl::Status ModelProducers::Send() {
  const std::string name = context_.AnyTopicName();
  Sender& sender = SenderFor(name);
  std::vector<Sent> sent;
  Draw(name, &sent);
  context_.Say(absl::StrCat("send ", sent.size(), " records to ", name, ", codec ",
                            static_cast<int>(sender.compression),
                            sender.shapes.size() > 1 ? ", which has changed" : ""));
  WEIR_RETURN_IF_ERROR(SameEnd("flush", EndOf(SendAll(*sender.producer, name, &sent)), {""}));
  ModelTopic* const topic = context_.model.Find(name);
  for (size_t i = 0; i < sent.size(); ++i) {
    const absl::Status taken = Take(sender, topic, sent[i]);
    if (!taken.ok()) return absl::InternalError(absl::StrCat("record ", i, ": ", taken.message()));
  }
  // What it was told by a refusal it knows for certain only with time; another one begins anew.
  if (sender.shapes.size() > 1 && context_.draw.Chance(0.5)) senders_.erase(name);
  return fetch_.CatchUp(name);
}

}  // namespace weir
