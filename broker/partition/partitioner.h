// PartitionRecords: plain records into record batches: which partition each goes to, and which
// batch of it. Pure function, any thread.
#ifndef WEIR_BROKER_PARTITION_PARTITIONER_H_
#define WEIR_BROKER_PARTITION_PARTITIONER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "broker/partition/record_rules.h"
#include "storage/base/types.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_view.h"

namespace weir {

// A record as somebody sent it, borrowed.
struct PlainRecord {
  std::optional<absl::string_view> key;
  std::optional<absl::string_view> value;
  std::vector<HeaderView> headers;
  std::optional<int64_t> timestamp_ms;   // absent: the time of arrival
  std::optional<int64_t> deliver_at_ms;  // to share groups; becomes a header, behind the others
};

struct PartitionRecordsOptions {
  int32_t partitions = 1;
  std::optional<PartitionIndex> partition;  // for all; absent: by key
  PartitionIndex without_key;               // where records without a key go
  int64_t max_batch_bytes = 0;
  int64_t now_ms = 0;
  RecordRules rules;
  BatchOptions batch;
};

struct PartitionedRecords {
  struct Batch {
    PartitionIndex partition;
    std::string bytes;
    std::vector<size_t> records;  // their places in the request, in the order of the batch
  };
  struct Refused {
    size_t record = 0;
    absl::Status reason;  // MESSAGE_TOO_LARGE or INVALID_REQUEST
  };
  std::vector<Batch> batches;  // by partition; those of one partition in order
  std::vector<Refused> refused;
};

// Records of one partition keep their order. A batch holds as many as fit max_batch_bytes (before
// compression).
PartitionedRecords PartitionRecords(absl::Span<const PlainRecord> records,
                                    const PartitionRecordsOptions& options);

}  // namespace weir

#endif  // WEIR_BROKER_PARTITION_PARTITIONER_H_
