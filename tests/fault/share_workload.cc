#include "tests/fault/share_workload.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr int64_t kScanned = 8;  // records of a scan
constexpr int kCalmRounds = 200;

// Whatever comes of it: what was decided is looked at, not what was answered.
template <typename T>
Reply<T> Any() {
  return [](const absl::StatusOr<T>&) {};
}
Done AnyDone() {
  return [](const absl::Status&) {};
}

// The redriven topic's letters as a share-partition of their own, for marks.
SharePartitionId LettersOf(size_t machine) { return {"any", ShareDiskWorld::Letters(machine)}; }

}  // namespace

ShareWorkload::ShareWorkload(ShareDiskWorld* world, uint64_t seed, int life)
    : world_(*world), random_(seed), last_session_(static_cast<uint64_t>(life) * 1'000'000) {
  ShareSettings settings{.incarnation = 1};
  settings.max_delivery_attempts = 2;
  settings.ack_timeout_ms = 2'000;
  settings.retry_backoff_initial_ms = 200;
  settings.retry_backoff_max_ms = 2'000;
  world_.settings().Set("any", settings);
  settings.order = ShareOrder::kKey;
  world_.settings().Set("key", settings);
  for (size_t i = 0; i < ShareDiskWorld::kPartitions; ++i) {
    for (const char* const group : {"any", "key"}) {
      places_.push_back({group, {LogWorld::Topic(9), PartitionIndex{static_cast<int32_t>(i)}}});
    }
  }
  workers_.resize(3);
  for (Worker& worker : workers_) StartAnew(&worker);
  Open();
}

void ShareWorkload::Open() {
  for (const SharePartitionId& id : places_) {
    world_.Ask(MachineOf(id), [id](ShareMachine& machine, const MachineTime& now) {
      return machine.admin().Open(now, id, Offset{0}, Any<Offset>());
    });
  }
  for (size_t i = 0; i < ShareDiskWorld::kPartitions; ++i) {
    world_.Ask(i, [i](ShareMachine& machine, const MachineTime& now) {
      return machine.admin().Open(now, LettersOf(i), Offset{0}, Any<Offset>());
    });
  }
}

void ShareWorkload::Produce() {
  JobsOf(AnyPlace()).AppendAny(&random_, world_.logs().clock().NowMs());
}

void ShareWorkload::Acquire(Worker* worker, const SharePartitionId& id, int64_t jobs) {
  AcquireRequest request{.id = id,
                         .session = worker->session,
                         .worker = absl::StrCat("w", worker->session.value()),
                         .max_jobs = jobs,
                         .session_is_idle = worker->batches.empty(),
                         .scan = {}};
  const auto scan = scan_from_.find(id);
  if (scan != scan_from_.end() && scan->second < JobsOf(id).end()) {
    request.scan = JobsOf(id).Scan(scan->second, kScanned,
                                   id.group == "key" ? ShareOrder::kKey : ShareOrder::kNone);
  }
  const auto take = [this, worker, id](const absl::StatusOr<Acquired>& acquired) {
    if (!acquired.ok()) return;
    scan_from_.erase(id);
    if (acquired->scan_from.has_value()) scan_from_[id] = *acquired->scan_from;
    for (const AcquiredJobs& got : acquired->jobs)
      worker->batches.push_back({id, got.first, got.last, got.token});
  };
  world_.Ask(MachineOf(id), [request, take](ShareMachine& machine, const MachineTime& now) {
    return machine.acquisition().Acquire(now, request, take);
  });
}

void ShareWorkload::Send(const HeldJobs& batch, AckOutcome outcome) {
  AcknowledgeRequest request{.id = batch.id, .log_end = JobsOf(batch.id).end(), .items = {}};
  request.items.push_back({.first = batch.first,
                           .last = batch.last,
                           .token = batch.token,
                           .outcome = outcome,
                           .delay_ms = {},
                           .error = "it failed"});
  world_.Ask(MachineOf(batch.id), [request](ShareMachine& machine, const MachineTime& now) {
    return machine.acknowledgement().Acknowledge(now, request, Any<std::vector<AckResult>>());
  });
}

void ShareWorkload::Finish(Worker* worker, bool accept) {
  if (worker->batches.empty()) return;
  const size_t which = random_.Below(worker->batches.size());
  HeldJobs batch = worker->batches[which];
  worker->batches.erase(worker->batches.begin() + static_cast<ptrdiff_t>(which));
  constexpr AckOutcome kOthers[] = {AckOutcome::kRelease, AckOutcome::kRelease,
                                    AckOutcome::kReleaseUncounted, AckOutcome::kReject};
  if (batch.first < batch.last && random_.Chance(0.5)) {
    Send({batch.id, batch.first, batch.first, batch.token}, AckOutcome::kAccept);
    batch.first = batch.first + 1;
  }
  Send(batch, accept ? AckOutcome::kAccept : kOthers[random_.Below(4)]);
}

void ShareWorkload::Break(Worker* worker) {
  worker->connected = false;
  for (size_t i = 0; i < ShareDiskWorld::kPartitions; ++i) {
    world_.Ask(i, [session = worker->session](ShareMachine& machine, const MachineTime& now) {
      return machine.sessions().Break(now, session);
    });
  }
}

void ShareWorkload::Resume(Worker* worker) {
  worker->connected = true;
  for (size_t i = 0; i < ShareDiskWorld::kPartitions; ++i) {
    world_.Ask(i, [session = worker->session](ShareMachine& machine, const MachineTime& now) {
      return machine.sessions().Resume(now, session);
    });
  }
}

void ShareWorkload::Close(Worker* worker) {
  for (size_t i = 0; i < ShareDiskWorld::kPartitions; ++i) {
    world_.Ask(i, [session = worker->session](ShareMachine& machine, const MachineTime& now) {
      return machine.sessions().Close(now, session, AnyDone());
    });
  }
  StartAnew(worker);
}

void ShareWorkload::StartAnew(Worker* worker) {
  worker->session = ShareSessionId{++last_session_};
  worker->connected = true;
  worker->batches.clear();
}

void ShareWorkload::ActOn(Worker* worker) {
  if (!worker->connected) return random_.Chance(0.5) ? Resume(worker) : StartAnew(worker);
  const uint64_t dice = random_.Below(20);
  if (dice < 9) return Acquire(worker, AnyPlace(), static_cast<int64_t>(random_.Below(6)));
  if (dice < 18) return Finish(worker, random_.Chance(0.5));
  if (dice < 19) return Break(worker);
  Close(worker);
}

void ShareWorkload::WriteLetters(const SharePartitionId& id) {
  const size_t machine = MachineOf(id);
  const bool postpone = random_.Chance(0.1);
  const auto write = [this, id, machine,
                      postpone](const absl::StatusOr<std::vector<DyingJob>>& taken) {
    if (!taken.ok() || taken->empty()) return;
    DeadLettersRequest request{.id = id, .jobs = {}, .batches = {}};
    for (const DyingJob& job : *taken) request.jobs.push_back(job.first);
    world_.Ask(machine, [=, this](ShareMachine& shares, const MachineTime& now) {
      if (postpone) {
        return shares.dead_letters().Postpone(now, id, request.jobs,
                                              absl::UnavailableError("for the test"), AnyDone());
      }
      DeadLettersRequest letters = request;
      letters.batches.push_back(
          world_.BatchFor(ShareDiskWorld::Letters(machine), letters.jobs.size()));
      return shares.dead_letters().Write(now, std::move(letters), Any<int64_t>());
    });
  };
  world_.Ask(machine, [id, write](ShareMachine& shares, const MachineTime& now) {
    return shares.dead_letters().Take(now, id, 4, write);
  });
}

void ShareWorkload::Redrive(size_t machine) {
  const auto letters = static_cast<uint64_t>(world_.RecordsOf(ShareDiskWorld::Letters(machine)));
  if (letters == 0) return;
  const Offset letter{static_cast<int64_t>(random_.Below(letters))};
  world_.Ask(machine, [=, this](ShareMachine& shares, const MachineTime& now) {
    MarkRequest request{.id = LettersOf(machine), .offsets = {letter}, .batches = {}};
    request.batches.push_back(world_.BatchFor(ShareDiskWorld::Redriven(machine), 1));
    return shares.admin().Mark(now, std::move(request), Any<std::vector<Offset>>());
  });
}

void ShareWorkload::Expire(const SharePartitionId& id) {
  const FakeJobLog& log = JobsOf(id);
  const Offset start{log.end().value() * 3 / 4};
  world_.Ask(MachineOf(id), [id, start](ShareMachine& machine, const MachineTime& now) {
    return machine.admin().ExpireBelow(now, id, start, Any<int64_t>());
  });
}

void ShareWorkload::Reset(const SharePartitionId& id) {
  ShareSettings settings = *world_.settings().Find(id.group);
  settings.pause = SharePause::kPaused;
  world_.settings().Set(id.group, settings);
  const Offset start{JobsOf(id).end().value() / 2};
  world_.Ask(MachineOf(id), [id, start](ShareMachine& machine, const MachineTime& now) {
    return machine.admin().Reset(now, id, start, /*dry_run=*/false,
                                 Any<SharePartitionDescription>());
  });
  world_.Pump();
  settings.pause = SharePause::kRunning;
  world_.settings().Set(id.group, settings);
  scan_from_.erase(id);
}

void ShareWorkload::Command() {
  const SharePartitionId id = AnyPlace();
  const Offset end = JobsOf(id).end();
  if (end == Offset{0}) return;
  const std::vector<Offset> some{
      Offset{static_cast<int64_t>(random_.Below(static_cast<uint64_t>(end.value())))}};
  switch (random_.Below(8)) {
    case 0:
      return Reset(id);
    case 1:  // its topic goes, and comes again
      world_.Ask(MachineOf(id), [id](ShareMachine& machine, const MachineTime&) {
        return machine.admin().Remove(id, AnyDone());
      });
      scan_from_.erase(id);
      return Open();
    case 2:
    case 3:
      return Expire(id);
    case 4:
    case 5:
      return world_.Ask(MachineOf(id), [=](ShareMachine& machine, const MachineTime& now) {
        return machine.admin().CancelJobs(now, id, end, some, Any<int64_t>());
      });
    default:
      return world_.Ask(MachineOf(id), [=](ShareMachine& machine, const MachineTime& now) {
        return machine.admin().ReleaseJobs(now, id, some, Any<int64_t>());
      });
  }
}

void ShareWorkload::Step() {
  switch (random_.Below(20)) {
    case 0:
    case 1:
    case 2:
      Produce();
      break;
    case 3:
    case 4:
      WriteLetters(AnyPlace());
      break;
    case 5:
    case 6:
      Command();
      break;
    case 7:
      Redrive(random_.Below(ShareDiskWorld::kPartitions));
      break;
    case 8:
      // Locks and sessions end, jobs fall due.
      world_.Advance(absl::Milliseconds(200 + random_.Below(4'000)));
      break;
    case 9:
      if (random_.Chance(0.3)) {
        world_.logs().Checkpoint();
      } else if (random_.Chance(0.5)) {
        // The keeper flushes and makes snapshots.
        world_.Advance(absl::Seconds(5 + static_cast<int64_t>(random_.Below(30))));
      }
      break;
    default:
      ActOn(&workers_[random_.Below(workers_.size())]);
  }
  if (random_.Chance(0.4)) world_.Pump();
}

bool ShareWorkload::Calm() {
  world_.Pump();
  for (Worker& worker : workers_) Close(&worker);
  const auto all_done = [this] { return world_.AllDone(0) && world_.AllDone(1); };
  for (int i = 0; i < kCalmRounds && !all_done(); ++i) {
    for (const SharePartitionId& id : places_) {
      Worker& worker = workers_[static_cast<size_t>(i) % workers_.size()];
      Acquire(&worker, id, 5);
      world_.Pump();
      while (!worker.batches.empty()) Finish(&worker, /*accept=*/true);
      WriteLetters(id);
      world_.Pump();
    }
    // Some are to be delivered late: the clock of an earlier life was ahead.
    world_.Advance(i < kCalmRounds / 4 ? absl::Milliseconds(300) : absl::Seconds(10));
  }
  return all_done();
}

}  // namespace weir
