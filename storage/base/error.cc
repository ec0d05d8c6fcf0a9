#include "storage/base/error.h"

#include <array>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/base/check.h"

namespace weir {
namespace {

constexpr absl::string_view kPayloadUrl = "weir/error";  // "<reason number> <retry after, ms>"

using Code = absl::StatusCode;

constexpr ErrorInfo kErrors[] = {
    {Reason::kInternal, "INTERNAL", Code::kInternal, false, Effect::kUnknown,
     "A defect or an unexpected failure in the broker; its log says more."},
    {Reason::kUnknownTopic, "UNKNOWN_TOPIC", Code::kNotFound, false, Effect::kNone,
     "There is no topic of this name."},
    {Reason::kUnknownPartition, "UNKNOWN_PARTITION", Code::kNotFound, false, Effect::kNone,
     "The topic has fewer partitions."},
    {Reason::kTopicExists, "TOPIC_EXISTS", Code::kAlreadyExists, false, Effect::kNone,
     "A topic of this name exists already."},
    {Reason::kInvalidTopicName, "INVALID_TOPIC_NAME", Code::kInvalidArgument, false, Effect::kNone,
     "Names are 1 to 249 characters of A-Z a-z 0-9 . _ - and neither '.' nor '..'."},
    {Reason::kInvalidConfig, "INVALID_CONFIG", Code::kInvalidArgument, false, Effect::kNone,
     "An unknown configuration name, or a value outside its range."},
    {Reason::kInvalidPartitions, "INVALID_PARTITIONS", Code::kInvalidArgument, false, Effect::kNone,
     "The number of partitions is out of range, or smaller than what the topic has."},
    {Reason::kInvalidRequest, "INVALID_REQUEST", Code::kInvalidArgument, false, Effect::kNone,
     "A field of the request has a value that makes no sense."},
    {Reason::kCorruptBatch, "CORRUPT_BATCH", Code::kInvalidArgument, false, Effect::kNone,
     "The record batch is malformed or its CRC-32C does not match."},
    {Reason::kUnsupportedCompression, "UNSUPPORTED_COMPRESSION", Code::kInvalidArgument, false,
     Effect::kNone, "The batch names a codec other than none, gzip, snappy, lz4 and zstd."},
    {Reason::kMessageTooLarge, "MESSAGE_TOO_LARGE", Code::kInvalidArgument, false, Effect::kNone,
     "The batch or request is larger than the limit in force."},
    {Reason::kOffsetOutOfRange, "OFFSET_OUT_OF_RANGE", Code::kOutOfRange, false, Effect::kNone,
     "The offset lies outside log start offset and high watermark."},
    {Reason::kOverMemoryBudget, "OVER_MEMORY_BUDGET", Code::kResourceExhausted, true, Effect::kNone,
     "The broker's memory for requests is in use; try again after the given time."},
    {Reason::kDiskLow, "DISK_LOW", Code::kResourceExhausted, true, Effect::kNone,
     "Free disk space is below the low watermark, or did not do for the start; what takes space is "
     "refused until there is more."},
    {Reason::kOutOfOrderSequence, "OUT_OF_ORDER_SEQUENCE", Code::kFailedPrecondition, false,
     Effect::kNone, "The batch's sequence does not follow the producer's last one."},
    {Reason::kProducerFenced, "PRODUCER_FENCED", Code::kFailedPrecondition, false, Effect::kNone,
     "A producer with the same id and a newer epoch has taken over."},
    {Reason::kTooManyProducers, "TOO_MANY_PRODUCERS", Code::kResourceExhausted, true, Effect::kNone,
     "The partition remembers as many producer ids as it may; idle ones expire."},
    {Reason::kCommitUncertain, "COMMIT_UNCERTAIN", Code::kUnknown, true, Effect::kUnknown,
     "The commit failed or the broker stopped while waiting: retry with the same producer "
     "sequence."},
    {Reason::kLogDirFenced, "LOG_DIR_FENCED", Code::kUnavailable, true, Effect::kNone,
     "A disk error has closed the data directory for writing; the broker restarts into recovery."},
    {Reason::kShuttingDown, "SHUTTING_DOWN", Code::kUnavailable, true, Effect::kNone,
     "The broker is stopping."},
    {Reason::kPartitionDamaged, "PARTITION_DAMAGED", Code::kDataLoss, false, Effect::kNone,
     "Stored data of the partition does not verify; it can be read up to the damage and not be "
     "appended to."},
    {Reason::kUnsupportedField, "UNSUPPORTED_FIELD", Code::kUnimplemented, false, Effect::kNone,
     "The request uses a field or value that this broker does not know."},
    {Reason::kInvalidPageToken, "INVALID_PAGE_TOKEN", Code::kInvalidArgument, false, Effect::kNone,
     "The page token is not one that the same call returned."},
    {Reason::kDuplicateSequence, "DUPLICATE_SEQUENCE", Code::kAlreadyExists, false, Effect::kNone,
     "The batch was written before, too long ago for its offset to be remembered."},
    {Reason::kNotLeader, "NOT_LEADER", Code::kFailedPrecondition, true, Effect::kNone,
     "Another broker leads the partition."},
    {Reason::kTooManyRequests, "TOO_MANY_REQUESTS", Code::kResourceExhausted, true, Effect::kNone,
     "More requests wait than the broker allows."},
    {Reason::kBufferFull, "BUFFER_FULL", Code::kResourceExhausted, true, Effect::kNone,
     "The producer's buffer has no room for the record; the broker is slower than what is sent."},
    {Reason::kDeliveryTimedOut, "DELIVERY_TIMED_OUT", Code::kDeadlineExceeded, true, Effect::kNone,
     "The record could not be written before the producer's delivery timeout passed."},
    {Reason::kClientClosed, "CLIENT_CLOSED", Code::kFailedPrecondition, false, Effect::kNone,
     "The producer or consumer was closed."},
    {Reason::kTopicLimit, "TOPIC_LIMIT", Code::kResourceExhausted, false, Effect::kNone,
     "The broker holds as many topics or partitions as it may."},
    {Reason::kUnknownProducer, "UNKNOWN_PRODUCER", Code::kFailedPrecondition, false, Effect::kNone,
     "The partition does not know the producer, or has forgotten it; an unknown one begins at "
     "sequence 0."},
    {Reason::kUnknownGroup, "UNKNOWN_GROUP", Code::kNotFound, false, Effect::kNone,
     "There is no group of this id, and the call does not say with which start to create it."},
    {Reason::kGroupExists, "GROUP_EXISTS", Code::kAlreadyExists, false, Effect::kNone,
     "A group of this id exists already."},
    {Reason::kInvalidGroupId, "INVALID_GROUP_ID", Code::kInvalidArgument, false, Effect::kNone,
     "Group ids are 1 to 249 characters of A-Z a-z 0-9 . _ - and neither '.' nor '..'."},
    {Reason::kGroupTypeMismatch, "GROUP_TYPE_MISMATCH", Code::kFailedPrecondition, false,
     Effect::kNone, "The call is for groups of another type; a group's type never changes."},
    {Reason::kGroupNotEmpty, "GROUP_NOT_EMPTY", Code::kFailedPrecondition, false, Effect::kNone,
     "The group has members; what was asked for needs one without."},
    {Reason::kUnknownMember, "UNKNOWN_MEMBER", Code::kNotFound, false, Effect::kNone,
     "The group has no such member: it left or was fenced. It owns nothing and may join anew."},
    {Reason::kStaleMemberEpoch, "STALE_MEMBER_EPOCH", Code::kFailedPrecondition, false,
     Effect::kNone, "The member does not own the partition, or not in this epoch."},
    {Reason::kInstanceIdInUse, "INSTANCE_ID_IN_USE", Code::kAlreadyExists, true, Effect::kNone,
     "A connected member has this instance id."},
    {Reason::kOffsetMetadataTooLarge, "OFFSET_METADATA_TOO_LARGE", Code::kInvalidArgument, false,
     Effect::kNone, "The metadata of a committed offset is at most 4 KiB."},
    {Reason::kOffsetMovesBack, "OFFSET_MOVES_BACK", Code::kFailedPrecondition, false, Effect::kNone,
     "A higher offset is committed already; only a reset moves a group back."},
    {Reason::kNoCommittedOffset, "NO_COMMITTED_OFFSET", Code::kFailedPrecondition, false,
     Effect::kNone, "The group has no committed offset in the partition."},
    {Reason::kGroupLimit, "GROUP_LIMIT", Code::kResourceExhausted, false, Effect::kNone,
     "The broker holds as many groups, members or committed offsets as it may."},
    {Reason::kSessionLost, "SESSION_LOST", Code::kFailedPrecondition, false, Effect::kNone,
     "The stream is not the member's any more: another one has taken it over, or the broker has "
     "loaded its groups again. The member joins again, with id and epoch."},
    {Reason::kJobsPending, "JOBS_PENDING", Code::kFailedPrecondition, true, Effect::kNone,
     "The log must not lose jobs of a share group whose dead letters are still to be written; they "
     "are, so try again after the given time."},
};

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < std::size(kErrors); ++i) {
    if (static_cast<size_t>(kErrors[i].reason) != i + 1) return false;
  }
  return true;
}
static_assert(RowsAreInOrder(), "row n of the table describes reason number n");

}  // namespace

absl::Span<const ErrorInfo> AllErrors() { return kErrors; }

const ErrorInfo& InfoOf(Reason reason) {
  const size_t row = static_cast<size_t>(reason) - 1;
  WEIR_CHECK(row < std::size(kErrors));
  return kErrors[row];
}

absl::Status MakeError(Reason reason, absl::string_view message, absl::Duration retry_after) {
  absl::Status status(InfoOf(reason).code, message);
  status.SetPayload(kPayloadUrl, absl::Cord(absl::StrCat(static_cast<int>(reason), " ",
                                                         absl::ToInt64Milliseconds(retry_after))));
  return status;
}

namespace {
struct Payload {
  Reason reason;
  int64_t retry_after_ms;
};
std::optional<Payload> PayloadOf(const absl::Status& status) {
  const absl::optional<absl::Cord> cord = status.GetPayload(kPayloadUrl);
  if (!cord.has_value()) return std::nullopt;
  const std::pair<std::string, std::string> parts = absl::StrSplit(std::string(*cord), ' ');
  int reason = 0;
  int64_t retry_after_ms = 0;
  if (!absl::SimpleAtoi(parts.first, &reason) || !absl::SimpleAtoi(parts.second, &retry_after_ms))
    return std::nullopt;
  return Payload{static_cast<Reason>(reason), retry_after_ms};
}
}  // namespace

std::optional<Reason> ReasonOf(const absl::Status& status) {
  if (const auto payload = PayloadOf(status)) return payload->reason;
  return std::nullopt;
}

absl::Duration RetryAfterOf(const absl::Status& status) {
  if (const auto payload = PayloadOf(status)) return absl::Milliseconds(payload->retry_after_ms);
  return absl::ZeroDuration();
}

}  // namespace weir
