#include "broker/partition/partitioner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/record/key_partitioner.h"
#include "storage/record/weir_headers.h"

namespace weir {
namespace {

size_t SizeBound(const PlainRecord& record) {
  return RecordBatchBuilder::RecordSizeBound(
      record.key, record.value, StoredHeaders(record.headers, record.deliver_at_ms).view());
}

absl::Status Check(const PlainRecord& record, const PartitionRecordsOptions& options) {
  const size_t headers = StoredHeaders(record.headers, record.deliver_at_ms).view().size();
  if (headers > limits::kHeadersPerRecord) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat("the record has ", headers, " headers; at most ",
                                  limits::kHeadersPerRecord, " are allowed"));
  }
  WEIR_RETURN_IF_ERROR(options.rules.CheckHeaders(record.headers));
  if (record.deliver_at_ms.has_value())
    WEIR_RETURN_IF_ERROR(options.rules.delays.Check(*record.deliver_at_ms));
  if (record.timestamp_ms.value_or(0) < 0) {
    return MakeError(Reason::kInvalidRequest, absl::StrCat("timestamp_ms is ", *record.timestamp_ms,
                                                           "; it must be 0 or more"));
  }
  const auto size = static_cast<int64_t>(kBatchHeaderBytes + SizeBound(record));
  if (size > options.max_batch_bytes) {
    return MakeError(Reason::kMessageTooLarge,
                     absl::StrCat("the record takes ", size, " bytes with its batch; the topic's ",
                                  "max.message.bytes is ", options.max_batch_bytes));
  }
  return absl::OkStatus();
}

PartitionIndex Choose(const PlainRecord& record, const PartitionRecordsOptions& options) {
  if (options.partition.has_value()) return *options.partition;
  return record.key.has_value() ? PartitionForKey(*record.key, options.partitions)
                                : options.without_key;
}

}  // namespace

PartitionedRecords PartitionRecords(absl::Span<const PlainRecord> records,
                                    const PartitionRecordsOptions& options) {
  PartitionedRecords result;
  std::vector<std::pair<PartitionIndex, size_t>> order;  // where, and which record
  order.reserve(records.size());
  for (size_t i = 0; i < records.size(); ++i) {
    if (absl::Status status = Check(records[i], options); !status.ok()) {
      result.refused.push_back({.record = i, .reason = std::move(status)});
    } else {
      order.emplace_back(Choose(records[i], options), i);
    }
  }
  std::sort(order.begin(), order.end());

  RecordBatchBuilder builder;
  PartitionedRecords::Batch batch;
  const auto finish = [&] {
    if (builder.empty()) return;
    batch.bytes = builder.Finish(options.batch);
    result.batches.push_back(std::move(batch));
    batch = {};
    builder.Reset();
  };
  for (const auto& [partition, i] : order) {
    const PlainRecord& record = records[i];
    const auto size = static_cast<int64_t>(builder.size_bytes() + SizeBound(record));
    if (partition != batch.partition || size > options.max_batch_bytes ||
        builder.record_count() == limits::kRecordsPerBatch) {
      finish();
    }
    batch.partition = partition;
    batch.records.push_back(i);
    builder.Append(record.timestamp_ms.value_or(options.now_ms), record.key, record.value,
                   StoredHeaders(record.headers, record.deliver_at_ms).view());
  }
  finish();
  return result;
}

}  // namespace weir
