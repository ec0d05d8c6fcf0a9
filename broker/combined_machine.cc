#include "broker/combined_machine.h"

#include "storage/base/check.h"

namespace weir {

absl::Status CombinedMachine::Load(const StateStore& store) {
  WEIR_RETURN_IF_ERROR(first_->Load(store));
  return second_->Load(store);
}

absl::Status CombinedMachine::Replay(const InternalRecord& record,
                                     std::vector<StateChange>* changes) {
  return (record.kind < first_of_second_ ? first_ : second_)->Replay(record, changes);
}

void CombinedMachine::OnLoaded(const MachineTime& now) {
  first_->OnLoaded(now);
  second_->OnLoaded(now);
}

}  // namespace weir
