// What every call needs from gRPC's context: how much time the caller gives, and how an error goes
// back. Pure functions over the context, which one thread at a time uses.
#ifndef WEIR_BROKER_RPC_CALL_CONTEXT_H_
#define WEIR_BROKER_RPC_CALL_CONTEXT_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace weir {

// Until the caller's deadline; absl::InfiniteDuration() without one.
absl::Duration TimeLeft(const grpc::CallbackServerContext& context);

// The status that ends the call. An error adds the trailers "weir-error-bin" and "weir-reason".
// CANCELLED stays without them: nobody listens.
grpc::Status EndStatus(grpc::CallbackServerContext* context, const absl::Status& status);

// The message as gRPC sends it.
grpc::ByteBuffer ToByteBuffer(const google::protobuf::MessageLite& message);

// False when the bytes are not such a message.
bool FromByteBuffer(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_CALL_CONTEXT_H_
