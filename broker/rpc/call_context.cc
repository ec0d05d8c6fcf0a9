#include "broker/rpc/call_context.h"

#include <grpc/support/time.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <string>

#include "broker/rpc/error_encoding.h"
#include "storage/base/error.h"

namespace weir {

absl::Duration TimeLeft(const grpc::CallbackServerContext& context) {
  const gpr_timespec deadline = context.raw_deadline();
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0)
    return absl::InfiniteDuration();
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  return absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

grpc::Status EndStatus(grpc::CallbackServerContext* context, const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  if (absl::IsCancelled(status))
    return grpc::Status(grpc::StatusCode::CANCELLED, std::string(status.message()));
  const v1::Error error = EncodeError(status);
  context->AddTrailingMetadata("weir-error-bin", error.SerializeAsString());
  context->AddTrailingMetadata("weir-reason", error.reason());
  const absl::StatusCode code = InfoOf(ReasonOf(status).value_or(Reason::kInternal)).code;
  return grpc::Status(static_cast<grpc::StatusCode>(code),
                      error.message());  // the codes are numbered alike
}

grpc::ByteBuffer ToByteBuffer(const google::protobuf::MessageLite& message) {
  grpc::Slice slice(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(const_cast<uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

bool FromByteBuffer(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite* message) {
  message->Clear();
  if (!bytes.Valid() || bytes.Length() == 0) return true;
  grpc::ByteBuffer shared = bytes;
  grpc::ProtoBufferReader reader(&shared);
  return reader.status().ok() && message->ParseFromZeroCopyStream(&reader);
}

}  // namespace weir
