#include "tests/support/tracked_machine.h"

#include <algorithm>

#include "broker/runtime/state_keeper.h"
#include "storage/base/check.h"

namespace weir {

MachineLedger::Counts MachineLedger::counts() const {
  Counts counts;
  for (size_t i = 0; i < kPartitions; ++i) {
    counts.told[i] = told_[i];
    counts.decided[i] = decided_[i];
  }
  return counts;
}

Handler TrackedMachine::Track(Handler handler) {
  return [this, handler = std::move(handler)](const MachineTime& now) mutable {
    Decision decision = handler(now);
    if (!decision.answer) return decision;
    // It has seen all that was replayed, and tells of what it decides.
    const int64_t seen = replayed_ + static_cast<int64_t>(decision.records.size());
    decision.answer = [this, seen,
                       answer = std::move(decision.answer)](const absl::Status& durable) mutable {
      std::atomic<int64_t>& told = ledger_.told_[partition_];
      if (durable.ok()) told = std::max(told.load(), seen);
      answer(durable);
    };
    return decision;
  };
}

absl::Status TrackedMachine::Load(const StateStore& store) {
  const absl::StatusOr<Offset> applied = AppliedOffset(store, ShardWorld::Id(partition_));
  WEIR_RETURN_IF_ERROR(applied.status());
  replayed_ = applied->value();
  return machine_->Load(store);
}

absl::Status TrackedMachine::Replay(const InternalRecord& record,
                                    std::vector<StateChange>* changes) {
  ++replayed_;
  if (loaded_) {
    ledger_.records_[partition_].push_back(record);
    ledger_.decided_[partition_] = replayed_;
  }
  return machine_->Replay(record, changes);
}

void TrackedMachine::OnLoaded(const MachineTime& now) {
  loaded_ = true;
  // What was decided once and cut off by a crash never was.
  ledger_.records_[partition_].resize(static_cast<size_t>(replayed_));
  ledger_.told_[partition_] = ledger_.decided_[partition_] = replayed_;
  machine_->OnLoaded(now);
}

void TrackedMachine::SetTimer(absl::string_view key, absl::Duration at, Handler handler) {
  timers_->SetTimer(key, at, Track(std::move(handler)));
}

}  // namespace weir
