#include "tests/fault/model_produce_operations.h"

#include <utility>
#include <vector>

#include "storage/base/check.h"
#include "tests/fault/model_produce_answer.h"

namespace weir {
namespace {

constexpr size_t kMostIdentities = 12;

}  // namespace

ModelProduce ModelProduceOperations::Any() {
  ModelDraw& draw = context_.draw;
  const std::string name = context_.AnyTopicName();
  const int32_t index = context_.AnyPartition(name);
  const int64_t kind = draw.Between(0, 99);
  if (kind < 40) return draw_.Plain(name);
  if (kind < 55) return draw_.Batch(name, index);
  if (kind < 90) {
    ModelTopic* const topic = context_.model.Find(name);
    const ModelPartition* const partition = topic == nullptr ? nullptr : topic->Find(index);
    return draw_.Numbered(name, index,
                          partition == nullptr ? ModelSequences() : partition->sequences());
  }
  if (kind < 97) return draw_.Corrupt(name, index);
  return draw_.Wrong(name, index);
}

absl::Status ModelProduceOperations::Produce() {
  const ModelProduce produce = Any();
  context_.Say(produce.text);
  v1::ProduceResponse response;
  const ModelEnd end = context_.calls->Produce(produce.request, &response);
  WEIR_RETURN_IF_ERROR(ModelProduceAnswer(&context_, false).Take(produce, end, response));
  return fetch_.CatchUp(produce.request.topic());
}

std::vector<ModelProduce> ModelProduceOperations::NumberedRow() {
  ModelDraw& draw = context_.draw;
  std::vector<ModelProduce> row;
  ModelTopic* const topic = context_.AnyTopic();
  if (topic == nullptr) return row;
  const auto index = static_cast<int32_t>(draw.Between(0, topic->partition_count() - 1));
  // What the partition will know when each of them comes.
  ModelSequences ahead = topic->Find(index)->sequences();
  for (int i = draw.Count(12); i > 0; --i) {
    row.push_back(draw_.Numbered(topic->name, index, ahead));
    const auto count = static_cast<int32_t>(row.back().records.size());
    const auto verdict = ahead.Judge(row.back().numbering, count);
    if (verdict.refusal.empty() && !verdict.original.has_value())
      ahead.Note(row.back().numbering, count, 0);
  }
  return row;
}

absl::Status ModelProduceOperations::ProduceStream() {
  ModelDraw& draw = context_.draw;
  std::vector<ModelProduce> produces;
  if (draw.Chance(0.6)) {
    produces = NumberedRow();
  } else {
    for (int i = draw.Count(12); i > 0; --i) produces.push_back(Any());
  }
  std::vector<v1::ProduceRequest> requests;
  std::string said = absl::StrCat("stream of ", produces.size(), " produces:");
  for (const ModelProduce& produce : produces) {
    requests.push_back(produce.request);
    absl::StrAppend(&said, "\n        ", produce.text);
  }
  context_.Say(said);
  std::vector<v1::ProduceResponse> responses;
  const ModelEnd end = context_.calls->ProduceStream(requests, &responses);
  WEIR_RETURN_IF_ERROR(SameEnd("produce stream", end, {""}));
  WEIR_RETURN_IF_ERROR(Same("answers", responses.size(), requests.size()));
  ModelProduceAnswer answers(&context_, true);
  for (size_t i = 0; i < produces.size(); ++i) {
    const absl::Status taken = answers.Take(produces[i], end, responses[i]);
    if (!taken.ok()) return absl::InternalError(absl::StrCat("answer ", i, ": ", taken.message()));
  }
  for (const ModelProduce& produce : produces)
    WEIR_RETURN_IF_ERROR(fetch_.CatchUp(produce.request.topic()));
  return absl::OkStatus();
}

absl::Status ModelProduceOperations::InitProducer() {
  ModelDraw& draw = context_.draw;
  std::vector<ModelIdentity>& identities = context_.model.identities;
  v1::InitProducerRequest request;
  std::string reason;
  ModelIdentity* raised = nullptr;
  if (!identities.empty() && draw.Chance(0.8)) {
    ModelIdentity& identity =
        identities[static_cast<size_t>(draw.Between(0, int64_t(identities.size()) - 1))];
    int64_t producer_id = identity.producer_id;
    int32_t epoch = identity.epoch;
    const int64_t kind = draw.Between(0, 9);
    if (kind < 2 && epoch > 0) {
      epoch = static_cast<int32_t>(draw.Between(0, epoch - 1));
      reason = "PRODUCER_FENCED";
    } else if (kind < 3) {
      epoch = draw.OneOf<int32_t>({epoch + 1, 32'767, 32'768, -1, INT32_MIN});
      reason = "INVALID_REQUEST";
    } else if (kind < 4) {
      producer_id = draw.OneOf<int64_t>({-1, int64_t{1} << 40, INT64_MAX, INT64_MIN});
      reason = "INVALID_REQUEST";
    } else {
      raised = &identity;
    }
    request.set_producer_id(producer_id);
    request.set_producer_epoch(epoch);
    if (draw.Chance(0.03)) {
      request.clear_producer_epoch();
      reason = "INVALID_REQUEST";
    }
  }
  context_.Say(absl::StrCat("init producer ", request.ShortDebugString()));
  v1::InitProducerResponse response;
  WEIR_RETURN_IF_ERROR(
      SameEnd("init producer", context_.calls->InitProducer(request, &response), {reason}));
  if (!reason.empty()) return absl::OkStatus();
  if (raised != nullptr) {
    WEIR_RETURN_IF_ERROR(Same("producer id", response.producer_id(), raised->producer_id));
    WEIR_RETURN_IF_ERROR(Same("its epoch", response.producer_epoch(), raised->epoch + 1));
    ++raised->epoch;
    return absl::OkStatus();
  }
  WEIR_RETURN_IF_ERROR(Same("a new producer's epoch", response.producer_epoch(), 0));
  WEIR_RETURN_IF_ERROR(Same("a new producer id",
                            context_.model.producer_ids.insert(response.producer_id()).second,
                            true));
  if (identities.size() == kMostIdentities) identities.erase(identities.begin());
  identities.push_back({.producer_id = response.producer_id()});
  return absl::OkStatus();
}

}  // namespace weir
