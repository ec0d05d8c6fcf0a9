// GroupService: the door of consumer groups: one function per call. Any thread.
#ifndef WEIR_BROKER_RPC_GROUP_SERVICE_H_
#define WEIR_BROKER_RPC_GROUP_SERVICE_H_

#include "broker/rpc/services.h"
#include "weir/v1/group.grpc.pb.h"

namespace weir {

class GroupService : public v1::GroupService::CallbackService {
 public:
  explicit GroupService(const Services* services) : services_(services) {}

  grpc::ServerUnaryReactor* CreateGroup(grpc::CallbackServerContext* context,
                                        const v1::CreateGroupRequest* request,
                                        v1::CreateGroupResponse* response) override;
  grpc::ServerUnaryReactor* AlterGroup(grpc::CallbackServerContext* context,
                                       const v1::AlterGroupRequest* request,
                                       v1::AlterGroupResponse* response) override;
  grpc::ServerUnaryReactor* ListGroups(grpc::CallbackServerContext* context,
                                       const v1::ListGroupsRequest* request,
                                       v1::ListGroupsResponse* response) override;
  grpc::ServerUnaryReactor* DescribeGroup(grpc::CallbackServerContext* context,
                                          const v1::DescribeGroupRequest* request,
                                          v1::DescribeGroupResponse* response) override;
  grpc::ServerUnaryReactor* DeleteGroup(grpc::CallbackServerContext* context,
                                        const v1::DeleteGroupRequest* request,
                                        v1::DeleteGroupResponse* response) override;
  grpc::ServerUnaryReactor* PauseGroup(grpc::CallbackServerContext* context,
                                       const v1::PauseGroupRequest* request,
                                       v1::PauseGroupResponse* response) override;
  grpc::ServerUnaryReactor* ResumeGroup(grpc::CallbackServerContext* context,
                                        const v1::ResumeGroupRequest* request,
                                        v1::ResumeGroupResponse* response) override;
  grpc::ServerBidiReactor<v1::ConsumeRequest, v1::ConsumeResponse>* Consume(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<v1::JoinRequest, v1::JoinResponse>* Join(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* CommitOffsets(grpc::CallbackServerContext* context,
                                          const v1::CommitOffsetsRequest* request,
                                          v1::CommitOffsetsResponse* response) override;
  grpc::ServerUnaryReactor* FetchOffsets(grpc::CallbackServerContext* context,
                                         const v1::FetchOffsetsRequest* request,
                                         v1::FetchOffsetsResponse* response) override;
  grpc::ServerUnaryReactor* ResetOffsets(grpc::CallbackServerContext* context,
                                         const v1::ResetOffsetsRequest* request,
                                         v1::ResetOffsetsResponse* response) override;

 private:
  const Services* const services_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_GROUP_SERVICE_H_
