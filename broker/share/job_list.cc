#include "broker/share/job_list.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "broker/share/scan_intake.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// The share-partition's jobs from an offset on, the first `limit` of each kind.
class JobCollector {
 public:
  JobCollector(const MachineTime& now, const ShareContext& context,
               const ShareContext::Known& known)
      : now_(now), context_(context), window_(known.entry->window) {}

  void AddLocked(Offset from, size_t limit) {
    size_t seen = 0;
    window_.locks.VisitFrom(from, [&](const LockedJobs& locked) {
      for (Offset job = locked.jobs.first; job <= locked.jobs.last && seen < limit; ++job, ++seen)
        jobs_[job] = Acquired(job, locked.lock);
      return seen < limit;
    });
  }
  void AddLinedUp(Offset from, size_t limit) {
    for (const Offset job : window_.lines.LinedUp(from, limit)) {
      jobs_[job] = {.offset = job, .state = JobState::kBlocked};
      jobs_[job].key = window_.lines.KeyOf(job);
    }
  }
  void AddParked(const ParkedJob& job) {
    JobDescription& described = jobs_[job.offset];
    described.offset = job.offset;
    described.attempts = job.attempts;
    described.key = job.key;
    described.reason = job.reason;
    if (described.state == JobState::kAcquired) return;
    if (job.cause == ParkedCause::kBlocked) {
      described.state = JobState::kBlocked;
      return;
    }
    described.state = job.cause == ParkedCause::kDying ? JobState::kDying : JobState::kDelayed;
    described.due_ms = job.due_ms;
  }
  absl::btree_map<Offset, JobDescription> Take() && { return std::move(jobs_); }

 private:
  JobDescription Acquired(Offset job, const Lock& lock) const {
    const auto ago_ms = absl::ToInt64Milliseconds(now_.monotonic - lock.acquired);
    const auto left_ms = absl::ToInt64Milliseconds(lock.until - now_.monotonic);
    const auto session = context_.sessions.find(lock.session);
    return {.offset = job,
            .state = JobState::kAcquired,
            .key = window_.lines.KeyOf(job),
            .worker = session == context_.sessions.end() ? "" : session->second.worker,
            .session = lock.session,
            .token = {context_.epoch, lock.counter},
            .acquired_ms = now_.now_ms - ago_ms,
            .lock_until_ms = now_.now_ms + left_ms};
  }

  const MachineTime& now_;
  const ShareContext& context_;
  const DeliveryWindow& window_;
  absl::btree_map<Offset, JobDescription> jobs_;
};

}  // namespace

ShareProgress ProgressOf(const ShareContext& context, ShareEntry* entry) {
  const SharePartition& partition = entry->partition;
  ShareProgress progress{.start = partition.start(),
                         .settled = partition.settled().size(),
                         .parked = partition.parked(),
                         .oldest_unfinished = partition.start()};
  if (progress.parked == 0) return progress;
  const ShareKeyRange places = ParkedPlacesOf(partition.place(), entry->window.first_parked);
  const absl::Status status = context.reader->Scan(
      StateFamily::kParked, places.start, places.end,
      [&progress](absl::string_view key, absl::string_view) {
        progress.oldest_unfinished = std::min(progress.start, OffsetOfParkedKey(key));
        return false;
      });
  // When the store cannot be read the start is told, which is what most people want to know.
  if (status.ok()) entry->window.first_parked = progress.oldest_unfinished;
  return progress;
}

ShareJobCounts CountJobs(const ShareEntry& entry) {
  const DeliveryWindow& window = entry.window;
  const auto waiting = [&entry](ParkedCause cause) {
    return entry.partition.parked(cause) - entry.window.parked.taken(cause);
  };
  return {.available = window.available_jobs(),
          .in_flight = window.locks.in_flight(),
          .delayed = waiting(ParkedCause::kRetry) + waiting(ParkedCause::kDelayed),
          .blocked = waiting(ParkedCause::kBlocked) + static_cast<int64_t>(window.lines.in_line()),
          .dying = entry.partition.parked(ParkedCause::kDying)};
}

SharePartitionDescription DescribeSharePartition(const ShareContext& context,
                                                 const ShareContext::Known& known) {
  const SharePartition& partition = known.entry->partition;
  const DeliveryWindow& window = known.entry->window;
  SharePartitionDescription described{.id = partition.id(), .state = LimitOf(known)};
  if (known.settings->pause == SharePause::kPaused) described.state = AcquireState::kPaused;
  if (known.settings->pause == SharePause::kPausedByBreaker)
    described.state = AcquireState::kPausedByBreaker;
  described.progress = ProgressOf(context, known.entry);
  described.scanned = known.entry->scanned();
  described.jobs = CountJobs(*known.entry);
  described.dead_letter_error = window.letter_error;
  described.counts = partition.counts();
  described.tally = context.counters.Of(partition.id());
  return described;
}

absl::StatusOr<ListedJobs> ListJobs(const MachineTime& now, const ShareContext& context,
                                    const ShareContext::Known& known,
                                    const ListJobsRequest& request) {
  // One more of each kind says whether there are more.
  const size_t asked = std::min(request.limit, limits::kJobsByCommand);
  const size_t limit = asked + 1;
  JobCollector collector(now, context, known);
  collector.AddLocked(request.from, limit);
  collector.AddLinedUp(request.from, limit);
  size_t parked = 0;
  WEIR_RETURN_IF_ERROR(ParkedJobs::Visit(*context.reader, known.entry->partition.place(),
                                         request.from, [&](const ParkedJob& job) {
                                           collector.AddParked(job);
                                           return ++parked < limit;
                                         }));
  ListedJobs listed;
  for (auto& [offset, job] : std::move(collector).Take()) {
    if (listed.jobs.size() == asked) {
      listed.next = offset;
      break;
    }
    listed.jobs.push_back(std::move(job));
  }
  return listed;
}

}  // namespace weir
