// What people are shown of a share-partition: its numbers, and its jobs one by one. Functions that
// change nothing; one strand.
#ifndef WEIR_BROKER_SHARE_JOB_LIST_H_
#define WEIR_BROKER_SHARE_JOB_LIST_H_

#include "absl/status/statusor.h"
#include "broker/share/share_context.h"
#include "broker/share/share_requests.h"

namespace weir {

// Both read the store.
SharePartitionDescription DescribeSharePartition(const ShareContext& context,
                                                 const ShareContext::Known& known);
absl::StatusOr<ListedJobs> ListJobs(const MachineTime& now, const ShareContext& context,
                                    const ShareContext::Known& known,
                                    const ListJobsRequest& request);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_JOB_LIST_H_
