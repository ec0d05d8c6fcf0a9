// AdminService: the door of topics, their configuration, and what the broker says about itself. Any
// thread; everything that may wait for a disk runs on the admin executor.
#ifndef WEIR_BROKER_RPC_ADMIN_SERVICE_H_
#define WEIR_BROKER_RPC_ADMIN_SERVICE_H_

#include "broker/rpc/services.h"
#include "weir/v1/admin.grpc.pb.h"

namespace weir {

// Raw: the handler gets the message's bytes, so that nothing is decoded before its memory is
// reserved.
using AdminServiceBase = v1::AdminService::WithRawCallbackMethod_CreateTopic<
    v1::AdminService::WithRawCallbackMethod_ListTopics<
        v1::AdminService::WithRawCallbackMethod_DescribeTopic<
            v1::AdminService::WithRawCallbackMethod_AlterTopicConfig<
                v1::AdminService::WithRawCallbackMethod_AddPartitions<
                    v1::AdminService::WithRawCallbackMethod_DeleteTopic<
                        v1::AdminService::WithRawCallbackMethod_DeleteRecords<
                            v1::AdminService::WithRawCallbackMethod_DescribeBroker<
                                v1::AdminService::WithRawCallbackMethod_SetLogLevel<
                                    v1::AdminService::Service>>>>>>>>>;

class AdminService : public AdminServiceBase {
 public:
  explicit AdminService(const Services* services) : services_(services) {}

  grpc::ServerUnaryReactor* CreateTopic(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListTopics(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DescribeTopic(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* AlterTopicConfig(grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* AddPartitions(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteTopic(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteRecords(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DescribeBroker(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetLogLevel(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;

 private:
  const Services* const services_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_ADMIN_SERVICE_H_
