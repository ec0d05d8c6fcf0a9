// MachineWorld: the world of one state machine, in memory and with a clock of its own: the log that
// it decides, the store, the timers, appends that fail, new processes. What a shard does, without
// its asynchrony: a decision is replayed and answered at once. For one thread.
#ifndef WEIR_TESTS_SUPPORT_MACHINE_WORLD_H_
#define WEIR_TESTS_SUPPORT_MACHINE_WORLD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "broker/runtime/state_machine.h"
#include "broker/runtime/state_overlay.h"
#include "tests/support/fake_state_store.h"

namespace weir {

class MachineWorld : public MachineTimers {
 public:
  FakeStateStore& store() { return store_; }
  const MachineTime& now() const { return now_; }
  // Of all that was ever decided.
  int64_t record_count() const { return static_cast<int64_t>(log_.size()); }
  int64_t record_bytes() const { return record_bytes_; }
  // Of the largest decision.
  int64_t most_record_bytes() const { return most_record_bytes_; }

  // Called with whatever is decided, in order.
  std::function<void(const InternalRecord&)> on_record = [](const InternalRecord&) {};
  // Called with how many batches a decision appends to other partitions, before its records.
  std::function<void(size_t)> on_append = [](size_t) {};
  // What appends to other partitions are refused with; OK: they are taken.
  absl::Status refuse_appends;

  // Runs a handler, and the timers that are due then.
  void Run(Handler handler);
  // Time passes, timer by timer.
  void Advance(absl::Duration by);
  // The time of day is set, forward or back.
  void JumpWall(absl::Duration by) { now_.now_ms += absl::ToInt64Milliseconds(by); }
  // When the next timer is due; nothing when none is set.
  std::optional<absl::Duration> NextTimer() const;
  // The next decision with records fails to be appended: it is answered so, and the machine loaded
  // again, as the shard does.
  void FailNextAppend(absl::Status why) { fail_next_ = std::move(why); }
  // The store takes on everything up to now.
  void WriteStore();
  // A new process: it has the store as it was last written, and the log. Empty when its state is
  // the one before; otherwise what differs.
  std::string Restart();
  // All that records say, as text.
  virtual std::string Dump() const = 0;

  void SetTimer(absl::string_view key, absl::Duration at, Handler handler) override;
  void CancelTimer(absl::string_view key) override;

 protected:
  // Makes the machine of a new process.
  virtual StateMachine* MakeMachine() = 0;
  // The first process begins.
  void Start();

  // What is replayed and not stored.
  const StateOverlay& unwritten() const { return unwritten_; }
  const FakeStateStore& store() const { return store_; }

 private:
  using Due = std::pair<absl::Duration, uint64_t>;  // when, and in order of setting
  struct Timer {
    std::string key;
    Handler handler;
  };

  void Load();
  void Replay(const InternalRecord& record);
  void RunOne(Handler handler);
  // Runs what is due until then.
  void RunTimers(absl::Duration until);

  MachineTime now_{.now_ms = 1'700'000'000'000, .monotonic = absl::Seconds(1000)};
  FakeStateStore store_;
  std::vector<InternalRecord> log_;
  int64_t record_bytes_ = 0;
  int64_t most_record_bytes_ = 0;
  size_t written_ = 0;  // records that the store holds
  StateOverlay unwritten_;
  std::map<Due, Timer> timers_;
  std::map<std::string, Due> timers_by_key_;
  uint64_t last_sequence_ = 0;
  absl::Status fail_next_;
  StateMachine* machine_ = nullptr;
};

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_MACHINE_WORLD_H_
