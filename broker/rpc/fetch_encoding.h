// Fetch answers as gRPC messages in which the batches lie as they were read: the fields around them
// are made by hand, the batches are handed over with their memory. Pure functions, any thread.
#ifndef WEIR_BROKER_RPC_FETCH_ENCODING_H_
#define WEIR_BROKER_RPC_FETCH_ENCODING_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <vector>

#include "broker/partition/partition_read.h"
#include "weir/v1/log.pb.h"

namespace weir {

// `head` (without payload) and the batches of `read`, whose memory goes with the message.
grpc::ByteBuffer EncodeStreamMessage(const v1::FetchStreamResponse& head, PartitionRead read);

// The message of a unary fetch, one partition after another.
class FetchResponseEncoder {
 public:
  // `head` is complete, its payload (if any) inside.
  void Add(const v1::PartitionRecords& head);
  // `head` has no payload; the batches of `read` are it. Their memory goes with the message, but
  // for small ones: these are copied, and the caller gets the reservation to hold.
  Reservation Add(const v1::PartitionRecords& head, PartitionRead read);

  grpc::ByteBuffer Finish();

 private:
  std::vector<grpc::Slice> slices_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_FETCH_ENCODING_H_
