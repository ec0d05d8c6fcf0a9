// FetchedPartition: one assigned partition of a Consumer: where it is, what was fetched ahead, what
// it waits for. Guarded by the Consumer's mutex.
#ifndef WEIR_CLIENT_SRC_FETCHED_PARTITION_H_
#define WEIR_CLIENT_SRC_FETCHED_PARTITION_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/src/fetch_wire.h"
#include "storage/base/types.h"
#include "weir/consumer.h"

namespace weir::client {

class FetchStream;

struct FetchedPartition {
  enum class State {
    kLookup,     // its position and the high watermark are to be looked up
    kLookingUp,  // are being looked up
    kReady,      // to be streamed
    kStreaming,  // has a stream
    kEnd,        // read up to `end`
    kFailed,     // rests until Seek
  };

  explicit FetchedPartition(AssignedPartition assigned)
      : topic(std::make_shared<const std::string>(std::move(assigned.topic))),
        index(assigned.partition),
        until_end(assigned.until_end),
        start(assigned.position) {}

  const std::shared_ptr<const std::string> topic;
  const PartitionIndex index;
  const bool until_end;

  State state = State::kLookup;
  Position start;                  // what to look up
  std::optional<Offset> position;  // what Poll gives next
  Offset fetch_from;               // what the next stream asks for: behind all that is buffered
  std::optional<Offset> end;       // of an until_end partition
  std::optional<Offset> high_watermark;

  std::deque<FetchAnswer> buffered;  // with batches, oldest first
  absl::Status failure;              // to be told behind what is buffered
  bool listed = false;               // among those that have something for Poll

  std::shared_ptr<FetchStream> stream;  // while kStreaming
  absl::Duration streaming_since;       // monotonic
  absl::Duration retry_at;              // monotonic
  int failures = 0;                     // in a row

  bool CaughtUp() const {
    return state == State::kFailed ||
           (position.has_value() && high_watermark.has_value() && *position >= *high_watermark);
  }
  bool Done() const {
    return (state == State::kEnd || state == State::kFailed) && buffered.empty() && failure.ok();
  }
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_FETCHED_PARTITION_H_
