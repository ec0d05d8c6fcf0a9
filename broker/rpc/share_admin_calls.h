// What the calls do that show and steer the jobs of a share group and its dead letters. They wait
// for shards and for the disk: on the admin executor only. Each fills the response of its call.
// UNKNOWN_GROUP, GROUP_TYPE_MISMATCH, INVALID_GROUP_ID for all of them.
#ifndef WEIR_BROKER_RPC_SHARE_ADMIN_CALLS_H_
#define WEIR_BROKER_RPC_SHARE_ADMIN_CALLS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/rpc/services.h"
#include "broker/share/share_directory.h"
#include "weir/v1/share.pb.h"

namespace weir {

// The share group, with all that it reads opened.
absl::StatusOr<std::shared_ptr<const ShareGroup>> RequireShareGroup(const Services& services,
                                                                    const std::string& group);

absl::Status ListJobs(const Services& services, const v1::ListJobsRequest& request,
                      v1::ListJobsResponse* response);
absl::Status ReleaseJobs(const Services& services, const v1::JobsRequest& request,
                         v1::JobsResponse* response);
absl::Status CancelJobs(const Services& services, const v1::JobsRequest& request,
                        v1::JobsResponse* response);

absl::Status ListDeadLetters(const Services& services, const v1::ListDeadLettersRequest& request,
                             v1::ListDeadLettersResponse* response);
absl::Status Redrive(const Services& services, const v1::RedriveRequest& request,
                     v1::RedriveResponse* response);
absl::Status PurgeDeadLetters(const Services& services, const v1::PurgeDeadLettersRequest& request,
                              v1::PurgeDeadLettersResponse* response);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_SHARE_ADMIN_CALLS_H_
