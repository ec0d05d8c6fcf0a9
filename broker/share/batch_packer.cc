#include "broker/share/batch_packer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/key_partitioner.h"

namespace weir {
namespace {

constexpr auto kHeaderBytes = static_cast<int64_t>(kBatchHeaderBytes);

}  // namespace

BatchPacker::BatchPacker(TopicPtr topic, int64_t now_ms)
    : topic_(std::move(topic)), now_ms_(now_ms) {}

PartitionIndex BatchPacker::PartitionFor(const PackedRecord& record,
                                         PartitionIndex without_key) const {
  if (record.key.has_value()) return PartitionForKey(*record.key, topic_->partitions);
  return PartitionIndex{without_key.value() % topic_->partitions};
}

BatchOptions BatchPacker::Options() const {
  BatchOptions options;
  options.compression = topic_->config.compression.value_or(Compression::kNone);
  if (topic_->config.timestamp_type == TimestampType::kLogAppendTime)
    options.log_append_time_ms = now_ms_;
  return options;
}

int64_t BatchPacker::Most() const {
  return std::min(topic_->config.max_message_bytes, limits::kLetterBytesMost);
}

void BatchPacker::FinishBatch(PartitionIndex partition, RecordBatchBuilder* builder) {
  if (builder->empty()) return;
  finished_.emplace_back(partition, builder->Finish(Options()));
  builder->Reset();
}

absl::Status BatchPacker::Add(PartitionIndex partition, const PackedRecord& record) {
  const int64_t size = record.size();
  if (kHeaderBytes + size > Most()) return AddCompressed(partition, record);
  const int64_t most = std::min(Most(), limits::kLetterBatchBytes);
  RecordBatchBuilder& builder = open_[partition];
  if (static_cast<int64_t>(builder.size_bytes()) + size > most) FinishBatch(partition, &builder);
  if (builder.empty()) bytes_ += kHeaderBytes;
  bytes_ += size;
  builder.Append(record.timestamp_ms, record.key, record.value, record.headers);
  return absl::OkStatus();
}

absl::Status BatchPacker::AddCompressed(PartitionIndex partition, const PackedRecord& record) {
  RecordBatchBuilder alone;
  alone.Append(record.timestamp_ms, record.key, record.value, record.headers);
  BatchOptions options = Options();
  if (options.compression == Compression::kNone) options.compression = Compression::kZstd;
  std::string batch = alone.Finish(options);
  const auto size = static_cast<int64_t>(batch.size());
  if (size > Most()) {
    return MakeError(
        Reason::kMessageTooLarge,
        absl::StrCat("a record takes ", size, " bytes with its batch, compressed too; topic '",
                     topic_->name, "' takes at most ", Most(),
                     Most() == limits::kLetterBytesMost ? " with what is decided about it"
                                                        : " (max.message.bytes)"));
  }
  FinishBatch(partition, &open_[partition]);
  bytes_ += size;
  finished_.emplace_back(partition, std::move(batch));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BatchAppend>> BatchPacker::Take(PartitionManager* partitions,
                                                           bool internal) {
  for (auto& [partition, builder] : open_) FinishBatch(partition, &builder);
  open_.clear();
  bytes_ = 0;
  std::vector<BatchAppend> batches;
  batches.reserve(finished_.size());
  for (auto& [partition, bytes] : std::exchange(finished_, {})) {
    WEIR_ASSIGN_OR_RETURN(const PartitionManager::Found found, partitions->Find(topic_, partition));
    BatchAppend& batch = batches.emplace_back();
    WEIR_ASSIGN_OR_RETURN(batch.log, found.partition->OpenLog());
    batch.header = DecodeBatchHeader(bytes.data());
    batch.bytes = SharedBytes::FromString(std::move(bytes));
    batch.internal = internal;
  }
  return batches;
}

}  // namespace weir
