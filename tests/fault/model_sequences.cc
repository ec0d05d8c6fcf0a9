#include "tests/fault/model_sequences.h"

namespace weir {
namespace {

constexpr size_t kRemembered = 5;

}  // namespace

ModelSequences::Verdict ModelSequences::Judge(const ModelNumbering& numbering,
                                              int32_t count) const {
  const Verdict begins{.refusal = numbering.base_sequence == 0 ? "" : "OUT_OF_ORDER_SEQUENCE"};
  if (numbering.producer_id < 0) return {};
  if (numbering.base_sequence < 0) return {.refusal = "CORRUPT_BATCH"};
  const Producer* const producer = Find(numbering.producer_id);
  if (producer == nullptr)
    return {.refusal = numbering.base_sequence == 0 ? "" : "UNKNOWN_PRODUCER"};
  if (numbering.epoch < producer->epoch) return {.refusal = "PRODUCER_FENCED"};
  if (numbering.epoch > producer->epoch) return begins;
  for (const Batch& batch : producer->batches) {
    if (batch.base_sequence == numbering.base_sequence && batch.count == count)
      return {.original = batch.offset};
  }
  if (numbering.base_sequence == producer->next) return {};
  // Every record of it was written, but not as one of the batches that are remembered.
  if (numbering.base_sequence + count <= producer->next) return {.refusal = "DUPLICATE_SEQUENCE"};
  return {.refusal = "OUT_OF_ORDER_SEQUENCE"};
}

void ModelSequences::Note(const ModelNumbering& numbering, int32_t count, int64_t offset) {
  if (numbering.producer_id < 0) return;
  Producer& producer = producers_[numbering.producer_id];
  if (producer.epoch != numbering.epoch) producer.batches.clear();
  producer.epoch = numbering.epoch;
  producer.next = numbering.base_sequence + count;
  producer.batches.push_back(
      {.base_sequence = numbering.base_sequence, .count = count, .offset = offset});
  if (producer.batches.size() > kRemembered) producer.batches.pop_front();
}

const ModelSequences::Producer* ModelSequences::Find(int64_t producer_id) const {
  const auto found = producers_.find(producer_id);
  return found == producers_.end() ? nullptr : &found->second;
}

}  // namespace weir
