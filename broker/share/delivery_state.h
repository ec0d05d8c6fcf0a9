// The life of a job as a table: which states there are, what may happen to a job in each, and what
// becomes of it. What the end of an attempt means the machine takes from it; that no job ever moves
// otherwise the simulation (tests/unit/share_ledger.h) sees to. Pure functions, any thread.
//
//   available --acquire--> acquired --accept--> finished
//       ^                     |--release, lock lost--> delayed --due--> available
//       |                     |--reject, or attempts used up--> dying --letter written--> dead
//       +-- first seen: deliver_at ahead: delayed; key not free: blocked
#ifndef WEIR_BROKER_SHARE_DELIVERY_STATE_H_
#define WEIR_BROKER_SHARE_DELIVERY_STATE_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "storage/base/check.h"

namespace weir {

enum class JobState : uint8_t {
  kAvailable,  // can be handed out
  kAcquired,   // a worker's session holds its lock
  kDelayed,    // parked until its time
  kBlocked,    // parked, or in memory, until an earlier job of its key is done
  kDying,      // parked: its dead letter is to be written; never handed out again
  kFinished,   // accepted, cancelled, or gone with the log
  kDead,       // its dead letter is written
};

enum class JobEvent : uint8_t {
  kNotYet,            // seen for the first time; its time has not come
  kBehindParked,      // seen for the first time; an earlier job of its key is parked
  kAcquire,           // handed out
  kAccept,            // by its holder, or by who held it last
  kRelease,           // by its holder
  kReleaseUncounted,  // the same, without counting the attempt
  kReject,            // by its holder
  kLockExpired,       // its holder let the time pass
  kSessionBroke,      // its holder's stream broke and was not resumed in time
  kSessionClosed,     // half-closed, cancelled, or the broker is stopping
  kDue,               // its time has come, and its key is free
  kDueBehindKey,      // its time has come; its key is not free
  kKeyFree,           // it is the first of its key
  kPostpone,          // its dead letter could not be written
  kLetterWritten,     // its dead letter is durable, in the same append
  kExpire,            // the log is about to lose it
  kUnreadable,        // it is in a batch that cannot be read
  kCancel,            // by command
  kReleaseNow,        // by command: it shall not wait
};

struct JobTransition {
  JobState from;
  JobEvent event;
  JobState to;
  bool durable = true;            // is a record, and what depends on it waits for that
  bool counted = false;           // an attempt has ended: to is kDying when it was the last one
  bool alone = false;             // next time it is handed out alone
  absl::string_view ending = {};  // of an attempt, as the history of a dead letter says it
};

inline constexpr std::array kJobTransitions = {
    JobTransition{JobState::kAvailable, JobEvent::kNotYet, JobState::kDelayed},
    JobTransition{JobState::kAvailable, JobEvent::kBehindParked, JobState::kBlocked},
    // Not written: after a crash it is what it was before, available.
    JobTransition{JobState::kAvailable, JobEvent::kAcquire, JobState::kAcquired, false},
    // A lock that was lost: while nobody else was handed the job, finished is finished.
    JobTransition{JobState::kAvailable, JobEvent::kAccept, JobState::kFinished},
    JobTransition{JobState::kAvailable, JobEvent::kExpire, JobState::kFinished},
    JobTransition{JobState::kAvailable, JobEvent::kUnreadable, JobState::kDying},
    JobTransition{JobState::kAvailable, JobEvent::kCancel, JobState::kFinished},

    JobTransition{JobState::kAcquired, JobEvent::kAccept, JobState::kFinished},
    JobTransition{JobState::kAcquired, JobEvent::kRelease, JobState::kDelayed, true, true, false,
                  "RELEASED"},
    JobTransition{JobState::kAcquired, JobEvent::kReleaseUncounted, JobState::kDelayed, true, false,
                  false, "RELEASED_UNCOUNTED"},
    JobTransition{JobState::kAcquired, JobEvent::kReject, JobState::kDying, true, true, false,
                  "REJECTED"},
    JobTransition{JobState::kAcquired, JobEvent::kLockExpired, JobState::kDelayed, true, true,
                  false, "LOCK_EXPIRED"},
    JobTransition{JobState::kAcquired, JobEvent::kSessionBroke, JobState::kDelayed, true, true,
                  true, "SESSION_BROKE"},
    JobTransition{JobState::kAcquired, JobEvent::kSessionClosed, JobState::kDelayed, true, false,
                  false, "SESSION_CLOSED"},
    JobTransition{JobState::kAcquired, JobEvent::kExpire, JobState::kDying, true, true, false,
                  "EXPIRED"},
    JobTransition{JobState::kAcquired, JobEvent::kCancel, JobState::kFinished},

    // That a time has passed needs no record: after a crash it has passed too.
    JobTransition{JobState::kDelayed, JobEvent::kDue, JobState::kAvailable, false},
    JobTransition{JobState::kDelayed, JobEvent::kDueBehindKey, JobState::kBlocked},
    JobTransition{JobState::kDelayed, JobEvent::kAccept, JobState::kFinished},
    JobTransition{JobState::kDelayed, JobEvent::kReleaseNow, JobState::kDelayed},
    JobTransition{JobState::kDelayed, JobEvent::kExpire, JobState::kDying},
    JobTransition{JobState::kDelayed, JobEvent::kCancel, JobState::kFinished},

    JobTransition{JobState::kBlocked, JobEvent::kKeyFree, JobState::kAvailable, false},
    JobTransition{JobState::kBlocked, JobEvent::kAccept, JobState::kFinished},
    JobTransition{JobState::kBlocked, JobEvent::kExpire, JobState::kDying},
    JobTransition{JobState::kBlocked, JobEvent::kCancel, JobState::kFinished},

    JobTransition{JobState::kDying, JobEvent::kLetterWritten, JobState::kDead},
    JobTransition{JobState::kDying, JobEvent::kPostpone, JobState::kDying},
    JobTransition{JobState::kDying, JobEvent::kAccept, JobState::kFinished},
    JobTransition{JobState::kDying, JobEvent::kCancel, JobState::kFinished},
};

// Null when `event` means nothing in `from`.
constexpr const JobTransition* FindTransition(JobState from, JobEvent event) {
  for (const JobTransition& transition : kJobTransitions) {
    if (transition.from == from && transition.event == event) return &transition;
  }
  return nullptr;
}

// Of an event that means something in `from`.
constexpr const JobTransition& TransitionOf(JobState from, JobEvent event) {
  const JobTransition* const transition = FindTransition(from, event);
  WEIR_CHECK(transition != nullptr);
  return *transition;
}

// Why a job died. The numbers are on disk, the names in the header `weir-dlq-reason`.
enum class DeathReason : uint8_t {
  kMaxAttempts = 1,
  kRejected = 2,
  kExpired = 3,
  kUnreadable = 4,
};
inline constexpr int kDeathReasons = 4;

// "MAX_ATTEMPTS", "REJECTED", "EXPIRED", "UNREADABLE".
absl::string_view DeathReasonName(DeathReason reason);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_DELIVERY_STATE_H_
