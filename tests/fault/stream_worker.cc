// A worker on a stream of Work: it finishes some of what it has and renews the locks of the rest,
// message by message; what it has said without an answer it says again on the next stream.
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tests/fault/job_process.h"

namespace weir {
namespace {

constexpr int64_t kJobs = 20;  // that it has or has asked for

class StreamWorker {
 public:
  explicit StreamWorker(JobProcess* process) : process_(*process), stub_(process->Connect()) {}

  void Run() {
    while (!process_.leaves()) RunStream();
  }

 private:
  using Stream = grpc::ClientReaderWriter<v1::WorkRequest, v1::WorkResponse>;

  // From its begin to its end.
  void RunStream() {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    const std::unique_ptr<Stream> stream = stub_->Work(&context);
    v1::WorkRequest first;
    v1::WorkJoin& join = *first.mutable_join();
    join.set_group(process_.options().group);
    join.set_worker(process_.name());
    join.set_session_id(session_id_);
    join.set_max_bytes(8 * 1024);
    process_.AddSaid(0, first.mutable_acknowledge());
    credits_ = 0;
    Open();
    Write(stream.get(), Next(first));
    process_.OnLeave([this, &stream] { Close(stream.get()); });
    v1::WorkResponse response;
    while (stream->Read(&response)) {
      Take(response);
      const v1::WorkRequest request = Next({});
      if (request.ByteSizeLong() > 0) Write(stream.get(), request);
    }
    process_.OnLeave(nullptr);
    Close(stream.get());
    process_.TakeStatus(stream->Finish(), context);
  }

  void Take(const v1::WorkResponse& response) {
    if (response.has_session()) session_id_ = response.session().session_id();
    for (const v1::Delivery& delivery : response.deliveries()) {
      const size_t before = process_.held();
      process_.TakeDelivery(delivery);
      credits_ -= static_cast<int64_t>(process_.held() - before);
    }
    process_.TakeAnswers(response.acknowledged());
  }

  // What is to be said behind `request`.
  v1::WorkRequest Next(v1::WorkRequest request) {
    if (closed()) return request;
    const size_t said = process_.unanswered();
    for (uint64_t n = process_.random().Below(process_.held() + 1); n > 0; --n) process_.SayNext();
    process_.AddSaid(said, request.mutable_acknowledge());
    // The answer is the next occasion to go on.
    process_.AddRenewals(request.mutable_renew());
    const int64_t more = kJobs - credits_ - static_cast<int64_t>(process_.held());
    if (more > 0) {
      request.set_credits(more);
      credits_ += more;
    }
    return request;
  }

  void Open() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    closed_ = false;
  }
  bool closed() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return closed_;
  }
  void Write(Stream* stream, const v1::WorkRequest& request) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (!closed_) stream->Write(request);
  }
  void Close(Stream* stream) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (!closed_) stream->WritesDone();
    closed_ = true;
  }

  JobProcess& process_;
  const std::unique_ptr<v1::ShareService::Stub> stub_;
  int64_t session_id_ = 0;
  int64_t credits_ = 0;     // that the broker has not used
  mutable absl::Mutex mu_;  // of writing: the process may be told to leave at any time
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

void RunStreamWorker(JobProcess* process) { StreamWorker(process).Run(); }

}  // namespace weir
