// What a Status looks like to a caller: weir.v1.Error, and the reason row behind it. Pure
// functions, any thread.
#ifndef WEIR_BROKER_RPC_ERROR_ENCODING_H_
#define WEIR_BROKER_RPC_ERROR_ENCODING_H_

#include "absl/status/status.h"
#include "weir/v1/common.pb.h"

namespace weir {

// `status` is not OK. One that carries no reason of the error table becomes INTERNAL.
v1::Error EncodeError(const absl::Status& status);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_ERROR_ENCODING_H_
