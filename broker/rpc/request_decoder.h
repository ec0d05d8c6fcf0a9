// DecodeRequest: a request out of a gRPC message within its bounds and the memory budget. For every
// call but produce, which refers to its bytes instead (produce_decoder.h). Pure function, any
// thread.
#ifndef WEIR_BROKER_RPC_REQUEST_DECODER_H_
#define WEIR_BROKER_RPC_REQUEST_DECODER_H_

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>

#include "absl/status/statusor.h"
#include "broker/limits/admission.h"

namespace weir {

// Decodes a message of at most `most_bytes`; gives the memory for it, for working on it, and for an
// answer that says something about each of its elements. INVALID_REQUEST: no such message, or too
// large, as it is or when decoded. OVER_MEMORY_BUDGET. Nothing is allocated before the memory is
// reserved.
absl::StatusOr<Reservation> DecodeRequest(const grpc::ByteBuffer& bytes, int64_t most_bytes,
                                          MemoryShare& memory, google::protobuf::Message* request);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_REQUEST_DECODER_H_
