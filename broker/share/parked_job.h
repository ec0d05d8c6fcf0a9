// ParkedJob: a job that waits, as records and the state store hold it: one that was handed out and
// not finished, one whose time has not come, one behind an unfinished job of its key, one whose
// dead letter is to be written. It stays parked while it is handed out again, until it is finished
// or parked anew: so attempts survive a crash, and handing it out needs no record. A value.
#ifndef WEIR_BROKER_SHARE_PARKED_JOB_H_
#define WEIR_BROKER_SHARE_PARKED_JOB_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "broker/share/delivery_state.h"
#include "broker/share/share_types.h"
#include "storage/base/types.h"

namespace weir {

// The numbers are on disk.
enum class ParkedCause : uint8_t {
  kRetry = 1,    // an attempt has ended; it holds its key meanwhile
  kDelayed = 2,  // deliver_at; does not hold its key before
  kBlocked = 3,  // in the line of its key
  kDying = 4,    // to be dead-lettered; holds its key meanwhile when it did
};

// Of a job in kBlocked that never waited for a time: behind those that did, by offset.
inline constexpr int64_t kOrdinaryTurn = std::numeric_limits<int64_t>::max();

struct ParkedJob {
  Offset offset;
  Offset last;  // the same; of an unreadable batch its last offset
  ParkedCause cause = ParkedCause::kRetry;
  // When it is due, of day. kBlocked: its turn among the jobs of its key, the time when it was due
  // or kOrdinaryTurn.
  int64_t due_ms = 0;
  int32_t attempts = 0;   // that have ended and count
  int32_t uncounted = 0;  // that have ended and do not
  bool alone = false;     // the last one broke its session
  bool holds_key = false;
  std::optional<KeyHash> key;         // with order=key
  LockToken last_lock;                // of the last attempt; counter 0: there was none
  std::optional<DeathReason> reason;  // of kDying
  int32_t letters_failed = 0;         // of kDying: how often its dead letter could not be written

  int32_t endings() const { return attempts + uncounted; }
  bool operator==(const ParkedJob&) const = default;
};

// A job that goes to the store because others of its key come first.
inline ParkedJob OrdinaryInLine(Offset job, const KeyHash& key) {
  return {.offset = job,
          .last = job,
          .cause = ParkedCause::kBlocked,
          .due_ms = kOrdinaryTurn,
          .key = key};
}

// The store has it in the line of its key.
inline bool IsInLine(const ParkedJob& job) {
  return job.cause == ParkedCause::kBlocked || job.holds_key;
}
// Where it stands there: first the one that holds the key.
inline int64_t TurnInLine(const ParkedJob& job) {
  return job.cause == ParkedCause::kBlocked ? job.due_ms : 0;
}

// How one attempt went, for the dead letter.
struct AttemptEnd {
  int64_t ended_ms = 0;
  std::string worker;
  std::string ending;  // JobTransition::ending
  std::string error;   // of the worker; at most limits::kJobErrorBytes

  bool operator==(const AttemptEnd&) const = default;
};

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_PARKED_JOB_H_
