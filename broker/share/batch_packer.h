// BatchPacker: records that the broker itself appends to one topic, into batches for its partitions
// as its configuration asks, until they are to be appended together. One thread at a time.
#ifndef WEIR_BROKER_SHARE_BATCH_PACKER_H_
#define WEIR_BROKER_SHARE_BATCH_PACKER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/partition/partition_manager.h"
#include "broker/topics/topic_catalog.h"
#include "storage/base/types.h"
#include "storage/log/append.h"
#include "storage/record/record_batch_builder.h"
#include "storage/record/record_view.h"

namespace weir {

// A record to be appended, borrowed.
struct PackedRecord {
  int64_t timestamp_ms = 0;
  std::optional<absl::string_view> key;
  std::optional<absl::string_view> value;
  std::vector<HeaderView> headers;

  // What it takes in a batch, at most.
  int64_t size() const {
    return static_cast<int64_t>(RecordBatchBuilder::RecordSizeBound(key, value, headers));
  }
};

class BatchPacker {
 public:
  BatchPacker(TopicPtr topic, int64_t now_ms);

  // By its key; `without_key` for one that has none.
  PartitionIndex PartitionFor(const PackedRecord& record, PartitionIndex without_key) const;

  // Copies the record into a batch of the partition, which the topic has. Nothing happens when it
  // is too large: MESSAGE_TOO_LARGE, for the topic's max.message.bytes or for
  // limits::kLetterBytesMost, compressed too.
  absl::Status Add(PartitionIndex partition, const PackedRecord& record);

  // Of what was added, batches included.
  int64_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }
  const TopicPtr& topic() const { return topic_; }

  // The batches of all that was added; those of one partition in order. Opens logs: waits for the
  // disk. UNKNOWN_TOPIC (deleted), or the file system's error.
  absl::StatusOr<std::vector<BatchAppend>> Take(PartitionManager* partitions, bool internal);

 private:
  BatchOptions Options() const;
  int64_t Most() const;  // bytes of one batch
  void FinishBatch(PartitionIndex partition, RecordBatchBuilder* builder);
  // One that does not fit a batch as it is.
  absl::Status AddCompressed(PartitionIndex partition, const PackedRecord& record);

  const TopicPtr topic_;
  const int64_t now_ms_;
  absl::btree_map<PartitionIndex, RecordBatchBuilder> open_;
  std::vector<std::pair<PartitionIndex, std::string>> finished_;
  int64_t bytes_ = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_BATCH_PACKER_H_
