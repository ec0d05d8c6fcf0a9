// Topic: what a Producer knows of one topic: its description as last asked for, and the queues of
// its partitions. Guarded by the Producer's mutex.
#ifndef WEIR_CLIENT_SRC_TOPIC_H_
#define WEIR_CLIENT_SRC_TOPIC_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/src/partition_queue.h"
#include "storage/base/limits.h"

namespace weir::client {

struct Topic {
  explicit Topic(std::string name) : name(std::move(name)) {}

  const std::string name;

  // The description. partition_count 0: not known (any more).
  int32_t partition_count = 0;
  int64_t max_message_bytes = limits::kMaxMessageBytesDefault;
  bool delayed_delivery = false;
  int64_t retention_ms = -1;  // -1: for ever
  bool wanted = false;        // to be asked for, or being asked for
  int64_t answers = 0;        // how often an answer or error has come
  absl::Status last_answer;   // the error of the last one
  absl::Duration asked_at;    // monotonic
  int32_t users = 0;          // Sends that wait for the description

  std::vector<std::unique_ptr<PartitionQueue>> queues;  // by partition; nullptr: never sent to

  // Records that are free to go anywhere go here until the batch is sent, then to the next
  // partition.
  int32_t sticky_partition = 0;
  // Closed batches with such records that are not done. While there are any, an open one gathers,
  // whatever its partition does: otherwise every partition in turn would get a batch of a few
  // records.
  int32_t sticky_unanswered = 0;

  PartitionQueue* sticky_queue() const {
    const auto index = static_cast<size_t>(sticky_partition);
    return index < queues.size() ? queues[index].get() : nullptr;
  }
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_TOPIC_H_
