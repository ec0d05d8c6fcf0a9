// Producer: sends records to topics, in order per partition, as fast as the broker takes them. It
// gathers them into batches, keeps several batches per partition on the way, reconnects, and tries
// again until each record has one of three outcomes: written, certainly not written, unknown
// (COMMIT_UNCERTAIN). With `idempotent`, the default, what it tries again lands once. Not for
// records of several partitions that must be written together. Any thread.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_PRODUCER_H_
#define WEIR_CLIENT_INCLUDE_WEIR_PRODUCER_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "storage/base/limits.h"
#include "storage/base/types.h"
#include "storage/record/record_batch.h"
#include "storage/record/record_view.h"
#include "weir/client.h"

namespace weir {

// One record to send. Everything is borrowed for the time of the call.
struct ProducerRecord {
  absl::string_view topic;
  std::optional<absl::string_view> key;    // absent is not empty
  std::optional<absl::string_view> value;  // absent is a tombstone in a compacted topic
  absl::Span<const HeaderView> headers = {};
  // Absent: the key decides (Kafka's murmur2); records without a key stick to one partition until
  // its batch is sent.
  std::optional<PartitionIndex> partition = {};
  std::optional<int64_t> timestamp_ms =
      {};  // since the Unix epoch; absent: the time of the call, to about 4 ms
  // Since the Unix epoch: share groups hand the record out then and not before; all other readers
  // see it at once. Only in a topic with delayed.delivery=true, and not beyond its retention.
  std::optional<int64_t> deliver_at_ms = {};
};

// Where a record is.
struct RecordPosition {
  PartitionIndex partition;
  Offset offset;

  bool operator==(const RecordPosition&) const = default;
};

// Gets a record's outcome, once. Runs on a thread of the library, one callback at a time, those of
// one partition in the order of their offsets. Must not wait for the same Producer (Flush,
// SendAndWait, a Send that may find the buffer full) and should be short: while it runs no other
// outcome is told.
using DeliveryCallback = absl::AnyInvocable<void(const absl::StatusOr<RecordPosition>&)>;

enum class WhenFull {
  kWait,  // Send waits for room, at most delivery_timeout
  kFail,  // Send fails at once with BUFFER_FULL
};

struct ProducerOptions {
  std::optional<Durability> durability =
      {};  // absent: as the topic's configuration says (durable unless changed)
  Compression compression = Compression::kNone;
  std::optional<int> compression_level = {};  // absent: the codec's default
  // Repeats are recognised by the broker. Without it an outcome that is unknown is reported as such
  // and never tried again.
  bool idempotent = true;
  // A batch is sent when it has so many bytes; while max_in_flight batches of its partition are
  // unanswered it goes on growing up to the second figure. Neither goes above the topic's
  // max.message.bytes. A larger single record makes a larger batch.
  int64_t batch_bytes = 64 * limits::kKiB;
  int64_t batch_bytes_largest = 512 * limits::kKiB;
  // How long a batch that is not full waits for more records though nothing is on the way for its
  // partition: 0 to 1 s.
  absl::Duration linger = absl::ZeroDuration();
  int64_t buffer_bytes = 32 * limits::kMiB;  // of records that are not answered yet
  WhenFull when_full = WhenFull::kWait;
  int max_in_flight =
      limits::kProducerBatches;  // batches of one partition that are sent and unanswered: 1 to 5
  // From Send to the outcome, at most. Infinite: survives any outage of the broker, and tells
  // nothing until it is back.
  absl::Duration delivery_timeout = absl::Minutes(2);
  // A connection on which nothing was answered for so long, though something is waiting, is given
  // up and made anew.
  absl::Duration request_timeout = absl::Seconds(30);
};

// All since the Producer was made. acknowledged + failed + uncertain + pending = records that Send
// took.
struct ProducerCounters {
  int64_t acknowledged = 0;  // written, as safe as the durability asks
  int64_t failed = 0;        // certainly not written
  int64_t uncertain = 0;     // perhaps written
  int64_t pending = 0;       // no outcome yet
  int64_t acknowledged_batches = 0;
  int64_t duplicate_batches =
      0;  // of those, found by the broker to have been written by an earlier try
  int64_t retried_batches = 0;  // sent more than once, counted each time
  int64_t buffered_bytes = 0;   // of ProducerOptions::buffer_bytes
};

class Producer {
 public:
  // Options outside their range are moved to its nearer end.
  explicit Producer(const Client& client, ProducerOptions options = {});
  // As Close(absl::ZeroDuration()): what is not answered yet is given up, and its callbacks run
  // before this returns.
  ~Producer();
  Producer(Producer&&) noexcept;
  Producer& operator=(Producer&&) = delete;

  // Takes a copy of `record` and returns at once; waits only for room in the buffer (see WhenFull)
  // and, with the first record for a topic, for the topic's description. OK: the record is taken
  // and its one outcome will be told to `callback`, or, without one, by the counters and (when it
  // is an error) the next Flush. An error: not taken, certainly not written, `callback` is not
  // called.
  //   INVALID_REQUEST    too many headers, a negative partition, a topic name that can be none, a
  //                      deliver_at_ms that the topic does not take
  //   MESSAGE_TOO_LARGE  larger than the topic's max.message.bytes, or than the whole buffer
  //   UNKNOWN_TOPIC, UNKNOWN_PARTITION
  //   BUFFER_FULL        no room in time
  //   CLIENT_CLOSED      Close was called, also while this waits
  //   UNAVAILABLE, DEADLINE_EXCEEDED  the topic's description could not be had within
  //   delivery_timeout
  // Outcomes that are errors: what the broker refused it with; DELIVERY_TIMED_OUT, delivery_timeout
  // passed, certainly not written; COMMIT_UNCERTAIN, perhaps written: delivery_timeout or Close
  // came between sending it and the answer, or without `idempotent` the connection broke, or the
  // broker had forgotten this producer when it was asked again (after 7 days, or 10 minutes in a
  // partition with very many producers, unless configured otherwise);
  // CLIENT_CLOSED, Close came before it was sent; PRODUCER_FENCED, then every further record fails.
  // A record that fails takes the others of its batch with it, and nothing else.
  absl::Status Send(const ProducerRecord& record, DeliveryCallback callback = nullptr);

  // Send, and waits for the outcome. Cheap for many threads at once: those that wait for the same
  // batch are woken together.
  absl::StatusOr<RecordPosition> SendAndWait(const ProducerRecord& record);

  // Sends everything taken before this call without lingering and waits for all of its outcomes.
  // Gives the first error that a record sent without a callback has come to since the last Flush
  // that returned one; DEADLINE_EXCEEDED when `timeout` passes first: the records stay on their
  // way.
  absl::Status Flush(absl::Duration timeout = absl::InfiniteDuration());

  // Refuses further records, makes waiting Sends return, flushes for at most `timeout`, then gives
  // up the rest: CLIENT_CLOSED for records never sent, COMMIT_UNCERTAIN for the others. Returns as
  // Flush does. A second Close does nothing.
  absl::Status Close(absl::Duration timeout = absl::InfiniteDuration());

  ProducerCounters counters() const;
  // Why the oldest record without an outcome is not written yet, as far as is known: what it was
  // refused with and will be tried again for, or why the broker cannot be reached. OK when nothing
  // is known to be wrong.
  absl::Status last_error() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_PRODUCER_H_
