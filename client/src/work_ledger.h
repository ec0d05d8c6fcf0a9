// WorkLedger: what a worker holds, what it has yet to say about that, and what it has said without
// an answer; so what its next message is. It knows neither stream nor threads. Times are monotonic
// and come from outside. Not thread-safe: guarded by its Worker's mutex.
#ifndef WEIR_CLIENT_SRC_WORK_LEDGER_H_
#define WEIR_CLIENT_SRC_WORK_LEDGER_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/src/job_parcel.h"
#include "weir/v1/share.pb.h"
#include "weir/worker.h"

namespace weir::client {

// Jobs that a stream may have open, and a worker in hand.
inline constexpr int64_t kOpenJobsMost = 100'000;
// While an acknowledgement is unanswered others gather, until there are so many jobs.
inline constexpr int64_t kGatheredJobs = 1'000;
// Otherwise what became of a job is said after so long, whatever its thread does meanwhile.
inline constexpr absl::Duration kSayWithin = absl::Milliseconds(1);

class WorkLedger {
 public:
  struct Options {
    int threads = 1;       // that work
    int64_t max_open = 1;  // jobs
  };

  explicit WorkLedger(Options options) : options_(options) {}

  // The broker has taken the worker in. Not `resumed`: the locks of all that is here are gone.
  void Join(bool resumed, absl::Duration ack_timeout);
  // The stream is over: what was said without an answer is to be said again.
  void Break();
  // No more jobs are asked for, and nothing gathers any longer.
  void Stop();

  void Add(const std::shared_ptr<JobParcel>& parcel, absl::Duration now);
  // JobParcel::Accept asks for it.
  void NoteAccepted(std::shared_ptr<JobParcel> parcel, absl::Duration now) {
    accepted_in_.push_back(std::move(parcel));
    say_by_ = std::min(say_by_, now + kSayWithin);
  }
  // A claimed job has ended otherwise.
  void End(const std::shared_ptr<JobParcel>& parcel, size_t job, const JobResult& result,
           absl::Duration now);
  // A claimed job was not begun with: its lock has run out.
  void Lose(const std::shared_ptr<JobParcel>& parcel, size_t job);
  // `jobs` jobs are done and have kept a thread busy for so long.
  void NoteWork(int64_t jobs, absl::Duration busy);
  // Nobody is to begin with what nobody has begun with: it goes back, or is lost already.
  void GiveBackUnbegun();
  void LoseUnbegun();

  // What is to be said now; nothing while there is nothing, or before Join.
  std::optional<v1::WorkRequest> Next(absl::Duration now);
  // When Next is to be asked at the latest.
  absl::Duration NextTime() const;
  // INTERNAL when these are not answers to what was said.
  absl::Status TakeAnswers(const v1::WorkResponse& response, absl::Duration now);

  // Every job that was received has ended, and that was said.
  bool all_said() const { return open_ == 0 && gathered_.empty() && later_.empty(); }
  // What is known to be said now has been.
  bool nothing_gathered() const { return gathered_.empty(); }
  WorkerCounters counters();
  // Why something was last refused.
  const absl::Status& last_error() const { return last_error_; }

 private:
  struct Item {
    std::shared_ptr<const std::string> topic;
    int32_t partition = 0;
    JobSpan jobs;
    JobResult result;
  };
  struct Renewal {
    std::shared_ptr<JobParcel> parcel;
    JobSpan jobs;
    absl::Duration sent;
  };
  using Parcels = std::list<std::shared_ptr<JobParcel>>;

  void Gather(Item item);
  void CollectAccepted();
  // It may be done.
  void Review(JobParcel& parcel);
  int64_t Window() const;
  int64_t Credits() const;
  bool IsTimeToSpeak(absl::Duration now) const;
  void SayAcknowledgements(v1::WorkRequest* request);
  void SayRenewals(absl::Duration now, v1::WorkRequest* request);
  void Count(const Item& item, const v1::AcknowledgeResult& result, absl::Duration now);
  void TakeRenewed(const Renewal& renewal, const v1::AcknowledgeResult& result);

  const Options options_;
  bool joined_ = false;
  bool stopping_ = false;
  absl::Duration ack_timeout_;
  Parcels parcels_;  // with open jobs and locks; roughly by renew_at
  std::vector<std::shared_ptr<JobParcel>> accepted_in_;
  int64_t open_ = 0;         // jobs of parcels_ that have not ended
  int64_t outstanding_ = 0;  // credits that the broker has not used
  int64_t finished_ = 0;     // jobs noted since accepted ones were last collected

  // When to say what nobody has said; passed while something is unanswered: with the answer.
  absl::Duration say_by_ = absl::InfiniteDuration();
  std::deque<Item> gathered_;    // to be said
  std::deque<Item> unanswered_;  // said, in this order
  std::vector<Item> later_;      // to be said again
  absl::Duration say_again_at_ = absl::InfiniteDuration();
  int64_t gathered_jobs_ = 0;
  int64_t unanswered_jobs_ = 0;
  int64_t later_jobs_ = 0;
  std::deque<Renewal> renewals_;  // said, in this order

  // How long jobs take; the older the less it counts.
  double timed_jobs_ = 0;
  double timed_seconds_ = 0;

  WorkerCounters counters_;
  absl::Status last_error_;
};

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_WORK_LEDGER_H_
