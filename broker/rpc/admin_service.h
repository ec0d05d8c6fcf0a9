// AdminService: the door of topics, their configuration, and what the broker says about itself. Any
// thread; everything that may wait for a disk runs on the admin executor.
#ifndef WEIR_BROKER_RPC_ADMIN_SERVICE_H_
#define WEIR_BROKER_RPC_ADMIN_SERVICE_H_

#include "broker/rpc/services.h"
#include "weir/v1/admin.grpc.pb.h"

namespace weir {

class AdminService : public v1::AdminService::CallbackService {
 public:
  explicit AdminService(const Services* services) : services_(services) {}

  grpc::ServerUnaryReactor* CreateTopic(grpc::CallbackServerContext* context,
                                        const v1::CreateTopicRequest* request,
                                        v1::CreateTopicResponse* response) override;
  grpc::ServerUnaryReactor* ListTopics(grpc::CallbackServerContext* context,
                                       const v1::ListTopicsRequest* request,
                                       v1::ListTopicsResponse* response) override;
  grpc::ServerUnaryReactor* DescribeTopic(grpc::CallbackServerContext* context,
                                          const v1::DescribeTopicRequest* request,
                                          v1::DescribeTopicResponse* response) override;
  grpc::ServerUnaryReactor* AlterTopicConfig(grpc::CallbackServerContext* context,
                                             const v1::AlterTopicConfigRequest* request,
                                             v1::AlterTopicConfigResponse* response) override;
  grpc::ServerUnaryReactor* AddPartitions(grpc::CallbackServerContext* context,
                                          const v1::AddPartitionsRequest* request,
                                          v1::AddPartitionsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteTopic(grpc::CallbackServerContext* context,
                                        const v1::DeleteTopicRequest* request,
                                        v1::DeleteTopicResponse* response) override;
  grpc::ServerUnaryReactor* DeleteRecords(grpc::CallbackServerContext* context,
                                          const v1::DeleteRecordsRequest* request,
                                          v1::DeleteRecordsResponse* response) override;
  grpc::ServerUnaryReactor* DescribeBroker(grpc::CallbackServerContext* context,
                                           const v1::DescribeBrokerRequest* request,
                                           v1::DescribeBrokerResponse* response) override;
  grpc::ServerUnaryReactor* SetLogLevel(grpc::CallbackServerContext* context,
                                        const v1::SetLogLevelRequest* request,
                                        v1::SetLogLevelResponse* response) override;

 private:
  const Services* const services_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_ADMIN_SERVICE_H_
