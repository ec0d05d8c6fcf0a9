#include "tests/golden/level_1.h"

#include <algorithm>
#include <iterator>

namespace weir::level_1 {
namespace {

std::string Built(const Batch& batch, Offset base_offset, LeaderEpoch epoch) {
  BatchOptions options{.base_offset = base_offset, .leader_epoch = epoch};
  if (batch.base_sequence >= 0) {
    options.producer_id = kProducer;
    options.producer_epoch = kProducerEpoch;
    options.base_sequence = batch.base_sequence;
  }
  return BuildBatch(batch.records, options);
}

// Offsets and times follow from the batch; a record may name a time of its own, as a distance.
std::vector<Batch> Placed(std::vector<Batch> batches) {
  for (Batch& batch : batches) {
    for (size_t i = 0; i < batch.records.size(); ++i) {
      OwnedRecord& record = batch.records[i];
      record.offset = batch.base_offset + static_cast<int64_t>(i);
      record.timestamp_ms += kStartMs + static_cast<int64_t>(batch.round.value()) * 1000;
    }
  }
  return batches;
}

std::vector<Batch> MakeBatches() {
  const LeaderEpoch first{1};
  const LeaderEpoch second{2};
  return Placed({
      {.round = RoundNumber{2},
       .partition = kOrders0,
       .epoch = first,
       .base_offset = Offset{0},
       .segment_base = Offset{0},
       .position = FilePosition{0},
       .records = {{.key = "order-1", .value = std::string(4100, 'a')}}},
      {.round = RoundNumber{3},
       .partition = kOrders0,
       .epoch = first,
       .base_offset = Offset{1},
       .segment_base = Offset{0},
       .position = FilePosition{4177},
       .records = {{.key = "order-2", .value = std::string(4100, 'b')}}},
      {.round = RoundNumber{4},
       .partition = kOld0,
       .epoch = first,
       .base_offset = Offset{0},
       .segment_base = Offset{0},
       .position = FilePosition{0},
       .records = {{.key = "k", .value = "gone"}}},
      {.round = RoundNumber{5},
       .partition = kOrders0,
       .epoch = first,
       .base_offset = Offset{2},
       .segment_base = Offset{0},
       .position = FilePosition{8354},
       .records = {{.key = "order-3", .value = std::string(4100, 'c')}}},
      {.round = RoundNumber{6},
       .partition = kOrders1,
       .epoch = first,
       .base_offset = Offset{0},
       .segment_base = Offset{0},
       .position = FilePosition{0},
       .base_sequence = 0,
       .records = {{.key = "p", .value = "one"}, {.key = "p", .value = "two"}}},
      {.round = RoundNumber{8},
       .partition = kOrders0,
       .epoch = second,
       .base_offset = Offset{3},
       .segment_base = Offset{3},
       .position = FilePosition{0},
       .records = {{.key = "order-4",
                    .value = "paid",
                    .headers = {{"trace", "7f"}, {"empty", std::nullopt}}},
                   {.timestamp_ms = -5, .key = "order-4", .value = std::nullopt}}},
      {.round = RoundNumber{9},
       .partition = kOrders1,
       .epoch = second,
       .base_offset = Offset{2},
       .segment_base = Offset{0},
       .position = FilePosition{83},
       .base_sequence = 2,
       .records = {{.key = "p", .value = "three"}}},
      {.round = RoundNumber{10},
       .partition = kOrders1,
       .epoch = second,
       .base_offset = Offset{3},
       .segment_base = Offset{0},
       .position = FilePosition{157},
       .base_sequence = 3,
       .records = {{.key = "p", .value = "four"}}},
      {.round = RoundNumber{11},
       .partition = kOrders0,
       .epoch = second,
       .base_offset = Offset{5},
       .segment_base = Offset{3},
       .position = FilePosition{109},
       .records = {{.key = "order-5", .value = "new"}}},
      {.round = RoundNumber{11},
       .partition = kOrders1,
       .epoch = second,
       .base_offset = Offset{4},
       .segment_base = Offset{0},
       .position = FilePosition{230},
       .base_sequence = 4,
       .records = {{.key = "p", .value = "five"}}},
      {.round = RoundNumber{12},
       .partition = kOrders0,
       .epoch = second,
       .base_offset = Offset{6},
       .segment_base = Offset{3},
       .position = FilePosition{187},
       .records = {{.key = "order-6", .value = "new"}}},
  });
}

template <typename Wanted>
std::vector<Batch> Those(Wanted wanted) {
  std::vector<Batch> found;
  std::copy_if(Batches().begin(), Batches().end(), std::back_inserter(found), wanted);
  return found;
}

}  // namespace

std::string Batch::Bytes() const { return Built(*this, base_offset, epoch); }
std::string Batch::Sent() const { return Built(*this, Offset{0}, LeaderEpoch{-1}); }

const std::vector<Batch>& Batches() {
  static const std::vector<Batch>* const kBatches = new std::vector<Batch>(MakeBatches());
  return *kBatches;
}

std::vector<Batch> BatchesOf(RoundNumber round) {
  return Those([&](const Batch& batch) { return batch.round == round; });
}

std::vector<Batch> BatchesOf(const TopicPartition& partition, Offset segment_base) {
  return Those([&](const Batch& batch) {
    return batch.partition == partition && batch.segment_base == segment_base;
  });
}

}  // namespace weir::level_1
