// ProduceDecoder: a ProduceRequest out of a gRPC message, its record batch by reference: first how
// much memory it takes, then, when that is reserved, the request. One thread at a time.
#ifndef WEIR_BROKER_RPC_PRODUCE_DECODER_H_
#define WEIR_BROKER_RPC_PRODUCE_DECODER_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/base/bytes.h"
#include "weir/v1/log.pb.h"

namespace weir {

struct DecodedProduce {
  v1::ProduceRequest fields;  // everything but record_batch
  // Borrowed from the message's buffers, which it keeps alive.
  std::optional<SharedBytes> record_batch;
};

class ProduceDecoder {
 public:
  // `buffer` outlives it.
  explicit ProduceDecoder(const grpc::ByteBuffer* buffer);

  // Walks the message, decoding nothing; call first. INVALID_REQUEST: not a ProduceRequest, more
  // than one payload, or one that takes too much memory.
  absl::Status Look();

  // After Look, also one that failed, if it came so far: the request's client_tag, or 0.
  uint64_t client_tag() const { return client_tag_; }
  // After Look: for the message, the decoded request and the batches that are made of it.
  int64_t memory_bytes() const { return memory_bytes_; }

  // After a Look that succeeded. INVALID_REQUEST: not a ProduceRequest. UNSUPPORTED_FIELD: a field
  // or enum value that this broker does not know, at any depth; nothing a producer asks for is
  // dropped in silence.
  absl::StatusOr<DecodedProduce> Decode() const;

 private:
  struct Range {
    size_t tag = 0;  // where the field's tag begins
    size_t begin = 0;
    size_t size = 0;
  };

  // Finds the record_batch field, if there is one, and the client's tag.
  absl::Status FindFields();

  const grpc::ByteBuffer* buffer_;
  SharedBytes message_;
  std::optional<Range> batch_;
  uint64_t client_tag_ = 0;
  int64_t memory_bytes_ = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_PRODUCE_DECODER_H_
