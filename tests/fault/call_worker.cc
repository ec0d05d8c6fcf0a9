// A worker by single calls: it acquires some jobs, and acknowledges them in a few calls, each tried
// again until it is answered.
#include "tests/fault/job_process.h"

namespace weir {
namespace {

constexpr uint64_t kMostJobs = 30;
constexpr int64_t kWaitMs = 200;

class CallWorker {
 public:
  explicit CallWorker(JobProcess* process) : process_(*process), stub_(process->Connect()) {}

  void Run() {
    while (!process_.leaves()) {
      Acquire();
      while (process_.held() > 0) {
        for (uint64_t n = 1 + process_.random().Below(process_.held()); n > 0; --n)
          process_.SayNext();
        while (process_.unanswered() > 0) Acknowledge();
      }
    }
  }

 private:
  void Acquire() {
    v1::AcquireRequest request;
    request.set_group(process_.options().group);
    request.set_worker(process_.name());
    request.set_session_id(session_id_);
    request.set_max_jobs(static_cast<int64_t>(1 + process_.random().Below(kMostJobs)));
    request.set_max_wait_ms(kWaitMs);
    request.set_max_bytes(8 * 1024);
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    v1::AcquireResponse response;
    const grpc::Status status = stub_->Acquire(&context, request, &response);
    if (!status.ok()) return process_.TakeStatus(status, context);
    session_id_ = response.session_id();
    for (const v1::Delivery& delivery : response.deliveries()) process_.TakeDelivery(delivery);
  }

  void Acknowledge() {
    v1::AcknowledgeRequest request;
    request.set_group(process_.options().group);
    process_.AddSaid(0, request.mutable_acknowledge());
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    v1::AcknowledgeResponse response;
    const grpc::Status status = stub_->Acknowledge(&context, request, &response);
    if (!status.ok()) return process_.TakeStatus(status, context);
    process_.TakeAnswers(response.acknowledged());
  }

  JobProcess& process_;
  const std::unique_ptr<v1::ShareService::Stub> stub_;
  int64_t session_id_ = 0;
};

}  // namespace

void RunCallWorker(JobProcess* process) { CallWorker(process).Run(); }

}  // namespace weir
