// AcquireCall: one Acquire call: jobs for a worker that lives by single calls, waited for if need
// be. Deletes itself when the call is over, and when nothing it has asked for is under way. Guarded
// by mu_.
#ifndef WEIR_BROKER_RPC_ACQUIRE_CALL_H_
#define WEIR_BROKER_RPC_ACQUIRE_CALL_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/slice.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "broker/limits/admission.h"
#include "broker/rpc/call_registry.h"
#include "broker/rpc/services.h"
#include "broker/rpc/unary_call.h"
#include "broker/rpc/worker_session.h"
#include "weir/v1/share.pb.h"

namespace weir {

class AcquireCall : public grpc::ServerUnaryReactor, public LongCall, public WorkerSession::Owner {
 public:
  AcquireCall(const Services* services, RawCall raw);

  void Stop() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnJobs(JobDelivery delivery) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnEnd(const absl::Status& why) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone() override ABSL_LOCKS_EXCLUDED(mu_);

  absl::Status Begin() ABSL_LOCKS_EXCLUDED(mu_);
  void WaitUntil(absl::Duration deadline) ABSL_LOCKS_EXCLUDED(mu_);
  // The records of the delivery, as the worker wants them.
  void PutJobs(const JobDelivery& delivery) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Says of jobs what the worker does not: they did not fit, or nobody hears of them any more.
  void SayOf(const JobDelivery& delivery, const std::vector<AcquiredJobs>& jobs,
             v1::AcknowledgeType type, const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Does something without the session's lock, under which the owner is called.
  void Post(absl::AnyInvocable<void()> work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Release() ABSL_LOCKS_EXCLUDED(mu_);

  const Services* const services_;
  const RawCall raw_;
  const absl::Duration start_;
  v1::AcquireRequest request_;
  int64_t max_bytes_ = 0;
  int64_t ack_timeout_ms_ = 0;
  std::shared_ptr<WorkerSession> session_;  // null: the call was refused

  absl::Mutex mu_;
  std::vector<JobDelivery> got_ ABSL_GUARDED_BY(mu_);  // what the answer holds
  std::vector<grpc::Slice> slices_ ABSL_GUARDED_BY(mu_);
  Reservation memory_ ABSL_GUARDED_BY(mu_);  // for slices_
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;   // of records in slices_
  Waiters::Handle wait_ ABSL_GUARDED_BY(mu_);
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  int asked_ ABSL_GUARDED_BY(mu_) = 1;  // what is under way and refers to this; gRPC too
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_ACQUIRE_CALL_H_
