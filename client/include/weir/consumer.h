// Consumer: reads assigned partitions from chosen positions on, in order per partition,
// reconnecting and going on where it was. It fetches ahead, a bounded amount, from the first Poll
// on. It stores no position: whoever wants to go on after a restart keeps RecordSet::next_offset().
// Any thread, but a RecordSet belongs to one thread at a time.
//
//   Consumer consumer(client);
//   consumer.Assign({.topic = "orders", .partition = PartitionIndex(0), .position = Earliest()});
//   while (!consumer.AtEnd()) {
//     WEIR_ASSIGN_OR_RETURN(RecordSet records, consumer.Poll(absl::Seconds(1)));
//     RecordView record;
//     while (records.Next(&record)) Use(record);
//     WEIR_RETURN_IF_ERROR(records.status());  // or: note what could not be read, and go on
//   }
#ifndef WEIR_CLIENT_INCLUDE_WEIR_CONSUMER_H_
#define WEIR_CLIENT_INCLUDE_WEIR_CONSUMER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/base/limits.h"
#include "storage/base/types.h"
#include "storage/record/record_reader.h"
#include "storage/record/record_view.h"
#include "weir/client.h"
#include "weir/position.h"

namespace weir {

// What a Poll gives: records of one partition with rising offsets, read straight from the bytes
// that came. Empty when nothing came in time. Move-only; for one thread at a time.
class RecordSet {
 public:
  RecordSet() = default;

  // The next record, borrowed until Next is called again or this is gone; false at the end. From
  // the first record of a batch that makes no sense it goes on with the next batch: see status().
  bool Next(RecordView* record);
  // OK, or why the first batch that could not be read to its end was passed over: CORRUPT_BATCH,
  // UNSUPPORTED_COMPRESSION, naming topic, partition and the offsets that were not given. Whatever
  // Next gives is good. The consumer's position is behind the whole set: nothing comes twice.
  const absl::Status& status() const { return status_; }
  int32_t passed_over() const { return passed_over_; }  // batches, up to now

  // Nothing came. (A set that is not empty may still hold no record: all of its batch may lie below
  // the asked offset, or compaction has left nothing of it.)
  bool empty() const { return batches_.empty(); }
  absl::string_view topic() const { return topic_ == nullptr ? absl::string_view() : *topic_; }
  PartitionIndex partition() const { return partition_; }
  Offset next_offset() const { return next_offset_; }        // where to go on behind this set
  Offset high_watermark() const { return high_watermark_; }  // of the partition when this was sent
  Offset log_start_offset() const { return log_start_offset_; }
  size_t size_bytes() const { return batches_.size(); }  // as stored, compressed or not

 private:
  friend class Consumer;
  bool OpenNextBatch();
  void PassOver(const absl::Status& why);
  bool Stop();

  std::shared_ptr<const std::string> topic_;
  PartitionIndex partition_;
  Offset first_offset_;  // records below it are passed over
  Offset end_offset_;    // records from here on are not given
  Offset next_offset_;
  Offset high_watermark_;
  Offset log_start_offset_;
  std::shared_ptr<const void> owner_;  // keeps batches_ alive
  absl::string_view batches_;          // whole batches with right CRCs, one after another
  absl::string_view unread_;           // those of batches_ that no reader was opened for
  std::optional<RecordReader> reader_;
  Offset not_given_;     // of reader_'s batch: the first offset that Next has not come to,
  Offset behind_batch_;  // and the one behind its last
  absl::Status status_;
  int32_t passed_over_ = 0;
};

// What to do when the position lies outside the log, because retention or an operator moved the log
// start offset past it (or because it never existed).
enum class WhenOutOfRange {
  kError,     // Poll fails with OFFSET_OUT_OF_RANGE, naming the partition and the range
  kEarliest,  // go on at the log start offset
  kLatest,    // go on at the high watermark
};

struct ConsumerOptions {
  WhenOutOfRange when_out_of_range = WhenOutOfRange::kError;
  int64_t fetch_bytes =
      limits::kFetchBytesDefault;  // per answer; a larger single batch still comes, by itself
  // Bytes fetched ahead, of all partitions. At most two answers of a partition wait to be polled.
  int64_t buffer_bytes = 64 * limits::kMiB;
  // Partitions that are read at the same time; when more are assigned they take turns.
  int max_streams = 256;
};

struct AssignedPartition {
  std::string topic;
  PartitionIndex partition;
  Position position = Earliest();
  // Stop at the high watermark as it is when the position is first looked up; AtEnd() tells when.
  bool until_end = false;
};

class Consumer {
 public:
  explicit Consumer(const Client& client, ConsumerOptions options = {});
  ~Consumer();
  Consumer(Consumer&&) noexcept;
  Consumer& operator=(Consumer&&) = delete;

  // Adds a partition. Returns at once: that it exists is found out by Poll. INVALID_REQUEST when it
  // is assigned already.
  absl::Status Assign(AssignedPartition assigned);
  // Drops a partition and what was fetched ahead for it. INVALID_REQUEST when it is not assigned.
  absl::Status Unassign(absl::string_view topic, PartitionIndex partition);
  // Goes on elsewhere and drops what was fetched ahead; also revives a partition that failed. The
  // end of an until_end partition is looked up anew. INVALID_REQUEST when it is not assigned.
  absl::Status Seek(absl::string_view topic, PartitionIndex partition, Position position);

  // The next records of some partition, in turn; waits at most `max_wait` for them. An empty set:
  // nothing came in time, every partition is at its end, or Wake was called. While the broker
  // cannot be reached it waits and tries again and says so only through last_error(). Errors, each
  // once, then the partition rests until Seek or Unassign while others go on:
  //   OFFSET_OUT_OF_RANGE  with WhenOutOfRange::kError
  //   UNKNOWN_TOPIC, UNKNOWN_PARTITION, INVALID_REQUEST, PARTITION_DAMAGED ...  what the broker
  //   refused it with CORRUPT_BATCH        what came does not match its CRC. The position is still
  //   at the damage.
  // With nothing assigned: INVALID_REQUEST.
  absl::StatusOr<RecordSet> Poll(absl::Duration max_wait);
  // Makes a waiting Poll, or the next one, return at once with an empty set.
  void Wake();

  // The offset that Poll gives next; nothing while an Earliest, Latest or time is not yet looked
  // up, or when not assigned.
  std::optional<Offset> position(absl::string_view topic, PartitionIndex partition) const;
  // As last heard of; nothing before the first answer.
  std::optional<Offset> high_watermark(absl::string_view topic, PartitionIndex partition) const;
  // Every partition has been read up to the high watermark last heard of.
  bool CaughtUp() const;
  // Every partition is until_end and has been polled up to its end (or has failed); nothing more
  // will come.
  bool AtEnd() const;
  // Why the broker could last not be reached; OK while it can.
  absl::Status last_error() const;

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_CONSUMER_H_
