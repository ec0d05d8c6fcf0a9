// The range assignor: see Assignor::kRange.
#ifndef WEIR_BROKER_GROUP_RANGE_ASSIGNOR_H_
#define WEIR_BROKER_GROUP_RANGE_ASSIGNOR_H_

#include "broker/group/assignor.h"

namespace weir {

Assignment AssignRange(const AssignorInput& input);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_RANGE_ASSIGNOR_H_
