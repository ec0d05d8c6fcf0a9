#include "tests/fault/job_plan.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "storage/base/check.h"

namespace weir {

JobPlan PlanOf(absl::string_view value) {
  const std::vector<absl::string_view> parts = absl::StrSplit(value, '#');
  int64_t number = 0;
  WEIR_CHECK(parts.size() == 3 && absl::SimpleAtoi(parts[1], &number));
  switch (number % 16) {
    case 2:
      return JobPlan::kReject;
    case 6:
      return JobPlan::kFail;
    case 10:
      return JobPlan::kFlaky;
    case 14:
      return JobPlan::kUncounted;
    default:
      return JobPlan::kAccept;
  }
}

bool IsPoison(JobPlan plan) { return plan == JobPlan::kFail || plan == JobPlan::kReject; }

std::string KeyOf(absl::string_view value) { return std::string(value.substr(0, value.find('#'))); }

}  // namespace weir
