// The messages of Work as bytes. Pure functions, any thread.
#ifndef WEIR_CLIENT_SRC_WORK_WIRE_H_
#define WEIR_CLIENT_SRC_WORK_WIRE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "storage/base/bytes.h"
#include "weir/v1/share.pb.h"

namespace weir::client {

inline constexpr char kWork[] = "/weir.v1.ShareService/Work";

// INTERNAL when the message is no WorkResponse. The batches in it are copied once, from the pieces
// in which they came.
absl::StatusOr<std::shared_ptr<const v1::WorkResponse>> DecodeWork(const SharedBytes& message);

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_WORK_WIRE_H_
