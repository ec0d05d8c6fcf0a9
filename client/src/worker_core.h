// Worker::Core: the working parts of a Worker. Who does what:
// - gRPC's threads bring messages: answers go to the ledger, jobs to the queue.
// - The job threads, or inline the thread that brought them, claim jobs from the parcel at the
// front
//   and run the handler, without a lock while all is accepted.
// - Whoever has news for the broker writes what the ledger has to say (Pump), one message at a
// time.
// - The control thread connects, renews locks, and looks after everything that is a matter of time.
// Guarded by mu_, which is never held while calling gRPC or the handler.
#ifndef WEIR_CLIENT_SRC_WORKER_CORE_H_
#define WEIR_CLIENT_SRC_WORKER_CORE_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "client/src/channel.h"
#include "client/src/job_parcel.h"
#include "client/src/work_ledger.h"
#include "client/src/work_stream.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "weir/worker.h"

namespace weir {

class Worker::Core : public client::WorkStream::Listener {
 public:
  Core(std::shared_ptr<client::Channel> channel, WorkerOptions options, Handler handler);
  ~Core() override;

  void RequestStop() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Wait(absl::Duration max_wait) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Stop(absl::Duration max_wait) ABSL_LOCKS_EXCLUDED(mu_);
  WorkerCounters counters() ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status last_error() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Parcel = std::shared_ptr<client::JobParcel>;
  using WorkStream = client::WorkStream;

  // The stream.
  void OnWorkWritten(WorkStream* stream) override ABSL_LOCKS_EXCLUDED(mu_);
  void OnWorkMessage(WorkStream* stream, const SharedBytes& message) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void OnWorkEnd(WorkStream* stream, const absl::Status& status) override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Take(WorkStream* stream, const v1::WorkResponse& response,
                    std::vector<Parcel> parcels) ABSL_LOCKS_EXCLUDED(mu_);
  void NoteEnd(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string JoinMessage() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool MayWrite() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stream_ != nullptr && joined_ && !writing_ && !half_closed_;
  }
  void Pump() ABSL_LOCKS_EXCLUDED(mu_);
  // The control thread looks again in time for what the ledger has to say.
  void LookInTime() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Jobs.
  void RunThread() ABSL_LOCKS_EXCLUDED(mu_);
  void RunInline() ABSL_LOCKS_EXCLUDED(mu_);
  // The parcel at the front that has something to claim; none: the queue is empty.
  Parcel Front() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Work(const Parcel& parcel) ABSL_LOCKS_EXCLUDED(mu_);
  void Do(const Parcel& parcel, size_t job) ABSL_LOCKS_EXCLUDED(mu_);
  void NoteWork(int64_t jobs, absl::Duration busy) ABSL_LOCKS_EXCLUDED(mu_);

  // Time and the end.
  void Control() ABSL_LOCKS_EXCLUDED(mu_);
  // What is due, if anything, and what to wait for otherwise.
  enum class Due { kNothing, kConnect, kPump, kLeave };
  Due NextDue(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Duration NextLook() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool AwaitOver(absl::Duration max_wait) ABSL_LOCKS_EXCLUDED(mu_);
  void Finish(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::shared_ptr<client::Channel> channel_;
  const WorkerOptions options_;
  const Handler handler_;
  Clock& clock_ = Clock::Real();

  mutable absl::Mutex mu_;
  client::WorkLedger ledger_ ABSL_GUARDED_BY(mu_);
  std::deque<Parcel> queue_ ABSL_GUARDED_BY(mu_);  // oldest first; some may be exhausted
  absl::CondVar work_;                             // something is in the queue
  bool running_inline_ ABSL_GUARDED_BY(mu_) = false;
  bool threads_end_ ABSL_GUARDED_BY(mu_) = false;

  std::shared_ptr<WorkStream> stream_ ABSL_GUARDED_BY(mu_);
  bool joined_ ABSL_GUARDED_BY(mu_) = false;  // the broker has answered
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool half_closed_ ABSL_GUARDED_BY(mu_) = false;
  int64_t session_id_ ABSL_GUARDED_BY(mu_) = 0;
  int failures_ ABSL_GUARDED_BY(mu_) = 0;  // in a row
  absl::Status connection_error_ ABSL_GUARDED_BY(mu_);

  // Monotonic.
  absl::Duration join_at_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
  absl::Duration cut_off_at_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();  // the session ends
  absl::Duration looks_at_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();        // the control thread

  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool forced_ ABSL_GUARDED_BY(mu_) = false;  // what handlers still do goes back
  bool over_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status end_ ABSL_GUARDED_BY(mu_);
  bool control_ends_ ABSL_GUARDED_BY(mu_) = false;
  absl::CondVar changed_;  // for the control thread

  std::unique_ptr<ThreadExecutor> threads_;  // run RunThread(); none: inline
  std::unique_ptr<ThreadExecutor> control_;  // runs Control()
};

}  // namespace weir

#endif  // WEIR_CLIENT_SRC_WORKER_CORE_H_
