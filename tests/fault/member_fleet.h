// MemberFleet: the processes that are members of consumer groups: started, made to leave, killed
// with -9. What they report goes into a ledger. Killed with this object. One thread.
#ifndef WEIR_TESTS_FAULT_MEMBER_FLEET_H_
#define WEIR_TESTS_FAULT_MEMBER_FLEET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/fault/consumption_ledger.h"
#include "tests/fault/process_fleet.h"
#include "tests/support/sim_random.h"
#include "weir/client.h"

namespace weir {

// The groups, each of another kind.
struct MemberGroup {
  enum class Kind { kConsumer, kStatic, kStream };
  std::string name;
  Kind kind = Kind::kConsumer;
  // Its members that are killed lose their places soon; otherwise none of them loses its place,
  // and only static members are killed, which get theirs back.
  bool short_session = false;
};

class MemberFleet {
 public:
  // `program`: of member_process.h. All outlive the fleet.
  MemberFleet(std::string program, std::string address, std::string topic,
              ConsumptionLedger* ledger);

  // Four groups, one of each kind and one with ranges.
  static const std::vector<MemberGroup>& Groups();
  // Makes them, and starts two members of each.
  absl::Status Begin(const Client& client);

  // Some member is killed, leaves, or joins. The broker runs, or nobody leaves.
  void Change(SimRandom* random, bool broker_runs);
  // Every member leaves.
  void LeaveAll();
  // What they have reported is in the ledger after its Sync().
  ProcessFleet& processes() { return fleet_; }

 private:
  struct Process {
    int64_t number = 0;
    const MemberGroup* group = nullptr;
    std::string instance_id;
  };

  void Start(const MemberGroup& group, const std::string& instance_id);
  void Kill(size_t index);
  void Leave(size_t index);
  void Forget(size_t index);

  const std::string program_;
  const std::string address_;
  const std::string topic_;
  ConsumptionLedger* const ledger_;
  std::vector<Process> processes_;
  ProcessFleet fleet_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_MEMBER_FLEET_H_
