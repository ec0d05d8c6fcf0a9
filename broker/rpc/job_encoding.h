// Jobs as messages: their records decoded, or the batches that hold them as they were read, without
// copying them. Pure functions, any thread.
#ifndef WEIR_BROKER_RPC_JOB_ENCODING_H_
#define WEIR_BROKER_RPC_JOB_ENCODING_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include <cstdint>
#include <vector>

#include "broker/rpc/job_delivery.h"
#include "weir/v1/share.pb.h"

namespace weir {

struct PlainJobs {
  std::vector<v1::Delivery> deliveries;
  int64_t bytes = 0;  // of the records
  // Jobs whose batches cannot be decoded, and why; they are in no delivery.
  std::vector<AcquiredJobs> unreadable;
  absl::Status why;
};

// The jobs with their records, in deliveries of at most `max_bytes`; one with a single record may
// be larger. Checks each batch's CRC.
PlainJobs EncodePlainJobs(const JobDelivery& delivery, int64_t max_bytes);

// What somebody else than the worker says of a delivery's jobs.
void AddAcknowledgement(const JobDelivery& delivery, const AcquiredJobs& jobs,
                        v1::AcknowledgeType type, absl::string_view error,
                        google::protobuf::RepeatedPtrField<v1::Acknowledgement>* to);

// The field `deliveries`, which WorkResponse and AcquireResponse both have as field 2, with the
// batches that hold the jobs; their memory goes with the slices.
void AppendBatchJobs(const JobDelivery& delivery, std::vector<grpc::Slice>* slices);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_JOB_ENCODING_H_
