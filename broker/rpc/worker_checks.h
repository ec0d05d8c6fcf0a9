// What calls of workers say of themselves, looked at before anything is done. Pure functions over
// the services, any thread.
#ifndef WEIR_BROKER_RPC_WORKER_CHECKS_H_
#define WEIR_BROKER_RPC_WORKER_CHECKS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "broker/rpc/services.h"

namespace weir {

struct WorkerFacts {
  int64_t max_bytes = 0;  // of one answer
  int64_t ack_timeout_ms = 0;
};

// UNKNOWN_GROUP, GROUP_TYPE_MISMATCH; INVALID_REQUEST.
absl::StatusOr<WorkerFacts> CheckWorker(const Services& services, const std::string& group,
                                        const std::string& worker, int64_t max_bytes);

// INVALID_REQUEST: more than limits::kAckItems acknowledgements or renewals.
absl::Status CheckJobItems(int acknowledgements, int renewals);

}  // namespace weir

#endif  // WEIR_BROKER_RPC_WORKER_CHECKS_H_
