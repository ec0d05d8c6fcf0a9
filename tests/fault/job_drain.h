// What a broker makes of a share group's jobs that was started from a disk as a power cut left it:
// what is left of them is done, by a worker that keeps to their plan, and held against what was
// known.
#ifndef WEIR_TESTS_FAULT_JOB_DRAIN_H_
#define WEIR_TESTS_FAULT_JOB_DRAIN_H_

#include <set>
#include <string>

#include "tests/fault/job_ledger.h"
#include "weir/client.h"

namespace weir {

struct JobsKnown {
  JobLedger::Jobs finished;      // for good, by an answer that came before the cut began
  JobLedger::Jobs asked;         // somebody has said he accepts them, before the cut was over
  std::set<std::string> killed;  // workers
};

// Does all jobs of the groups of WorkerFleet, which read `topic`. Nothing that is finished is
// handed out again, and in the end JobAudit finds nothing wrong. Empty when all is right.
std::string DrainAndCheck(const Client& client, const std::string& topic, const JobsKnown& known);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_JOB_DRAIN_H_
