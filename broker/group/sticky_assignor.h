// The sticky assignor: see Assignor::kSticky.
#ifndef WEIR_BROKER_GROUP_STICKY_ASSIGNOR_H_
#define WEIR_BROKER_GROUP_STICKY_ASSIGNOR_H_

#include "broker/group/assignor.h"

namespace weir {

Assignment AssignSticky(const AssignorInput& input);

}  // namespace weir

#endif  // WEIR_BROKER_GROUP_STICKY_ASSIGNOR_H_
