#include "tests/unit/share_simulation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {
namespace {

constexpr char kGroup[] = "g";
constexpr absl::Duration kResume = absl::Milliseconds(limits::kSessionResumeMs);

}  // namespace

ShareSimulation::ShareSimulation(uint64_t seed) : random_(seed) {
  world_.random = [this] { return random_.Next(); };
  world_.on_record = [this](const InternalRecord& record) { ledger_.OnRecord(record); };
  world_.on_locks_forgotten = [this] {
    ledger_.OnLocksForgotten();
    forgotten_ = newest_;
  };
  settings_.incarnation = 1;
  settings_.order = random_.Chance(0.6) ? ShareOrder::kKey : ShareOrder::kNone;
  settings_.max_delivery_attempts = static_cast<int32_t>(1 + random_.Below(5));
  settings_.max_in_flight = static_cast<int64_t>(1 + random_.Below(30));
  settings_.ack_timeout_ms = random_.Chance(0.5) ? 2'000 : 15'000;
  settings_.retry_backoff_initial_ms = 200;
  settings_.retry_backoff_max_ms = 2'000;
  world_.settings().Set(kGroup, settings_);
  for (int32_t i = 0; i < 2; ++i) {
    ids_.push_back({kGroup, {TopicId{{1}}, PartitionIndex{i}}});
    world_.Run([&](const MachineTime& now) {
      return world_.machine().admin().Open(now, ids_.back(), Offset{0},
                                           [](const absl::StatusOr<Offset>&) {});
    });
  }
  const uint64_t workers = 1 + random_.Below(5);
  for (uint64_t i = 0; i < workers; ++i)
    StartAnew(workers_.emplace_back(std::make_unique<Worker>()).get());
}

std::string ShareSimulation::Run(int actions) {
  for (int i = 0; i < actions && ledger_.wrong().empty(); ++i) {
    Act();
    world_.Advance(absl::Milliseconds(random_.Below(random_.Chance(0.1) ? 4'000 : 200)));
    NoteTimeouts();
    CheckCounts();
  }
  Calm();
  return ledger_.wrong();
}

void ShareSimulation::Act() {
  const uint64_t dice = random_.Below(100);
  if (dice < 20) return Produce();
  if (dice < 24) return TroubleBroker();
  if (dice < 28) return Administrate();
  if (dice < 30) return ChangeGroup();
  if (dice < 38) return WriteLetters(AnyPartition());
  ActOn(workers_[random_.Below(workers_.size())].get());
}

void ShareSimulation::ActOn(Worker* worker) {
  if (!worker->connected) return random_.Chance(0.6) ? ComeBack(worker) : Lie(worker);
  const uint64_t dice = random_.Below(100);
  if (dice < 45) return Acquire(worker, AnyPartition(), static_cast<int64_t>(random_.Below(8)));
  if (dice < 75) return Finish(worker, random_.Chance(0.6));
  if (dice < 80) return Renew(worker);
  if (dice < 90) return Lie(worker);
  if (dice < 95) return Break(worker);
  if (dice < 97) return Close(worker);
  Break(worker);  // killed: it never comes back
  StartAnew(worker);
}

void ShareSimulation::CheckCounts() {
  for (const auto& [number, entry] : world_.machine().table().entries()) {
    const SharePartition& partition = entry->partition;
    const Offset end = world_.log(partition.id().partition).end();
    int64_t unknown = 0;  // not scanned, and not finished before a restart
    partition.settled().VisitGaps({entry->scanned(), end - 1},
                                  [&](const OffsetRange& gap) { unknown += gap.size(); });
    Offset first_parked = partition.start();
    const ShareKeyRange places = ParkedPlacesOf(partition.place(), Offset{0});
    WEIR_CHECK(world_
                   .Scan(StateFamily::kParked, places.start, places.end,
                         [&](absl::string_view key, absl::string_view) {
                           first_parked = std::min(first_parked, OffsetOfParkedKey(key));
                           return false;
                         })
                   .ok());
    SharePartitionDescription is;
    Decision decision = world_.machine().admin().Describe(
        world_.now(), partition.id(),
        [&is](const absl::StatusOr<SharePartitionDescription>& answer) { is = *answer; });
    decision.answer(absl::OkStatus());
    const int64_t unfinished = is.progress.Unfinished(Offset{0}, end);
    if (is.jobs.all() + unknown != unfinished) {
      ledger_.Wrong(absl::StrCat("of ", unfinished, " unfinished jobs ", is.jobs.all(),
                                 " are counted and ", unknown, " not scanned"));
    }
    if (is.progress.oldest_unfinished != first_parked) {
      ledger_.Wrong(absl::StrCat("the first unfinished job is ", first_parked.value(), ", not ",
                                 is.progress.oldest_unfinished.value()));
    }
  }
}

void ShareSimulation::Produce() {
  world_.log(AnyPartition().partition).AppendAny(&random_, world_.now().now_ms);
}

void ShareSimulation::TroubleBroker() {
  switch (random_.Below(4)) {
    case 0:
      return Restart();
    case 1:
      return world_.WriteStore();
    case 2:
      return world_.FailNextAppend(MakeError(Reason::kCommitUncertain, "for the test"));
    default:
      // The clock of day is set; deliveries before their time would be no fault then.
      return world_.JumpWall(absl::Milliseconds(random_.Below(2'000)));
  }
}

void ShareSimulation::Restart() {
  const std::string difference = world_.Restart();
  if (!difference.empty()) ledger_.Wrong("a restart has changed the state: " + difference);
}

void ShareSimulation::Administrate() {
  const SharePartitionId& id = AnyPartition();
  const Offset end = world_.log(id.partition).end();
  if (end == Offset{0}) return;
  const std::vector<Offset> some{
      Offset{static_cast<int64_t>(random_.Below(static_cast<uint64_t>(end.value())))}};
  const auto nothing = [](const absl::StatusOr<int64_t>&) {};
  ShareAdmin& admin = world_.machine().admin();
  if (random_.Chance(0.2)) return Expire(id);
  const bool cancel = random_.Chance(0.3);
  world_.Run([&](const MachineTime& now) {
    if (cancel) return admin.CancelJobs(now, id, end, some, nothing);
    return admin.ReleaseJobs(now, id, some, nothing);
  });
}

void ShareSimulation::ChangeGroup() {
  settings_.pause = random_.Chance(0.4) ? SharePause::kPaused : SharePause::kRunning;
  world_.settings().Set(kGroup, settings_);
}

void ShareSimulation::Acquire(Worker* worker, const SharePartitionId& id, int64_t jobs) {
  AcquireRequest request{.id = id,
                         .session = worker->session,
                         .worker = absl::StrCat("w", worker->session.value()),
                         .max_jobs = jobs,
                         .session_is_idle = !ledger_.Holds(worker->session) && random_.Chance(0.8),
                         .scan = {}};
  const bool idle = request.session_is_idle;
  const absl::StatusOr<Acquired> acquired =
      world_.Acquire(std::move(request), static_cast<int64_t>(1 + random_.Below(10)));
  if (!acquired.ok()) return;  // an append of what was scanned has failed
  ledger_.OnAcquired(id, worker->session, idle, *acquired);
  for (const AcquiredJobs& got : acquired->jobs) {
    worker->batches.push_back({id, got.first, got.last, got.token});
    newest_ = got.token.counter;
  }
}

void ShareSimulation::Send(const AcknowledgeRequest& request) {
  ledger_.OnAcknowledging(request);
  world_.Run([&](const MachineTime& now) {
    return world_.machine().acknowledgement().Acknowledge(
        now, request, [&](const absl::StatusOr<std::vector<AckResult>>& results) {
          if (results.ok()) return ledger_.OnAcknowledged(request, *results);
          if (ReasonOf(results.status()) != Reason::kCommitUncertain)
            ledger_.Wrong(results.status().ToString());
        });
  });
}

void ShareSimulation::Finish(Worker* worker, bool accept) {
  if (worker->batches.empty()) return;
  const size_t which = random_.Below(worker->batches.size());
  HeldJobs batch = worker->batches[which];
  worker->batches.erase(worker->batches.begin() + static_cast<ptrdiff_t>(which));
  const Offset cut =
      batch.first +
      static_cast<int64_t>(random_.Below(static_cast<uint64_t>(batch.last - batch.first + 1)));
  AcknowledgeRequest request{
      .id = batch.id, .log_end = world_.log(batch.id.partition).end(), .items = {}};
  const auto add = [&](Offset first, Offset last, AckOutcome outcome) {
    AckItem item{.first = first, .last = last, .token = batch.token, .outcome = outcome};
    if (random_.Chance(0.3)) item.error = "it failed";
    if (random_.Chance(0.2)) item.delay_ms = static_cast<int64_t>(random_.Below(1'000));
    request.items.push_back(std::move(item));
  };
  const auto outcome = [&] {
    if (accept) return AckOutcome::kAccept;
    constexpr AckOutcome kOthers[] = {AckOutcome::kRelease, AckOutcome::kRelease,
                                      AckOutcome::kReleaseUncounted, AckOutcome::kReject};
    return kOthers[random_.Below(4)];
  };
  add(batch.first, cut, outcome());
  if (cut < batch.last && (calm_ || random_.Chance(0.7))) {
    add(cut + 1, batch.last, outcome());
  } else if (cut < batch.last) {
    worker->batches.push_back({batch.id, cut + 1, batch.last, batch.token});
  }
  worker->old.push_back(batch);
  Send(request);
  if (!calm_ && random_.Chance(0.1)) Send(request);  // the answer was lost on the way
}

void ShareSimulation::Lie(Worker* worker) {
  const std::vector<HeldJobs>& known = worker->old.empty() ? worker->batches : worker->old;
  if (known.empty()) return;
  HeldJobs batch = known[random_.Below(known.size())];
  AcknowledgeRequest request{
      .id = batch.id, .log_end = world_.log(batch.id.partition).end(), .items = {}};
  switch (random_.Below(3)) {
    case 0:  // too late, and honest about it
      break;
    case 1:  // a token that was never given
      batch.token = {world_.epoch(), 1'000'000'000 + static_cast<int64_t>(random_.Below(10))};
      break;
    default:  // of other jobs, with a token of this life: an older one nobody can check
      if (batch.token.epoch != world_.epoch()) return;
      if (batch.token.counter <= forgotten_) return;
      batch.first = batch.last + 1;
      batch.last = batch.first + static_cast<int64_t>(random_.Below(3));
  }
  constexpr AckOutcome kOutcomes[] = {AckOutcome::kAccept, AckOutcome::kRelease,
                                      AckOutcome::kReject};
  request.items.push_back({.first = batch.first,
                           .last = batch.last,
                           .token = batch.token,
                           .outcome = kOutcomes[random_.Below(3)]});
  Send(request);
}

void ShareSimulation::Renew(Worker* worker) {
  if (worker->batches.empty()) return;
  const HeldJobs& batch = worker->batches[random_.Below(worker->batches.size())];
  const RenewRequest request{.id = batch.id, .items = {{batch.first, batch.last, batch.token}}};
  world_.Run([&](const MachineTime& now) {
    return world_.machine().acknowledgement().Renew(now, request,
                                                    [&](const absl::StatusOr<Renewed>& renewed) {
                                                      if (renewed.ok())
                                                        ledger_.OnRenewed(request, *renewed);
                                                    });
  });
}

void ShareSimulation::Break(Worker* worker) {
  worker->connected = false;
  worker->broke_at = world_.now().monotonic;
  world_.Run([&](const MachineTime& now) {
    return world_.machine().sessions().Break(now, worker->session);
  });
}

void ShareSimulation::ComeBack(Worker* worker) {
  if (world_.now().monotonic - worker->broke_at >= kResume) return StartAnew(worker);
  world_.Run([&](const MachineTime& now) {
    return world_.machine().sessions().Resume(now, worker->session);
  });
  worker->connected = true;
}

void ShareSimulation::Close(Worker* worker) {
  ledger_.OnClosing();
  world_.Run([&](const MachineTime& now) {
    return world_.machine().sessions().Close(now, worker->session, [](const absl::Status&) {});
  });
  ledger_.OnClosed();
  ledger_.OnSessionEnded(worker->session);
  StartAnew(worker);
}

void ShareSimulation::StartAnew(Worker* worker) {
  worker->session = ShareSessionId{++last_session_};
  worker->connected = true;
  for (HeldJobs& batch : worker->batches) worker->old.push_back(std::move(batch));
  worker->batches.clear();
  if (worker->old.size() > 50) worker->old.erase(worker->old.begin(), worker->old.begin() + 25);
}

void ShareSimulation::NoteTimeouts() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    const bool over = !worker->connected && world_.now().monotonic - worker->broke_at >= kResume;
    if (over) ledger_.OnSessionEnded(worker->session);
  }
}

void ShareSimulation::WriteLetters(const SharePartitionId& id) {
  DeadLetters& letters = world_.machine().dead_letters();
  std::vector<Offset> jobs;
  world_.Run([&](const MachineTime& now) {
    return letters.Take(now, id, 1 + random_.Below(10),
                        [&jobs](const absl::StatusOr<std::vector<DyingJob>>& taken) {
                          if (!taken.ok()) return;
                          for (const DyingJob& job : *taken) jobs.push_back(job.first);
                        });
  });
  if (jobs.empty()) return;
  if (!calm_ && random_.Chance(0.2)) {
    // Somebody accepts late, while the letters are made.
    Lie(workers_[random_.Below(workers_.size())].get());
  }
  world_.refuse_appends =
      !calm_ && random_.Chance(0.3) ? absl::UnavailableError("for the test") : absl::OkStatus();
  const bool postpone = !calm_ && random_.Chance(0.1);
  DeadLettersRequest request{.id = id, .jobs = jobs, .batches = {}};
  request.batches.resize(jobs.size());
  world_.on_append = [&](size_t) {
    for (const Offset job : jobs) ledger_.OnLetter(id, job);
  };
  world_.Run([&](const MachineTime& now) {
    if (postpone) {
      return letters.Postpone(now, id, jobs, absl::UnavailableError("for the test"),
                              [](const absl::Status&) {});
    }
    return letters.Write(now, std::move(request), [](const absl::StatusOr<int64_t>&) {});
  });
  world_.on_append = [](size_t) {};
  world_.refuse_appends = absl::OkStatus();
}

void ShareSimulation::Expire(const SharePartitionId& id) {
  FakeJobLog& log = world_.log(id.partition);
  const auto room = static_cast<uint64_t>((log.end() - log.start) / 4 + 1);
  const Offset start = std::min(log.start + static_cast<int64_t>(random_.Below(room)), log.end());
  absl::StatusOr<int64_t> left = absl::UnknownError("");
  world_.Run([&](const MachineTime& now) {
    return world_.machine().admin().ExpireBelow(
        now, id, start, [&left](absl::StatusOr<int64_t> answer) { left = std::move(answer); });
  });
  if (!left.ok() || *left > 0) return;  // the log keeps them
  log.start = std::max(log.start, start);
  for (Offset job{0}; job < log.start; ++job) {
    if (ledger_.Of(id, job).fate == Fate::kUnfinished)
      ledger_.Wrong(absl::StrCat("job ", job.value(), " is lost with the log"));
  }
}

// No more trouble: everybody works well and is quick.
void ShareSimulation::Calm() {
  calm_ = true;
  world_.FailNextAppend(absl::OkStatus());
  settings_.pause = SharePause::kRunning;
  world_.settings().Set(kGroup, settings_);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker->connected) Close(worker.get());
    StartAnew(worker.get());
  }
  for (int i = 0; i < 400 && ledger_.wrong().empty(); ++i) {
    for (const std::unique_ptr<Worker>& worker : workers_) {
      for (const SharePartitionId& id : ids_) {
        Acquire(worker.get(), id, 5);
        while (!worker->batches.empty() && ledger_.wrong().empty()) Finish(worker.get(), true);
      }
    }
    for (const SharePartitionId& id : ids_) WriteLetters(id);
    world_.Advance(absl::Milliseconds(100));
  }
  for (const SharePartitionId& id : ids_) ledger_.CheckAllDone(id);
  Restart();
}

}  // namespace weir
