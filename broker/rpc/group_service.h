// GroupService: the door of consumer groups: one function per call. Any thread.
#ifndef WEIR_BROKER_RPC_GROUP_SERVICE_H_
#define WEIR_BROKER_RPC_GROUP_SERVICE_H_

#include "broker/rpc/services.h"
#include "weir/v1/group.grpc.pb.h"

namespace weir {

// Raw: the handler gets the message's bytes, so that nothing is decoded before its memory is
// reserved.
using GroupServiceBase = v1::GroupService::WithRawCallbackMethod_ResetOffsets<
    v1::GroupService::WithRawCallbackMethod_FetchOffsets<
        v1::GroupService::WithRawCallbackMethod_CommitOffsets<
            v1::GroupService::WithRawCallbackMethod_ResumeGroup<
                v1::GroupService::WithRawCallbackMethod_PauseGroup<
                    v1::GroupService::WithRawCallbackMethod_DeleteGroup<
                        v1::GroupService::WithRawCallbackMethod_DescribeGroup<
                            v1::GroupService::WithRawCallbackMethod_ListGroups<
                                v1::GroupService::WithRawCallbackMethod_AlterGroup<
                                    v1::GroupService::WithRawCallbackMethod_CreateGroup<
                                        v1::GroupService::WithRawCallbackMethod_Consume<
                                            v1::GroupService::WithRawCallbackMethod_Join<
                                                v1::GroupService::Service>>>>>>>>>>>>;

class GroupService : public GroupServiceBase {
 public:
  explicit GroupService(const Services* services) : services_(services) {}

  grpc::ServerUnaryReactor* CreateGroup(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* AlterGroup(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListGroups(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DescribeGroup(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteGroup(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* PauseGroup(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ResumeGroup(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Consume(
      grpc::CallbackServerContext* context) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Join(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* CommitOffsets(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* FetchOffsets(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ResetOffsets(grpc::CallbackServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* response) override;

 private:
  const Services* const services_;
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_GROUP_SERVICE_H_
