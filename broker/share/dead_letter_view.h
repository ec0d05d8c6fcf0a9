// DeadLetterView: a dead letter as it is read back from a dead-letter topic: the record as it was,
// and what DeadLetterHeaders and DriveHeaders have said of it. Immutable, any thread; borrowed from
// the record it was made of.
#ifndef WEIR_BROKER_SHARE_DEAD_LETTER_VIEW_H_
#define WEIR_BROKER_SHARE_DEAD_LETTER_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "broker/share/delivery_state.h"
#include "broker/share/parked_job.h"
#include "storage/base/types.h"
#include "storage/record/record_view.h"

namespace weir {

// Whatever a dead letter's headers begin with; those that a record had before are none of it.
inline constexpr absl::string_view kLetterHeaderPrefix = "weir-dlq-";
// When the letter was made, in milliseconds since the epoch: behind those of DeadLetterHeaders.
inline constexpr absl::string_view kLetterTimeHeader = "weir-dlq-time";
// Of a record that was driven: how often, and where it was at first.
inline constexpr absl::string_view kDriveHeaderPrefix = "weir-redrive-";

// Where a record was.
struct RecordPlace {
  std::string topic;
  PartitionIndex partition;
  Offset offset;

  bool operator==(const RecordPlace&) const = default;
};

struct DeadLetterView {
  Offset offset;  // in the dead-letter topic
  // The record. Of an unreadable batch the value is the batch.
  int64_t timestamp_ms = 0;
  std::optional<absl::string_view> key;
  std::optional<absl::string_view> value;
  std::vector<HeaderView> headers;  // without those of the letter and of drives

  std::string group;
  RecordPlace died_in;
  DeathReason reason = DeathReason::kMaxAttempts;
  std::string error;
  int32_t attempts = 0;
  std::vector<AttemptEnd> history;  // oldest first
  int64_t died_ms = 0;

  int32_t drives = 0;                // how often it was driven before it died this time
  std::optional<RecordPlace> first;  // where it was before the first of them

  // Where it came from.
  const RecordPlace& origin() const { return first.has_value() ? *first : died_in; }
};

// Nothing: the record is no dead letter, or not one that this version has written.
std::optional<DeadLetterView> ReadDeadLetter(const RecordView& record);

// What is added to the record of `letter` when it is driven: weir-redrive-count, one more than
// before, and -topic, -partition, -offset of its origin.
std::vector<std::pair<std::string, std::string>> DriveHeaders(const DeadLetterView& letter);

// The attempts out of weir-dlq-history; nothing when it is not what DeadLetterHeaders writes.
std::optional<std::vector<AttemptEnd>> ReadAttemptHistory(absl::string_view json);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_DEAD_LETTER_VIEW_H_
