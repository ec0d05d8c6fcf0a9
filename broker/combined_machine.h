// CombinedMachine: two machines that share one internal partition, told apart by the kinds of their
// records. One strand.
#ifndef WEIR_BROKER_COMBINED_MACHINE_H_
#define WEIR_BROKER_COMBINED_MACHINE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "broker/runtime/state_machine.h"

namespace weir {

class CombinedMachine : public StateMachine {
 public:
  // Records of kinds below `first_of_second` are those of `first`. Both outlive this, use timers
  // with keys of their own, and keep to keys of their own in the store.
  CombinedMachine(StateMachine* first, uint16_t first_of_second, StateMachine* second)
      : first_(first), first_of_second_(first_of_second), second_(second) {}

  absl::Status Load(const StateStore& store) override;
  absl::Status Replay(const InternalRecord& record, std::vector<StateChange>* changes) override;
  void OnLoaded(const MachineTime& now) override;

 private:
  StateMachine* const first_;
  const uint16_t first_of_second_;
  StateMachine* const second_;
};

}  // namespace weir

#endif  // WEIR_BROKER_COMBINED_MACHINE_H_
