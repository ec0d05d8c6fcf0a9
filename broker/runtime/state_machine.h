// StateMachine: what a shard runs: one partition's worth of groups (later: work queues). It
// changes by replaying records and in no other way, so that a crash, a reload and a take-over by
// another broker all lead to the same state. It holds no locks, reads no clock and waits for
// nothing: its shard calls it from one strand and tells it the time.
//
// How a request goes: a handler looks at the machine and decides, by a Decision: the records
// that shall be, and the answer to give once they are durable. It changes nothing. The shard
// appends the records, replays them at once, so that the next handler sees them, and answers
// when they are durable. When that fails the shard drops the machine's memory and loads it
// again; what was decided after the failed records fails with them.
//
// A decision may append to other partitions too, as when a job dies: its record goes to the
// dead-letter topic, and "dead" to the machine's own partition, in one atomic append. Whether the
// others take it is looked at before anything is replayed, so that what refuses for long (a topic
// that was deleted, a full disk) costs no reload; what comes between is a failed append like any.
#ifndef WEIR_BROKER_RUNTIME_STATE_MACHINE_H_
#define WEIR_BROKER_RUNTIME_STATE_MACHINE_H_

#include <cstdint>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/runtime/internal_record.h"
#include "storage/base/types.h"
#include "storage/log/append.h"
#include "storage/meta/state_store.h"

namespace weir {

// When a handler runs.
struct MachineTime {
  int64_t now_ms = 0;        // of day
  absl::Duration monotonic;  // for timers
};

struct Decision {
  std::vector<InternalRecord> records;  // none: the answer depends only on what was before
  // All or nothing with `records`, of which there is then one at least: batches for partitions
  // other than the machine's own (`internal` set: they are taken on a low disk), and log starts
  // that move. At most limits::kDecisionAppendBytes with the records, and
  // limits::kDecisionAppendParts.
  std::vector<BatchAppend> appends;
  std::vector<LogStartMove> log_starts;
  // One of these would be refused now, for the reason given (RefusedPart() says which), and nothing
  // has happened: what is decided instead, at once. Empty: `answer` gets the reason, and that is
  // all.
  absl::AnyInvocable<Decision(const MachineTime&, const absl::Status& refusal)> instead;
  // Called once, on the shard's strand: OK when all of the above and all that the handler can have
  // seen are durable; otherwise why that failed, with COMMIT_UNCERTAIN when it may have happened
  // all the same. Not called of a decision in whose place `instead` was taken.
  absl::AnyInvocable<void(const absl::Status&)> answer;
};

using Handler = absl::AnyInvocable<Decision(const MachineTime&)>;

// One timer for a key. Called from handlers and from StateMachine::OnLoaded only. No key begins
// with a zero byte.
class MachineTimers {
 public:
  virtual ~MachineTimers() = default;

  // Runs `handler` once when the monotonic clock reaches `at`, in place of what the key had. A
  // reload of the machine cancels all.
  virtual void SetTimer(absl::string_view key, absl::Duration at, Handler handler) = 0;
  virtual void CancelTimer(absl::string_view key) = 0;
};

class StateMachine {
 public:
  virtual ~StateMachine() = default;

  // Forgets everything and takes what the store holds for this machine. DATA_LOSS when that makes
  // no sense.
  virtual absl::Status Load(const StateStore& store) = 0;

  // Applies one record and adds to `changes` what it changes in the store. DATA_LOSS for a kind or
  // version that it does not know, or a payload that makes no sense.
  virtual absl::Status Replay(const InternalRecord& record, std::vector<StateChange>* changes) = 0;

  // Everything up to the end of the log is replayed; handlers follow. Also after a reload. The
  // place to set the timers that the state asks for.
  virtual void OnLoaded(const MachineTime& now) = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_STATE_MACHINE_H_
