// The one table of errors: what a caller of Weir can be told, which gRPC code carries it, whether
// trying again can help, and whether the effect may have happened. A new error is one row of
// error.cc. Immutable, any thread.
//
// Inside the program an error is an absl::Status whose code is the row's code and which carries the
// row as a payload. The front doors turn it into weir.v1.Error. A Status without a row (a file
// system's, a bug's) is INTERNAL to the outside.
#ifndef WEIR_STORAGE_BASE_ERROR_H_
#define WEIR_STORAGE_BASE_ERROR_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace weir {

// The numbers are on the wire (weir.v1.Error.reason): never reused, never renumbered.
enum class Reason : int {
  kInternal = 1,
  kUnknownTopic = 2,
  kUnknownPartition = 3,
  kTopicExists = 4,
  kInvalidTopicName = 5,
  kInvalidConfig = 6,
  kInvalidPartitions = 7,
  kInvalidRequest = 8,
  kCorruptBatch = 9,
  kUnsupportedCompression = 10,
  kMessageTooLarge = 11,
  kOffsetOutOfRange = 12,
  kOverMemoryBudget = 13,
  kDiskLow = 14,
  kOutOfOrderSequence = 15,
  kProducerFenced = 16,
  kTooManyProducers = 17,
  kCommitUncertain = 18,
  kLogDirFenced = 19,
  kShuttingDown = 20,
  kPartitionDamaged = 21,
  kUnsupportedField = 22,
  kInvalidPageToken = 23,
  kDuplicateSequence = 24,
  kNotLeader = 25,
  kTooManyRequests = 26,
  // The client library's own; no broker sends them.
  kBufferFull = 27,
  kDeliveryTimedOut = 28,
  kClientClosed = 29,

  kTopicLimit = 30,
  kUnknownProducer = 31,

  kUnknownGroup = 32,
  kGroupExists = 33,
  kInvalidGroupId = 34,
  kGroupTypeMismatch = 35,
  kGroupNotEmpty = 36,
  kUnknownMember = 37,
  kStaleMemberEpoch = 38,
  kInstanceIdInUse = 39,
  kOffsetMetadataTooLarge = 40,
  kOffsetMovesBack = 41,
  kNoCommittedOffset = 42,
  kGroupLimit = 43,
  kSessionLost = 44,
  kJobsPending = 45,
};

// May what was asked for have happened although an error came back?
enum class Effect { kNone, kUnknown };

struct ErrorInfo {
  Reason reason;
  absl::string_view name;  // UPPER_SNAKE_CASE, stable: programs compare it
  absl::StatusCode code;
  bool retryable;
  Effect effect;
  absl::string_view text;  // one sentence for the reference page
};

// Every row, in order of number.
absl::Span<const ErrorInfo> AllErrors();
const ErrorInfo& InfoOf(Reason reason);

// A Status that carries the row. `message` names the offending value and the allowed range.
// `retry_after` > 0 tells the caller when trying again makes sense.
absl::Status MakeError(Reason reason, absl::string_view message,
                       absl::Duration retry_after = absl::ZeroDuration());

// The row a Status carries; nothing for OK and for a Status not made by MakeError.
std::optional<Reason> ReasonOf(const absl::Status& status);
// Zero when the Status says nothing about it.
absl::Duration RetryAfterOf(const absl::Status& status);

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_ERROR_H_
