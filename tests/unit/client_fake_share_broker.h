// FakeShareBroker: ShareService.Work for the worker's tests, over gRPC on a loopback port. Its
// jobs, locks and sessions are real and in memory, without a clock: nothing expires by itself, what
// is released is available at once unless a delay was asked for, and it fails as a test says. Any
// thread; guarded by mu_.
#ifndef WEIR_TESTS_UNIT_CLIENT_FAKE_SHARE_BROKER_H_
#define WEIR_TESTS_UNIT_CLIENT_FAKE_SHARE_BROKER_H_

#include <grpcpp/server.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "weir/v1/share.pb.h"

namespace weir {

class FakeShareBroker {
 public:
  enum class JobState { kAvailable, kAcquired, kDelayed, kDone, kDead };
  struct JobId {
    std::string topic;
    int32_t partition = 0;
    int64_t offset = 0;

    auto operator<=>(const JobId&) const = default;
  };

  FakeShareBroker();
  ~FakeShareBroker();

  std::string address() const;
  void SetAckTimeout(int64_t ms);

  // Appends a batch with one record for each of `values`, and makes a job of each, except of the
  // records whose numbers in the batch are among `passed_over`. Gives the first offset.
  int64_t Append(const std::string& topic, int32_t partition,
                 const std::vector<std::string>& values, const std::set<size_t>& passed_over = {});
  // The batch that has the offset is damaged from now on.
  void Damage(const std::string& topic, int32_t partition, int64_t offset);

  // While held, nothing is answered to acknowledgements and renewals; they are counted as come.
  void HoldAnswers();
  void ReleaseAnswers();
  // What comes to acknowledgements is not done, and the stream ends with it.
  void LoseNextAcknowledgements();
  // It is done, but the stream ends instead of the answer.
  void LoseNextAnswer();
  // The next item is answered with this error.
  void RefuseNext(absl::Status why);
  // Ends the streams; their sessions stay, or are forgotten: then what they held is available.
  void BreakStreams();
  void BreakStreamsAndForget();
  // The next call of Work ends with this.
  void FailNext(absl::Status why);
  // Somebody else is handed the job, and keeps it.
  void HandToAnother(const JobId& job);

  // Each waits until there are so many.
  void AwaitDone(int64_t jobs) const { AwaitCount(JobState::kDone, jobs); }
  void AwaitAcquired(int64_t jobs) const { AwaitCount(JobState::kAcquired, jobs); }
  void AwaitJoins(size_t joins) const;            // ever
  void AwaitCredits(int64_t credits) const;       // open
  void AwaitSaid(size_t acknowledgements) const;  // ever
  void AwaitRenewals(size_t renewals) const;

  JobState StateOf(const JobId& job) const;
  int64_t CountOf(JobState state) const;
  int DeliveriesOf(const JobId& job) const;
  // What came, in order, ever.
  std::vector<v1::WorkJoin> joins() const;
  std::vector<v1::Acknowledgement> said() const;
  std::vector<v1::Renewal> renewals() const;
  // The most jobs that were ever acquired at once.
  int64_t most_acquired() const;
  // What was wrong with what came.
  std::vector<std::string> complaints() const;

 private:
  class Service;
  class Reactor;
  struct JobEntry {
    JobState state = JobState::kAvailable;
    int64_t token = 0;
    int64_t session = 0;
    int deliveries = 0;  // that count
  };
  struct Partition {
    std::vector<std::string> batches;
    int64_t end = 0;
  };

  void AwaitCount(JobState state, int64_t jobs) const;
  int64_t Count(JobState state) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  int64_t Credits() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void Deliver() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Up to so many available jobs of one partition; nothing when there are none.
  std::optional<v1::Delivery> Acquire(int64_t session, int64_t credits)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::AcknowledgeResult Acknowledge(const v1::Acknowledgement& item)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::AcknowledgeCode Apply(const v1::Acknowledgement& item, JobEntry& job)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  v1::AcknowledgeResult Renew(const v1::Renewal& item) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void GiveBack(int64_t session) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndStreams(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::map<std::string, std::map<int32_t, Partition>> topics_ ABSL_GUARDED_BY(mu_);
  std::map<JobId, JobEntry> jobs_ ABSL_GUARDED_BY(mu_);
  std::set<int64_t> sessions_ ABSL_GUARDED_BY(mu_);
  std::set<Reactor*> streams_ ABSL_GUARDED_BY(mu_);
  std::deque<absl::Status> failures_ ABSL_GUARDED_BY(mu_);
  std::deque<absl::Status> refusals_ ABSL_GUARDED_BY(mu_);
  int64_t ack_timeout_ms_ ABSL_GUARDED_BY(mu_) = 30'000;
  int64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  bool holding_ ABSL_GUARDED_BY(mu_) = false;
  bool lose_acknowledgements_ ABSL_GUARDED_BY(mu_) = false;
  bool lose_answer_ ABSL_GUARDED_BY(mu_) = false;

  std::vector<v1::WorkJoin> joins_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Acknowledgement> said_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::Renewal> renewals_ ABSL_GUARDED_BY(mu_);
  int64_t most_acquired_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<std::string> complaints_ ABSL_GUARDED_BY(mu_);

  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace weir

#endif  // WEIR_TESTS_UNIT_CLIENT_FAKE_SHARE_BROKER_H_
