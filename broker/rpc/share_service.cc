#include "broker/rpc/share_service.h"

#include <utility>

#include "broker/rpc/acquire_call.h"
#include "broker/rpc/job_acknowledgement.h"
#include "broker/rpc/share_admin_calls.h"
#include "broker/rpc/unary_call.h"
#include "broker/rpc/work_stream.h"
#include "broker/rpc/worker_checks.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

absl::Status Acknowledge(const Services& services, const v1::AcknowledgeRequest& request,
                         v1::AcknowledgeResponse* response, UnaryCall* call) {
  WEIR_RETURN_IF_ERROR(CheckGroups(services));
  WEIR_RETURN_IF_ERROR(CheckWorker(services, request.group(), /*worker=*/"", 0).status());
  WEIR_RETURN_IF_ERROR(CheckJobItems(request.acknowledge_size(), request.renew_size()));
  AcknowledgeJobs(services, request.group(), request.acknowledge(), request.renew(),
                  [response, call](JobAnswers answers) {
                    for (v1::AcknowledgeResult& result : answers.acknowledged)
                      *response->add_acknowledged() = std::move(result);
                    for (v1::AcknowledgeResult& result : answers.renewed)
                      *response->add_renewed() = std::move(result);
                    call->End(absl::OkStatus());
                  });
  return absl::OkStatus();
}

constexpr UnaryCall::Kind kAdmin = {.counted_as = Call::kShareAdmin,
                                    .most_bytes = limits::kSmallRequestBytes};

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ShareService::Work(
    grpc::CallbackServerContext* context) {
  return new WorkStream(services_, context);
}

grpc::ServerUnaryReactor* ShareService::Acquire(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return new AcquireCall(services_, {context, request, response});
}

grpc::ServerUnaryReactor* ShareService::Acknowledge(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return UnaryCall::Run(
      services_, {context, request, response},
      {.counted_as = Call::kAcknowledge, .most_bytes = limits::kCommitRequestBytes},
      weir::Acknowledge);
}

grpc::ServerUnaryReactor* ShareService::ListJobs(grpc::CallbackServerContext* context,
                                                 const grpc::ByteBuffer* request,
                                                 grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::ListJobs);
}

grpc::ServerUnaryReactor* ShareService::ReleaseJobs(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::ReleaseJobs);
}

grpc::ServerUnaryReactor* ShareService::CancelJobs(grpc::CallbackServerContext* context,
                                                   const grpc::ByteBuffer* request,
                                                   grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::CancelJobs);
}

grpc::ServerUnaryReactor* ShareService::ListDeadLetters(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin,
                               weir::ListDeadLetters);
}

grpc::ServerUnaryReactor* ShareService::Redrive(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* request,
                                                grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin, weir::Redrive);
}

grpc::ServerUnaryReactor* ShareService::PurgeDeadLetters(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request,
                                                         grpc::ByteBuffer* response) {
  return UnaryCall::RunOnAdmin(services_, {context, request, response}, kAdmin,
                               weir::PurgeDeadLetters);
}

}  // namespace weir
