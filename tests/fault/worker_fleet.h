// WorkerFleet: the processes that are workers of share groups: started, made to leave, killed with
// -9. What they report goes into a ledger. Killed with this object. One thread.
#ifndef WEIR_TESTS_FAULT_WORKER_FLEET_H_
#define WEIR_TESTS_FAULT_WORKER_FLEET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/fault/job_ledger.h"
#include "tests/fault/process_fleet.h"
#include "tests/support/sim_random.h"
#include "weir/client.h"

namespace weir {

class WorkerFleet {
 public:
  // `program`: of job_process.h. The ledger outlives the fleet.
  WorkerFleet(std::string program, std::string address, JobLedger* ledger);

  // One without order, with workers of both kinds, and one with order=key.
  static const std::vector<JobGroup>& Groups();
  // Makes them, to read `topic`, and starts their workers.
  absl::Status Begin(const Client& client, const std::string& topic);

  // Some worker is killed and another comes, or one leaves and another comes. The broker runs, or
  // nobody leaves.
  void Change(SimRandom* random, bool broker_runs);
  // Every worker leaves.
  void LeaveAll();
  // What they have reported is in the ledger after its Sync().
  ProcessFleet& processes() { return fleet_; }

 private:
  struct Process {
    int64_t number = 0;
    const JobGroup* group = nullptr;
    std::string kind;
  };

  void Start(const JobGroup& group, const std::string& kind);
  void End(size_t index, bool kill);

  const std::string program_;
  const std::string address_;
  JobLedger* const ledger_;
  std::vector<Process> processes_;
  ProcessFleet fleet_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_WORKER_FLEET_H_
