#include "client/src/batch.h"

#include <string>

#include "client/src/partition_queue.h"
#include "storage/record/record_batch.h"

namespace weir::client {
namespace {
// Enough for what one partition has in flight at full speed, little enough to forget about.
constexpr size_t kPooledBuilders = 64;
}  // namespace

RecordBatchBuilder BuilderPool::Take() {
  absl::MutexLock lock(&mu_);
  if (builders_.empty()) return RecordBatchBuilder();
  RecordBatchBuilder builder = std::move(builders_.back());
  builders_.pop_back();
  return builder;
}

void BuilderPool::Give(RecordBatchBuilder builder) {
  builder.Reset();
  absl::MutexLock lock(&mu_);
  if (builders_.size() < kPooledBuilders) builders_.push_back(std::move(builder));
}

void Batch::Seal(Compression compression, std::optional<int> level) {
  if (bytes_.empty()) {
    bytes_ = builder.FinishInPlace({.compression = compression,
                                    .compression_level = level,
                                    .producer_id = identity.id,
                                    .producer_epoch = identity.epoch,
                                    .base_sequence = base_sequence});
  } else if (identity != sealed_identity_ || base_sequence != sealed_sequence_) {
    // The connection may still hold the old bytes, so they are not touched.
    auto renumbered = std::make_shared<std::string>(bytes_.data(), bytes_.size());
    RecordBatchHeader header = DecodeBatchHeader(renumbered->data());
    header.producer_id = identity.id;
    header.producer_epoch = identity.epoch;
    header.base_sequence = base_sequence;
    SealBatch(header, renumbered->data(), renumbered->size());
    bytes_ = *renumbered;
    bytes_owner_ = std::move(renumbered);
  }
  sealed_identity_ = identity;
  sealed_sequence_ = base_sequence;
}

absl::StatusOr<RecordPosition> Batch::PositionOf(int32_t index) const {
  if (!status.ok()) return status;
  return RecordPosition{
      .partition = queue->index(),
      .offset = base_offset == kUnknownOffset ? kUnknownOffset : base_offset + index};
}

void Batch::TellOutcome() {
  known_.store(1, std::memory_order_release);
  if (waiters > 0) known_.notify_all();
  for (Callback& callback : callbacks) callback.call(PositionOf(callback.index));
  callbacks.clear();
}

}  // namespace weir::client
