// ShareService: the door of share groups: one function per call. Any thread.
#ifndef WEIR_BROKER_RPC_SHARE_SERVICE_H_
#define WEIR_BROKER_RPC_SHARE_SERVICE_H_

#include "broker/rpc/services.h"
#include "weir/v1/share.grpc.pb.h"

namespace weir {

// Raw: the handler gets the message's bytes, so that nothing is decoded before its memory is
// reserved.
using ShareServiceBase = v1::ShareService::WithRawCallbackMethod_PurgeDeadLetters<
    v1::ShareService::WithRawCallbackMethod_Redrive<
        v1::ShareService::WithRawCallbackMethod_ListDeadLetters<
            v1::ShareService::WithRawCallbackMethod_CancelJobs<
                v1::ShareService::WithRawCallbackMethod_ReleaseJobs<
                    v1::ShareService::WithRawCallbackMethod_ListJobs<
                        v1::ShareService::WithRawCallbackMethod_Acknowledge<
                            v1::ShareService::WithRawCallbackMethod_Acquire<
                                v1::ShareService::WithRawCallbackMethod_Work<
                                    v1::ShareService::Service>>>>>>>>>;

class ShareService : public ShareServiceBase {
 public:
  explicit ShareService(const Services* services) : services_(services) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Work(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Acquire(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Acknowledge(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListJobs(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ReleaseJobs(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CancelJobs(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListDeadLetters(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Redrive(grpc::CallbackServerContext* context,
                                    const grpc::ByteBuffer* request,
                                    grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* PurgeDeadLetters(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;

 private:
  const Services* const services_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_SHARE_SERVICE_H_
