// DecodeProduce: a ProduceRequest out of a gRPC message, its record batch by reference. Pure
// function, any thread.
#ifndef WEIR_BROKER_RPC_PRODUCE_DECODER_H_
#define WEIR_BROKER_RPC_PRODUCE_DECODER_H_

#include <grpcpp/support/byte_buffer.h>

#include <optional>

#include "absl/status/status.h"
#include "storage/base/bytes.h"
#include "weir/v1/log.pb.h"

namespace weir {

struct DecodedProduce {
  v1::ProduceRequest fields;  // everything but record_batch
  // Borrowed from the message's buffers, which it keeps alive.
  std::optional<SharedBytes> record_batch;
};

// INVALID_REQUEST: not a ProduceRequest, or more than one payload. UNSUPPORTED_FIELD: a field or
// enum value that this broker does not know, at any depth; nothing a producer asks for is dropped
// in silence. After an error `decoded` holds what was understood, perhaps the client_tag.
absl::Status DecodeProduce(const grpc::ByteBuffer& buffer, DecodedProduce* decoded);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_PRODUCE_DECODER_H_
