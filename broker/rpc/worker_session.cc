#include "broker/rpc/worker_session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/partition/fetch.h"
#include "broker/rpc/worker_sessions.h"
#include "broker/share/job_scan.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

// The owner writes one while the next is looked for.
constexpr int kDeliveries = 2;
// After so long a session looks by itself, whatever it was or was not told.
constexpr absl::Duration kLongestRest = absl::Seconds(5);
constexpr absl::Duration kMemoryRest = absl::Milliseconds(100);
// Jobs that are tried again lie apart: for few of them a small read does.
constexpr int64_t kFewJobs = 100;
constexpr int64_t kFewJobsBytes = 64 * limits::kKiB;

bool IsMemory(const absl::Status& status) {
  const std::optional<Reason> reason = ReasonOf(status);
  return reason == Reason::kOverMemoryBudget || reason == Reason::kTooManyRequests;
}

}  // namespace

// --- What the worker and its stream say ---

void WorkerSession::SetOwner(Owner* owner) {
  {
    absl::MutexLock lock(&mu_);
    owner_ = owner;
    credits_ = 0;
    deliveries_ = 0;
    buffer_ = nullptr;
    places_.SetAllReady();
    if (owner == nullptr) places_.GiveUpLeases();
  }
  Pump();
}

void WorkerSession::AddCredits(int64_t credits) {
  {
    absl::MutexLock lock(&mu_);
    credits_ += credits;
  }
  Pump();
}

void WorkerSession::OnPassedOn() {
  {
    absl::MutexLock lock(&mu_);
    deliveries_ = std::max(deliveries_ - 1, 0);
  }
  Pump();
}

void WorkerSession::OnSettled(int64_t jobs, int64_t renewed_until_ms) {
  {
    absl::MutexLock lock(&mu_);
    held_ = std::max<int64_t>(held_ - jobs, 0);
    held_until_ms_ = std::max(held_until_ms_, renewed_until_ms);
    if (alone_until_ms_ > 0) alone_until_ms_ = std::max(alone_until_ms_, renewed_until_ms);
    if (held_ == 0) alone_until_ms_ = 0;
  }
  Pump();
}

bool WorkerSession::Wake(const SharePartitionId& id) {
  bool can_take = false;
  {
    absl::MutexLock lock(&mu_);
    if (!places_.SetReady(id)) return false;
    can_take = owner_ != nullptr && !closed_ && MayAcquire();
  }
  if (can_take) Pump();
  return can_take;
}

void WorkerSession::OnLocksForgotten() {
  {
    absl::MutexLock lock(&mu_);
    held_ = 0;
    alone_until_ms_ = 0;
    places_.SetAllReady();
  }
  Pump();
}

absl::btree_set<PartitionIndex> WorkerSession::Close() {
  absl::btree_set<PartitionIndex> shards;
  {
    absl::MutexLock lock(&mu_);
    closed_ = true;
    owner_ = nullptr;
    shards = shards_;
    undelivered_.Clear();
    buffer_ = nullptr;
    places_.GiveUpLeases();
    if (rest_ != nullptr) services_->waiters->Cancel(rest_);
  }
  Pump();
  return shards;
}

absl::btree_set<PartitionIndex> WorkerSession::shards() const {
  absl::MutexLock lock(&mu_);
  return shards_;
}

void WorkerSession::End(const absl::Status& why) {
  closed_ = true;
  places_.GiveUpLeases();
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->OnEnd(why);
}

// --- What is to be done next ---

void WorkerSession::Pump() {
  const std::shared_ptr<WorkerSession> self = shared_from_this();
  {
    absl::MutexLock lock(&mu_);
    again_ = true;
    if (pumping_) return;
    pumping_ = true;
  }
  for (;;) {
    absl::AnyInvocable<void()> action;
    std::vector<SharePartitionId> to_wake;
    {
      absl::MutexLock lock(&mu_);
      if (!again_ && action_ == nullptr) {
        pumping_ = false;
        return;
      }
      // What is to be done already goes first; then it is looked again.
      again_ = action_ != nullptr;
      if (action_ == nullptr) Plan();
      action = std::exchange(action_, nullptr);
      to_wake.swap(to_wake_);
      for (SharePartitionId& id : places_.TakeGivenUp()) to_wake.push_back(std::move(id));
    }
    for (const SharePartitionId& id : to_wake) services_->workers->Wake(id);
    if (action != nullptr) action();
  }
}

void WorkerSession::Plan() {
  if (busy_ || closed_ || owner_ == nullptr) return;
  Deliver();
  if (busy_ || deliveries_ >= kDeliveries || !Refresh()) return;
  if (!MayAcquire()) {
    places_.GiveUpLeases();
    // A worker need not say anything of jobs whose locks end, nor does anybody tell of that.
    if (credits_ > 0) Rest(UntilLocksEnd());
    buffer_ = nullptr;
    return;
  }
  const WorkPlacePtr place = places_.NextReady();
  if (place == nullptr)
    return Rest(std::exchange(try_again_soon_, false) ? kMemoryRest : kLongestRest);
  if (places_.CanScan(place.get()))
    return Read(place, *place->scan_from, options_.read_bytes, &WorkerSession::OnScanned);
  Acquire(place, std::nullopt);
}

bool WorkerSession::MayAcquire() {
  if (credits_ <= 0) return false;
  // Locks that have ended need no acknowledgement, and may never get one.
  if (held_until_ms_ < services_->clock->NowMs()) held_ = 0;
  if (held_ == 0) return true;
  return !draining_ && alone_until_ms_ <= services_->clock->NowMs();
}

absl::Duration WorkerSession::UntilLocksEnd() const {
  const int64_t end_ms = std::max(held_until_ms_, alone_until_ms_) + 1;
  const absl::Duration left = absl::Milliseconds(end_ms - services_->clock->NowMs());
  return std::clamp(left, absl::Milliseconds(1), kLongestRest);
}

bool WorkerSession::Refresh() {
  if (places_.Refresh()) return true;
  End(MakeError(Reason::kUnknownGroup,
                absl::StrCat("there is no share group '", options_.group, "' any more")));
  return false;
}

// Until a log that this session scans grows, the machine tells of something, or a while has passed.
void WorkerSession::Rest(absl::Duration longest) {
  if (rest_ != nullptr) services_->waiters->Cancel(std::exchange(rest_, nullptr));
  buffer_ = nullptr;
  action_ = [self = shared_from_this(), targets = places_.Awaited(),
             until = services_->clock->Monotonic() + longest]() mutable {
    absl::StatusOr<Waiters::Handle> handle = self->services_->waiters->Add(
        std::move(targets), until, [self](WakeReason why) { self->OnRested(why); });
    absl::MutexLock lock(&self->mu_);
    if (!handle.ok()) return self->End(handle.status());
    self->rest_ = *std::move(handle);
    if (self->closed_) self->services_->waiters->Cancel(self->rest_);
  };
}

void WorkerSession::OnRested(WakeReason why) {
  if (why == WakeReason::kCancelled) return;
  {
    absl::MutexLock lock(&mu_);
    rest_ = nullptr;
    if (why == WakeReason::kDeadline) {
      places_.SetAllReady();
    } else {
      places_.NoteGrown();
    }
  }
  Pump();
}

// --- The log, and the machine ---

void WorkerSession::Read(const WorkPlacePtr& place, Offset from, int64_t max_bytes, Then then) {
  busy_ = true;
  action_ = [self = shared_from_this(), place, from, max_bytes, then] {
    const Services& services = *self->services_;
    FetchQuery query{.partition = place->partition,
                     .status = absl::OkStatus(),
                     .offset = from,
                     .max_bytes = max_bytes};
    const FetchLimits limits{.max_bytes = max_bytes, .min_bytes = 0};
    std::vector<FetchQuery> queries;
    queries.push_back(std::move(query));
    const auto fetch = std::make_shared<Fetch>(std::move(queries), 0, limits, services.waiters,
                                               services.disk, &services.memory->fetch());
    fetch->Start([self, place, from, then](absl::StatusOr<Fetch::Results> results) {
      if (!results.ok()) return ((*self).*then)(place, from, results.status());
      ((*self).*then)(place, from, std::move(results->front()));
    });
  };
}

void WorkerSession::OnScanned(const WorkPlacePtr& place, Offset from,
                              absl::StatusOr<PartitionRead> read) {
  std::optional<ShareScan> scan;
  std::shared_ptr<const JobBuffer> buffer;
  if (read.ok()) {
    bool keys = false;
    bool delays = false;
    {
      absl::MutexLock lock(&mu_);
      keys = places_.keys();
      delays = places_.TakesDelays(*place);
    }
    const BatchSpan& batches = read->read.batches;
    if (batches.size > 0) {
      scan = ScanJobs(absl::string_view(batches.data.get(), batches.size), from,
                      {.keys = keys, .delays = delays, .now_ms = services_->clock->NowMs()});
    }
    const Offset next = read->read.next_offset;
    buffer = std::make_shared<const JobBuffer>(
        JobBuffer{place->id.partition, *std::move(read), from, next});
  } else if (ReasonOf(read.status()) == Reason::kOffsetOutOfRange) {
    // What lay there went with the log.
    const std::shared_ptr<PartitionLog> log = place->partition->log();
    if (log != nullptr && log->log_start() > from)
      scan = ShareScan{.from = from, .to = log->log_start()};
  }
  {
    absl::MutexLock lock(&mu_);
    busy_ = false;
    if (IsMemory(read.status())) {
      try_again_soon_ = true;
      place->ready = false;
    } else if (owner_ != nullptr && !closed_) {
      // What was scanned before may be had all the same.
      if (!read.ok() && !scan) place->scan_rests = try_again_soon_ = true;
      if (buffer != nullptr) buffer_ = std::move(buffer);
      Acquire(place, std::move(scan));
    }
  }
  Pump();
}

void WorkerSession::Acquire(const WorkPlacePtr& place, std::optional<ShareScan> scan) {
  busy_ = true;
  place->signalled = false;
  shards_.insert(place->shard);
  AcquireRequest request{.id = place->id,
                         .session = options_.id,
                         .worker = options_.worker,
                         .max_jobs = std::min(credits_, limits::kAcquireJobsMost),
                         .session_is_idle = held_ == 0,
                         .scan = std::move(scan)};
  action_ = [self = shared_from_this(), place, request = std::move(request)]() mutable {
    const int64_t asked = request.max_jobs;
    self->services_->shares->Ask<Acquired>(
        place->shard,
        [request = std::move(request)](ShareMachine& machine, const MachineTime& now,
                                       Reply<Acquired> reply) mutable {
          return machine.acquisition().Acquire(now, std::move(request), std::move(reply));
        },
        [self, place, asked](absl::StatusOr<Acquired> acquired) {
          self->OnAcquired(place, asked, std::move(acquired));
        });
  };
}

void WorkerSession::OnAcquired(const WorkPlacePtr& place, int64_t asked,
                               absl::StatusOr<Acquired> acquired) {
  bool closed = false;
  {
    absl::MutexLock lock(&mu_);
    busy_ = false;
    closed = closed_;
    if (closed) {
      // What came too late goes back below.
    } else if (acquired.ok()) {
      NoteAcquired(place, asked, *std::move(acquired));
    } else {
      place->ready = false;  // it is not open yet, or the group goes: a while later it is known
      places_.GiveUpLease(place.get());
    }
  }
  if (!closed) return Pump();
  // The machine may have heard of the end before it heard of this.
  services_->shares->Tell(
      place->shard,
      [id = options_.id](ShareMachine& machine, const MachineTime& now, Done done) {
        return machine.sessions().Close(now, id, std::move(done));
      },
      [](const absl::Status&) {});
}

void WorkerSession::NoteAcquired(const WorkPlacePtr& place, int64_t asked, Acquired acquired) {
  int64_t count = 0;
  for (const AcquiredJobs& jobs : acquired.jobs) {
    count += CountOf(jobs);
    if (jobs.alone) alone_until_ms_ = jobs.lock_until_ms;
    held_until_ms_ = std::max(held_until_ms_, jobs.lock_until_ms);
  }
  credits_ = options_.once && count > 0 ? 0 : credits_ - count;
  if (!options_.once) held_ += count;
  draining_ = acquired.alone_waiting > 0 && held_ > 0;
  place->scan_from = acquired.scan_from;
  if (!acquired.scan_from) places_.GiveUpLease(place.get());
  place->ready = place->signalled || count == asked || places_.CanScan(place.get());
  if (acquired.available > 0) to_wake_.push_back(place->id);
  if (count == 0) return;
  undelivered_.Put(place, std::move(acquired.jobs));
}

// --- To the owner ---

void WorkerSession::Deliver() {
  while (!undelivered_.empty() && deliveries_ < kDeliveries) {
    const WorkPlacePtr& place = undelivered_.place();
    const Offset next = undelivered_.next();
    if (buffer_ == nullptr || !buffer_->Has(place->id.partition, next)) {
      const int64_t bytes = undelivered_.count() > kFewJobs
                                ? options_.read_bytes
                                : std::min(options_.read_bytes, kFewJobsBytes);
      return Read(place, next, bytes, &WorkerSession::OnMissingRead);
    }
    ++deliveries_;
    owner_->OnJobs(undelivered_.Take(buffer_));
  }
}

void WorkerSession::OnMissingRead(const WorkPlacePtr& place, Offset from,
                                  absl::StatusOr<PartitionRead> read) {
  {
    absl::MutexLock lock(&mu_);
    busy_ = false;
    if (closed_ || owner_ == nullptr) return;  // the next owner's jobs are read again
    const bool found = read.ok() && read->read.next_offset > from;
    if (found) {
      const Offset next = read->read.next_offset;
      buffer_ = std::make_shared<const JobBuffer>(
          JobBuffer{place->id.partition, *std::move(read), from, next});
    } else if (IsMemory(read.status())) {
      busy_ = true;
      action_ = [self = shared_from_this()] {
        const auto rested = self->services_->waiters->Add(
            {}, self->services_->clock->Monotonic() + kMemoryRest, [self](WakeReason) {
              {
                absl::MutexLock again(&self->mu_);
                self->busy_ = false;
              }
              self->Pump();
            });
        if (rested.ok()) return;
        absl::MutexLock again(&self->mu_);
        self->busy_ = false;
        self->End(rested.status());
      };
    } else {
      GiveBack(place, read.ok() ? absl::OutOfRangeError("the log ends before it") : read.status());
    }
  }
  Pump();
}

void WorkerSession::GiveBack(const WorkPlacePtr& place, const absl::Status& why) {
  const AcquiredJobs jobs = undelivered_.TakeFirst();
  credits_ += CountOf(jobs);
  held_ = std::max<int64_t>(held_ - CountOf(jobs), 0);
  // What is damaged cannot be done by anybody; what the log has lost expires with it; what cannot
  // be read now may be later.
  const bool damaged = absl::IsDataLoss(why);
  AcknowledgeRequest request{.id = place->id, .log_end = place->partition->high_watermark()};
  request.items.push_back({.first = jobs.first,
                           .last = jobs.last,
                           .token = jobs.token,
                           .outcome = damaged ? AckOutcome::kReject : AckOutcome::kReleaseUncounted,
                           .error = std::string(why.message().substr(0, limits::kJobErrorBytes))});
  action_ = [self = shared_from_this(), shard = place->shard,
             request = std::move(request)]() mutable {
    self->services_->shares->Ask<std::vector<AckResult>>(
        shard,
        [request = std::move(request)](ShareMachine& machine, const MachineTime& now,
                                       Reply<std::vector<AckResult>> reply) mutable {
          return machine.acknowledgement().Acknowledge(now, std::move(request), std::move(reply));
        },
        [](const absl::StatusOr<std::vector<AckResult>>&) {});  // or the lock expires
  };
}

}  // namespace weir
