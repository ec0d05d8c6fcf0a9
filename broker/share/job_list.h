// What people are shown of a share-partition: its numbers, and its jobs one by one. Functions that
// change no job; one strand.
#ifndef WEIR_BROKER_SHARE_JOB_LIST_H_
#define WEIR_BROKER_SHARE_JOB_LIST_H_

#include "absl/status/statusor.h"
#include "broker/share/share_context.h"
#include "broker/share/share_requests.h"

namespace weir {

// Reads the store when jobs are parked, from where it found the first the last time.
ShareProgress ProgressOf(const ShareContext& context, ShareEntry* entry);
ShareJobCounts CountJobs(const ShareEntry& entry);

// Both read the store.
SharePartitionDescription DescribeSharePartition(const ShareContext& context,
                                                 const ShareContext::Known& known);
absl::StatusOr<ListedJobs> ListJobs(const MachineTime& now, const ShareContext& context,
                                    const ShareContext::Known& known,
                                    const ListJobsRequest& request);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_JOB_LIST_H_
