// Worker: does the jobs of a share group: takes them one by one to a handler, tells the broker what
// became of each, keeps the locks of slow ones, and comes back after a break. Any number of
// workers, in any number of processes, share the jobs of a group.
//
//   Worker worker(client, {.group = "email", .concurrency = 8}, [&](const Job& job) -> JobResult {
//     if (!Parse(job.record)) return JobResult::Reject("the address makes no sense");
//     return Send(job.record);  // an absl::Status: OK accepts, an error releases with its text
//   });
//   absl::Status end = worker.Wait();  // until RequestStop, or until it can be no worker
//
// At least once: a job that was done may be handed out again when the broker or this process ends
// before the acceptance is durable. A job whose delivery_count is 1 was certainly not handed out
// before, unless it came back without counting.
//
// Threads. All of Worker may be called from any thread; Wait and Stop not from the handler, which
// RequestStop is for. The handler runs on `concurrency` threads of the worker, so with 2 or more of
// them at the same time; with 0 it runs inline, one job at a time, on the thread that receives the
// jobs: for handlers that take microseconds and wait for nothing. It must not throw. What it is
// given is borrowed until it returns. Jobs of one key are handed out one at a time when the group
// says order=key, however many threads there are; otherwise in no particular order.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_WORKER_H_
#define WEIR_CLIENT_INCLUDE_WEIR_WORKER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/base/limits.h"
#include "storage/base/types.h"
#include "storage/record/record_view.h"
#include "weir/client.h"

namespace weir {

// One job. Borrowed, all of it, until the handler returns.
struct Job {
  absl::string_view topic;
  PartitionIndex partition;
  int32_t delivery_count = 1;  // this attempt included
  const RecordView& record;
};

// What becomes of a job. Error texts are for people: they are cut to 4 KiB, the last one goes into
// the dead letter.
struct JobResult {
  enum class Outcome : uint8_t {
    kAccept,            // it is done
    kRelease,           // it is to be tried again, and the attempt counts
    kReleaseUncounted,  // it is to be tried again, as if it had not been tried (100 times at most)
    kReject,            // it is never to be tried again: a dead letter
  };

  JobResult() = default;  // accepts
  // OK accepts; an error releases, with its text.
  JobResult(const absl::Status& status);  // NOLINT: so that a handler can return a Status

  static JobResult Accept() { return {}; }
  // After `delay` (from 0 to 7 days; what is outside is moved to its end), or, without one, after
  // the group's backoff.
  static JobResult Release(absl::string_view error, std::optional<absl::Duration> delay = {}) {
    return JobResult(Outcome::kRelease, error, delay);
  }
  static JobResult ReleaseUncounted(absl::string_view error,
                                    std::optional<absl::Duration> delay = {}) {
    return JobResult(Outcome::kReleaseUncounted, error, delay);
  }
  static JobResult Reject(absl::string_view error) {
    return JobResult(Outcome::kReject, error, {});
  }

  Outcome outcome = Outcome::kAccept;
  std::optional<absl::Duration> delay;
  std::string error;

 private:
  JobResult(Outcome outcome, absl::string_view error, std::optional<absl::Duration> delay)
      : outcome(outcome), delay(delay), error(error) {}
};

struct WorkerOptions {
  std::string group;
  std::string name;     // for people, in lists of jobs and histories of dead letters; at most 249
                        // bytes; empty: the client's id
  int concurrency = 1;  // threads that run the handler, at most 1,000; 0: inline, see above
  // Jobs that are here or on their way and not done, at most: 1 to 100,000. It asks for fewer when
  // jobs are slow: what its threads can do in a fifth of a second, so that others have the rest.
  int64_t max_open_jobs = 20'000;
  int64_t fetch_bytes =
      limits::kFetchBytesDefault;  // per answer; a larger single batch still comes
};

// All since the Worker was made.
struct WorkerCounters {
  int64_t received = 0;
  // As the broker has confirmed; durable.
  int64_t accepted = 0;
  int64_t released = 0;
  int64_t released_uncounted = 0;
  int64_t rejected = 0;
  // What was said of a job came too late: it was handed out again, or is to be; or its lock was
  // lost before a handler had begun with it.
  int64_t lock_lost = 0;
  // It was finished before: as a rule by the same acknowledgement, whose answer was lost.
  int64_t already_done = 0;
  int64_t refused = 0;     // acknowledgements that the broker did not take; last_error() says why
  int64_t renewed = 0;     // locks of slow jobs, each time
  int64_t open = 0;        // here, waiting or with the handler
  int64_t unanswered = 0;  // jobs that are done with, but not confirmed
};

class Worker {
 public:
  using Handler = std::function<JobResult(const Job&)>;

  // Begins in the background. Options outside their range are moved to its nearer end.
  Worker(const Client& client, WorkerOptions options, Handler handler);
  // Stop(), whatever comes of it; then waits for handlers that still run.
  ~Worker();
  Worker(Worker&&) noexcept;
  Worker& operator=(Worker&&) = delete;

  // Takes no more jobs: those that no handler has begun with go back, without counting as an
  // attempt, and wait the group's initial backoff; the others are finished and acknowledged.
  // Returns at once; a second one does nothing.
  void RequestStop();

  // Waits until the worker is over: OK when it has stopped after RequestStop and the broker has
  // confirmed all that was to be confirmed. An error ends it by itself when trying again is of no
  // use: UNKNOWN_GROUP, GROUP_TYPE_MISMATCH, INVALID_...; what handlers did then and before the
  // last answer is unconfirmed. DEADLINE_EXCEEDED after `max_wait`: it goes on.
  absl::Status Wait(absl::Duration max_wait = absl::InfiniteDuration());

  // RequestStop and Wait. Jobs whose handlers have not returned after `max_wait` go back in the
  // same way, and what their handlers return then is dropped. DEADLINE_EXCEEDED when the broker
  // could not be told: what is unconfirmed may be handed out again.
  absl::Status Stop(absl::Duration max_wait = absl::Seconds(30));

  WorkerCounters counters() const;
  // Why the broker cannot be reached; when it can, what it last refused. OK: nothing went wrong.
  absl::Status last_error() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_WORKER_H_
