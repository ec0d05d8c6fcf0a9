// DescribeShareGroup: what a share group reads, and how its share-partitions are. Waits for shards
// and, where it looks into logs, for the disk: on the admin executor only.
#ifndef WEIR_BROKER_RPC_DESCRIBE_SHARE_GROUP_H_
#define WEIR_BROKER_RPC_DESCRIBE_SHARE_GROUP_H_

#include "absl/status/status.h"
#include "broker/group/group.h"
#include "broker/rpc/services.h"
#include "weir/v1/group.pb.h"

namespace weir {

// Fills what only share groups have. INVALID_PAGE_TOKEN, INVALID_REQUEST (page_size).
absl::Status DescribeShareGroup(const Services& services, const GroupHead& head,
                                const v1::DescribeGroupRequest& request,
                                v1::DescribeGroupResponse* response);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_DESCRIBE_SHARE_GROUP_H_
