// What the machine of share groups is asked, what it answers, and what it tells whoever runs the
// workers' streams. Values without a wire format. Every list is bounded by limits.h, and the
// machine checks that.
#ifndef WEIR_BROKER_SHARE_SHARE_REQUESTS_H_
#define WEIR_BROKER_SHARE_SHARE_REQUESTS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "broker/runtime/reply.h"
#include "broker/share/parked_job.h"
#include "broker/share/share_counters.h"
#include "broker/share/share_scan.h"
#include "broker/share/share_types.h"
#include "storage/base/types.h"
#include "storage/log/append.h"

namespace weir {

// --- Acquire ---

struct AcquireRequest {
  SharePartitionId id;
  ShareSessionId session;  // known from its first acquisition on
  std::string worker;      // for histories and lists; at most limits::kWorkerNameBytes
  int64_t max_jobs = 0;    // 0: only brings a scan
  // The session holds no job and acquires none anywhere else. Only then it can be given a job that
  // is to be alone with its worker.
  bool session_is_idle = false;
  std::optional<ShareScan> scan;
};

// Jobs with neighbouring offsets, handed out together.
struct AcquiredJobs {
  Offset first;
  Offset last;
  int32_t delivery_count = 1;  // this attempt included
  LockToken token;
  int64_t lock_until_ms = 0;  // of day, as a hint: the lock is kept by the monotonic clock
  // The only job that this session shall have until it is done with it: acquire nothing for the
  // session elsewhere.
  bool alone = false;

  bool operator==(const AcquiredJobs&) const = default;
};

enum class AcquireState : uint8_t {
  kOpen,    // what there is, is given
  kPaused,  // by command
  kPausedByBreaker,
  kInFlightLimit,  // max.in.flight jobs are acquired
  kParkLimit,      // max.parked jobs are parked: nothing new is scanned
  kWindowLimit,    // as many scanned jobs wait in memory as may
};

struct Acquired {
  std::vector<AcquiredJobs> jobs;  // in no particular order
  AcquireState state = AcquireState::kOpen;
  // The machine could use a scan from here on. Ask again with one (the log may end there). Nothing:
  // it has enough, or can take no more; OnAvailable tells when that changes.
  std::optional<Offset> scan_from;
  // For fairness: jobs that could be handed out at once, and since when the oldest of those that
  // waited for a time is due (0: none is).
  int64_t available = 0;
  int64_t due_since_ms = 0;
  // Jobs that wait for a session that is idle: let one run empty when it stays above 0.
  int64_t alone_waiting = 0;
};

// --- Acknowledge ---

enum class AckOutcome : uint8_t { kAccept, kRelease, kReleaseUncounted, kReject };

struct AckItem {
  Offset first;
  Offset last;
  LockToken token;  // of all of them
  AckOutcome outcome = AckOutcome::kAccept;
  std::optional<int64_t> delay_ms;  // of a release, in place of the backoff
  std::string error;
};

struct AcknowledgeRequest {
  SharePartitionId id;
  Offset log_end;  // the high watermark: no job lies behind it
  std::vector<AckItem> items;
};

enum class AckCode : uint8_t {
  kOk,
  kAlreadyDone,  // finished or dead before; nothing happened
  kLockLost,     // not this token's; nothing happened
};
absl::string_view AckCodeName(AckCode code);  // "OK", "ALREADY_DONE", "LOCK_LOST"

// One after the other what became of every job of every item, in their order; neighbours with one
// code are one entry.
struct AckResult {
  Offset first;
  Offset last;
  AckCode code = AckCode::kOk;

  bool operator==(const AckResult&) const = default;
};

struct RenewItem {
  Offset first;
  Offset last;
  LockToken token;
};
struct RenewRequest {
  SharePartitionId id;
  std::vector<RenewItem> items;
};
struct Renewed {
  std::vector<AckResult> results;  // as of an acknowledgement: kOk or kLockLost
  int64_t lock_until_ms = 0;       // of those that are OK, at the latest limits::kLockLongestMs
                                   // after they were handed out
};

// --- Dead letters ---

// A job whose dead letter is to be written.
struct DyingJob {
  Offset first;
  Offset last;  // behind first: an unreadable batch
  DeathReason reason = DeathReason::kMaxAttempts;
  int32_t attempts = 0;
  std::string error;                // the last one
  std::vector<AttemptEnd> history;  // oldest first, at most limits::kAttemptHistory
};

// The dead letters of some of these jobs, as batches for the dead-letter topic (BatchAppend with
// `internal` set).
struct DeadLettersRequest {
  SharePartitionId id;
  std::vector<Offset> jobs;  // DyingJob::first; of all letters in `batches`
  std::vector<BatchAppend> batches;
};

// --- Marks of dead letters (redriven, purged) ---

struct MarkRequest {
  SharePartitionId id;  // of the dead-letter topic's partition
  std::vector<Offset> offsets;
  std::vector<BatchAppend> batches;  // their records for where they are driven to; none: purged
};

// --- Administration ---

struct JobDescription {
  Offset offset;
  JobState state = JobState::kAvailable;
  int32_t attempts = 0;  // that have ended and count
  int64_t due_ms = 0;    // of kDelayed and kDying
  std::optional<DeathReason> reason;
  std::optional<KeyHash> key;
  // Of kAcquired.
  std::string worker;
  ShareSessionId session;
  LockToken token;
  int64_t acquired_ms = 0;
  int64_t lock_until_ms = 0;
};
struct ListJobsRequest {
  SharePartitionId id;
  Offset from;  // jobs at this offset and behind it
  size_t limit = 0;
};
struct ListedJobs {
  std::vector<JobDescription> jobs;  // acquired, delayed, blocked and dying ones, by offset
  std::optional<Offset> next;        // there may be more, from here on
};

// How far a share-partition has come in its log.
struct ShareProgress {
  Offset start;              // everything before it is finished or parked
  int64_t settled = 0;       // offsets behind it that are too
  int64_t parked = 0;        // jobs, also those that are handed out again
  Offset oldest_unfinished;  // a job parked before the start, or the start

  // Jobs that are neither finished nor dead, where the log has what lies between these.
  int64_t Unfinished(Offset log_start, Offset log_end) const;
  // The lowest of them; the log's end when there are none.
  Offset OldestUnfinished(Offset log_start, Offset log_end) const;
};

// Jobs by what they are, as far as the log is scanned: each counts once.
struct ShareJobCounts {
  int64_t available = 0;
  int64_t in_flight = 0;
  int64_t delayed = 0;  // until they are tried again, or their time comes
  int64_t blocked = 0;  // behind an unfinished job of their key
  int64_t dying = 0;

  int64_t all() const { return available + in_flight + delayed + blocked + dying; }
};

// What a share-partition has come to.
struct ShareCounts {
  int64_t accepted = 0;
  int64_t cancelled = 0;
  int64_t expired = 0;                        // never handed out
  std::array<int64_t, kDeathReasons> died{};  // by DeathReason - 1
};

struct SharePartitionDescription {
  SharePartitionId id;
  AcquireState state = AcquireState::kOpen;
  ShareProgress progress;
  Offset scanned;  // how far the log is known
  ShareJobCounts jobs;
  std::string dead_letter_error;  // why the last dead letter could not be written; empty: it was
  ShareCounts counts;
  ShareTally tally;
};

// --- What the machine tells ---

// What happened to jobs of one group, for metrics and the breaker.
struct ShareOutcomes {
  int64_t accepted = 0;
  int64_t released = 0;                       // counted and uncounted, locks lost
  std::array<int64_t, kDeathReasons> died{};  // decided; the letters follow
};

// On the strand; must not wait.
class ShareListener {
 public:
  virtual ~ShareListener() = default;

  // There is something to acquire, or to scan, after an Acquire that came back with less than it
  // asked for. Whoever resumes a paused group wakes its workers itself.
  virtual void OnAvailable(const SharePartitionId& id) = 0;
  // Dead letters wait to be written: ask DeadLetters::Take.
  virtual void OnDying(const SharePartitionId& id) = 0;
  // Is durable.
  virtual void OnOutcomes(const SharePartitionId& id, const ShareOutcomes& outcomes) = 0;
  // The machine was loaded (again): all locks and sessions are forgotten. What workers still
  // accept counts while nobody else has been handed it. Every worker may acquire anew.
  virtual void OnLocksForgotten() = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_SHARE_REQUESTS_H_
