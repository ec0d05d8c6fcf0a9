// JobPlan: what is to become of a job, by its value alone ("producer#number#..."), so that workers
// and whoever judges them agree. Pure functions.
#ifndef WEIR_TESTS_FAULT_JOB_PLAN_H_
#define WEIR_TESTS_FAULT_JOB_PLAN_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

enum class JobPlan {
  kAccept,
  kFlaky,      // fails once, then it is accepted
  kUncounted,  // comes back a few times without counting, then it is accepted
  kFail,       // fails until its attempts are used up
  kReject,
};

JobPlan PlanOf(absl::string_view value);
bool IsPoison(JobPlan plan);
// The key of the record: the text before its value's first '#'.
std::string KeyOf(absl::string_view value);

}  // namespace weir

#endif  // WEIR_TESTS_FAULT_JOB_PLAN_H_
