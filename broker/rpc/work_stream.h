// WorkStream: one Work call: a worker's session with a share group over one stream. Jobs come as
// long as the worker has credits and takes what was sent; acknowledgements are answered in their
// order, when they are durable. It does not read on while too many of them are unanswered.
//
// Deletes itself when the call is over, and when nothing it has asked for is under way. Guarded by
// mu_.
#ifndef WEIR_BROKER_RPC_WORK_STREAM_H_
#define WEIR_BROKER_RPC_WORK_STREAM_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "broker/limits/admission.h"
#include "broker/rpc/call_registry.h"
#include "broker/rpc/job_acknowledgement.h"
#include "broker/rpc/services.h"
#include "broker/rpc/worker_session.h"
#include "weir/v1/share.pb.h"

namespace weir {

class WorkStream : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                   public LongCall,
                   public WorkerSession::Owner {
 public:
  WorkStream(const Services* services, grpc::CallbackServerContext* context);

  void Stop() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnJobs(JobDelivery delivery) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnEnd(const absl::Status& why) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // A message to be written.
  struct Message {
    grpc::ByteBuffer bytes;
    Reservation memory;
    bool ends_delivery = false;  // the session may bring another
    int64_t answer_bytes = 0;    // of the answer that it is
  };
  // The answer to one message of acknowledgements.
  struct Slot {
    bool answered = false;
    v1::WorkResponse answer;
  };

  void OnReadDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnWriteDone(bool ok) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnCancel() override ABSL_LOCKS_EXCLUDED(mu_);
  void OnDone() override ABSL_LOCKS_EXCLUDED(mu_);

  absl::Status Take() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Join(const v1::WorkJoin& join) ABSL_LOCKS_EXCLUDED(mu_);
  // Counts them as open.
  absl::Status CheckCredits(int64_t credits) ABSL_LOCKS_EXCLUDED(mu_);
  void Acknowledge(const v1::WorkRequest& request, Reservation memory) ABSL_LOCKS_EXCLUDED(mu_);
  void OnAnswers(uint64_t number, JobAnswers answers) ABSL_LOCKS_EXCLUDED(mu_);
  // Jobs that cannot be decoded are rejected in the worker's name.
  void RejectUnreadable(const JobDelivery& delivery, const std::vector<AcquiredJobs>& jobs,
                        const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Put(Message message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes and reads what can be, or ends.
  void GoOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void End(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Something that was asked for is over; the last one lets the stream go.
  void Release() ABSL_LOCKS_EXCLUDED(mu_);

  const Services* const services_;
  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer bytes_;                  // belongs to the read under way
  std::string group_;                       // set by the first message
  v1::FetchFormat format_ = v1::RECORDS;    // likewise
  int64_t max_bytes_ = 0;                   // likewise
  std::shared_ptr<WorkerSession> session_;  // likewise; null before

  absl::Mutex mu_;
  int64_t credits_ ABSL_GUARDED_BY(mu_) = 0;            // of jobs that have not come
  std::deque<Message> out_ ABSL_GUARDED_BY(mu_);        // the first is being written if writing_
  int64_t unwritten_answers_ ABSL_GUARDED_BY(mu_) = 0;  // bytes of answers in out_
  std::deque<Slot> slots_ ABSL_GUARDED_BY(mu_);         // oldest first
  uint64_t first_slot_ ABSL_GUARDED_BY(mu_) = 0;        // the number of slots_.front()
  bool reading_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool written_ ABSL_GUARDED_BY(mu_) = false;  // something was
  bool closed_ ABSL_GUARDED_BY(mu_) = false;   // the worker says no more
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;  // the broker is
  int asked_ ABSL_GUARDED_BY(mu_) = 1;          // what is under way and refers to this; gRPC too
};

}  // namespace weir

#endif  // WEIR_BROKER_RPC_WORK_STREAM_H_
