// AcknowledgeJobs: what workers say about jobs, brought to the machines of the share-partitions
// that are named, and their answers put together again. Pure function over the services, any
// thread.
#ifndef WEIR_BROKER_RPC_JOB_ACKNOWLEDGEMENT_H_
#define WEIR_BROKER_RPC_JOB_ACKNOWLEDGEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "broker/rpc/services.h"
#include "weir/v1/share.pb.h"

namespace weir {

struct JobAnswers {
  std::vector<v1::AcknowledgeResult> acknowledged;  // one for each item, in their order
  std::vector<v1::AcknowledgeResult> renewed;       // likewise
  int64_t settled = 0;  // jobs that the worker holds no more, whatever became of them
};

// Calls `done` once, on this thread or a shard's strand, when all that was taken is durable. An
// item that is refused says so in its own answer; nothing fails as a whole.
void AcknowledgeJobs(
    const Services& services, const std::string& group,
    const google::protobuf::RepeatedPtrField<v1::Acknowledgement>& acknowledgements,
    const google::protobuf::RepeatedPtrField<v1::Renewal>& renewals,
    absl::AnyInvocable<void(JobAnswers)> done);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_JOB_ACKNOWLEDGEMENT_H_
