// What the calls do that make, change and show groups. They wait for the group's shard and, where
// they look into logs, for the disk: on the admin executor only. Each fills the response of its
// call.
#ifndef WEIR_BROKER_RPC_GROUP_ADMIN_CALLS_H_
#define WEIR_BROKER_RPC_GROUP_ADMIN_CALLS_H_

#include "absl/status/status.h"
#include "broker/rpc/services.h"
#include "weir/v1/group.pb.h"

namespace weir {

absl::Status CreateGroup(const Services& services, const v1::CreateGroupRequest& request,
                         v1::CreateGroupResponse* response);
absl::Status AlterGroup(const Services& services, const v1::AlterGroupRequest& request,
                        v1::AlterGroupResponse* response);
absl::Status ListGroups(const Services& services, const v1::ListGroupsRequest& request,
                        v1::ListGroupsResponse* response);
absl::Status DeleteGroup(const Services& services, const v1::DeleteGroupRequest& request,
                         v1::DeleteGroupResponse* response);
absl::Status PauseGroup(const Services& services, const v1::PauseGroupRequest& request,
                        v1::PauseGroupResponse* response);
absl::Status ResumeGroup(const Services& services, const v1::ResumeGroupRequest& request,
                         v1::ResumeGroupResponse* response);

// Members, and for every partition that the group reads or has read: who owns it, how far it is,
// and what is unread.
absl::Status DescribeGroup(const Services& services, const v1::DescribeGroupRequest& request,
                           v1::DescribeGroupResponse* response);

absl::Status ResetOffsets(const Services& services, const v1::ResetOffsetsRequest& request,
                          v1::ResetOffsetsResponse* response);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_GROUP_ADMIN_CALLS_H_
