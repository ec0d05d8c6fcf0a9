#include "tests/fault/job_drain.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tests/fault/job_audit.h"
#include "tests/fault/job_plan.h"
#include "tests/fault/worker_fleet.h"
#include "weir/worker.h"

namespace weir {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(60);

// One that keeps to the plan of its jobs, and remembers them.
class Drain {
 public:
  Drain(const Client& client, const std::string& group)
      : worker_(client, {.group = group, .name = "drain"},
                [this](const Job& job) { return Do(job); }) {}

  absl::Status Stop() { return worker_.Stop(kPatience); }
  std::set<JobId> handed() const {
    absl::MutexLock lock(&mu_);
    return handed_;
  }

 private:
  JobResult Do(const Job& job) {
    {
      absl::MutexLock lock(&mu_);
      handed_.insert({.partition = job.partition.value(), .offset = job.record.offset.value()});
    }
    switch (PlanOf(job.record.value.value_or(""))) {
      case JobPlan::kFail:
        return JobResult::Release("it is to fail");
      case JobPlan::kReject:
        return JobResult::Reject("it is to be rejected");
      default:
        return JobResult::Accept();
    }
  }

  mutable absl::Mutex mu_;
  std::set<JobId> handed_ ABSL_GUARDED_BY(mu_);
  Worker worker_;
};

std::string DrainAndCheck(const Client& client, const std::string& topic, const JobGroup& group,
                          const std::set<JobId>& finished, std::set<JobId> asked,
                          const std::set<std::string>& killed) {
  Drain drain(client, group.name);
  absl::Status status = JobAudit::AwaitAllDone(client, group.name);
  if (status.ok()) status = drain.Stop();
  if (!status.ok()) return status.ToString();
  for (const JobId& job : drain.handed()) {
    if (finished.contains(job))
      return absl::StrCat("group ", group.name, ": job ", job.offset, " of partition ",
                          job.partition, " was finished, and is handed out");
    asked.insert(job);
  }
  const absl::StatusOr<JobAudit> audit = JobAudit::Read(client, topic, group);
  return audit.ok() ? audit->Wrong(asked, killed) : audit.status().ToString();
}

// Of a group; empty when nothing is known.
std::set<JobId> Of(const JobLedger::Jobs& jobs, const std::string& group) {
  const auto found = jobs.find(group);
  return found == jobs.end() ? std::set<JobId>() : found->second;
}

}  // namespace

std::string DrainAndCheck(const Client& client, const std::string& topic, const JobsKnown& known) {
  for (const JobGroup& group : WorkerFleet::Groups()) {
    std::string wrong = DrainAndCheck(client, topic, group, Of(known.finished, group.name),
                                      Of(known.asked, group.name), known.killed);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace weir
