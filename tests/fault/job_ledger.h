// JobLedger: what workers of share groups were handed and said, and what they were told, by their
// own reports, and what of it can be right. It says what was wrong first:
// - a job whose acceptance or rejection was answered OK is not handed out after it, nor finished
//   again;
// - a delivery count counts the releases that were answered OK, and is never more than the group
//   allows; no acquisition is two workers';
// - with order=key all acquisitions of a job come before those of the later jobs of its key, and
//   of the jobs of a key none is handed out while a living worker has one.
// Acquisitions are compared by their tokens, so that a report which comes late proves nothing
// wrong. Any thread; guarded by mu_.
#ifndef WEIR_TESTS_FAULT_JOB_LEDGER_H_
#define WEIR_TESTS_FAULT_JOB_LEDGER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/fault/job_plan.h"
#include "tests/fault/job_report.h"

namespace weir {

struct JobGroup {
  std::string name;
  bool keyed = false;
  int32_t max_attempts = 0;
};

class JobLedger {
 public:
  using Jobs = std::map<std::string, std::set<JobId>>;  // by group

  // A process begins as a worker of `group`, which outlives the ledger.
  void Start(int64_t worker, const JobGroup* group) ABSL_LOCKS_EXCLUDED(mu_);
  // It is about to be killed, or to leave: what it has may be given to others.
  void NoteEnding(int64_t worker, bool killed) ABSL_LOCKS_EXCLUDED(mu_);
  // The broker is about to begin the life with this epoch.
  void NoteLife(int32_t epoch) ABSL_LOCKS_EXCLUDED(mu_);
  void Take(const JobReport& report) ABSL_LOCKS_EXCLUDED(mu_);

  // Jobs that are done for good, by an answer; and those that anybody has said he accepts.
  Jobs finished() const ABSL_LOCKS_EXCLUDED(mu_);
  Jobs asked() const ABSL_LOCKS_EXCLUDED(mu_);
  // Names of the workers that were killed.
  std::set<std::string> killed() const ABSL_LOCKS_EXCLUDED(mu_);

  // How many jobs of `group` are done for good, by an answer.
  int64_t ends(const std::string& group) const ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until so many are, or something is wrong.
  void AwaitEnds(const std::string& group, int64_t count) const ABSL_LOCKS_EXCLUDED(mu_);

  struct Totals {
    int64_t handed_out = 0;
    int64_t accepted = 0;
    int64_t rejected = 0;
    int64_t released = 0;
    int64_t late = 0;  // acceptances of an earlier life of the broker that counted
    int64_t lost = 0;
  };
  Totals totals() const ABSL_LOCKS_EXCLUDED(mu_);
  // Empty when nothing was.
  std::string wrong() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Outcome = JobReport::Outcome;

  struct Hand {
    JobToken token;
    int64_t worker = 0;
    int32_t delivery_count = 0;
  };
  // An end that was answered OK in the life with this epoch, or an earlier one.
  struct End {
    JobToken token;
    int32_t life = 0;
  };
  struct Job {
    std::vector<Hand> hands;
    std::vector<JobToken> counted;  // releases
    std::optional<End> end;
    bool asked = false;  // somebody has said he accepts it
  };
  // Jobs of one key, by offset: their first and last acquisition; and who has them.
  struct Line {
    std::map<int64_t, std::pair<JobToken, JobToken>> jobs;
    std::map<std::pair<int64_t, int64_t>, JobToken> holders;  // by offset and worker
  };
  struct Group {
    const JobGroup* facts = nullptr;
    std::map<JobId, Job> jobs;
    std::map<std::pair<int32_t, std::string>, Line> lines;  // by partition and key
    std::map<JobId, std::string> keys;
    int64_t ends = 0;
  };
  struct Worker {
    std::string group;
    bool lives = true;
  };

  void TakeHanded(const JobReport& report, bool lives, Group* group)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeOrder(const JobReport& report, bool lives, Group* group)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeAnswer(const JobReport& report, Group* group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CheckEnd(const std::string& who, const Job& job, const Hand& hand)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void CheckCount(const std::string& who, const Job& job, const Hand& hand)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Wrong(const std::string& what) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  int32_t life_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<std::string, Group> groups_ ABSL_GUARDED_BY(mu_);
  std::map<int64_t, Worker> workers_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> killed_ ABSL_GUARDED_BY(mu_);
  Totals totals_ ABSL_GUARDED_BY(mu_);
  std::string wrong_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_JOB_LEDGER_H_
