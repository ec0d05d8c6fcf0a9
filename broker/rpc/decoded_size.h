// DecodedBytes: about how much memory a message will take once it is decoded, found by a walk over
// its bytes that allocates nothing; so that it can be reserved, or the message refused, before it
// is decoded. Two bytes can be an element of a hundred. Pure function, any thread.
#ifndef WEIR_BROKER_RPC_DECODED_SIZE_H_
#define WEIR_BROKER_RPC_DECODED_SIZE_H_

#include <google/protobuf/descriptor.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "storage/base/bytes.h"

namespace weir {

// INVALID_REQUEST: the bytes are no message of this type, or would take more than `most`. The walk
// ends there.
absl::StatusOr<int64_t> DecodedBytes(const SharedBytes& message,
                                     const google::protobuf::Descriptor& type, int64_t most);

// The error of bytes that are no message of this type.
absl::Status NotA(const google::protobuf::Descriptor& type);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_DECODED_SIZE_H_
