// The records of the machine of share groups: their kinds, and how each becomes bytes and comes
// back. Parked jobs and attempts are also what the state store holds. Pure functions, any thread.
// storage/FORMAT.md has the table.
#ifndef WEIR_BROKER_SHARE_SHARE_RECORDS_H_
#define WEIR_BROKER_SHARE_SHARE_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "broker/runtime/internal_record.h"
#include "broker/share/offset_ranges.h"
#include "broker/share/parked_job.h"
#include "broker/share/share_types.h"
#include "storage/base/types.h"

namespace weir {

// On disk: never reused. All are of version 1. Kinds below the first are of consumer groups.
inline constexpr uint16_t kFirstShareRecordKind = 64;
enum class ShareRecordKind : uint16_t {
  kOpened = 64,
  kRemoved = 65,
  kFinished = 66,    // jobs are done for good
  kParked = 67,      // jobs wait from now on
  kStartMoved = 68,  // the log is about to lose what is below
};
inline constexpr uint16_t kShareRecordVersion = 1;

// The numbers are on disk.
enum class FinishCause : uint8_t {
  kAccepted = 1,
  kCancelled = 2,
  kDied = 3,
  kGone = 4,    // never handed out, and not in the log any more
  kMarked = 5,  // a dead letter: redriven or purged
};

// What the records say.
struct SharePartitionOpened {
  int64_t number = 0;
  SharePartitionId id;
  int64_t incarnation = 0;
  Offset start;
};
struct JobsFinished {
  int64_t number = 0;
  FinishCause cause = FinishCause::kAccepted;
  std::vector<OffsetRange> ranges;  // ascending; jobs that were not parked
  std::vector<ParkedJob> parked;    // and these, that were
};
struct JobsParked {
  int64_t number = 0;
  std::vector<ParkedJob> jobs;
  std::vector<ParkedJob> before;  // those of them that were parked, as they were
  std::optional<AttemptEnd> attempt;
};
struct ShareStartMoved {
  int64_t number = 0;
  Offset start;
  int64_t expired = 0;
};

InternalRecord ShareRecordOf(const SharePartitionOpened& opened);
InternalRecord SharePartitionRemovedRecord(int64_t number);
InternalRecord ShareRecordOf(const JobsFinished& finished);
InternalRecord ShareRecordOf(const JobsParked& parked);
InternalRecord ShareRecordOf(const ShareStartMoved& moved);

// The payloads back. DATA_LOSS when one is not what the functions above make.
absl::StatusOr<SharePartitionOpened> DecodeSharePartitionOpened(absl::string_view payload);
absl::StatusOr<int64_t> DecodeSharePartitionRemoved(absl::string_view payload);
absl::StatusOr<JobsFinished> DecodeJobsFinished(absl::string_view payload);
absl::StatusOr<JobsParked> DecodeJobsParked(absl::string_view payload);
absl::StatusOr<ShareStartMoved> DecodeShareStartMoved(absl::string_view payload);

// As the state store holds them.
std::string EncodeParkedJob(const ParkedJob& job);
absl::StatusOr<ParkedJob> DecodeParkedJob(absl::string_view bytes);
std::string EncodeAttemptEnd(const AttemptEnd& attempt);
absl::StatusOr<AttemptEnd> DecodeAttemptEnd(absl::string_view bytes);

// Where the store has a parked job, which is the value of its place.
struct ParkedPlace {
  ParkedCause cause = ParkedCause::kRetry;
  int64_t due_ms = 0;
  std::optional<KeyHash> key;  // of kBlocked
};
std::string EncodeParkedPlace(const ParkedPlace& place);
absl::StatusOr<ParkedPlace> DecodeParkedPlace(absl::string_view bytes);

// 16 bytes, and back; nothing when they are not so many.
std::string KeyHashBytes(const KeyHash& hash);
std::optional<KeyHash> KeyHashFromBytes(absl::string_view bytes);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_RECORDS_H_
