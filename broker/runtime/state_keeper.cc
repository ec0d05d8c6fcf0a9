#include "broker/runtime/state_keeper.h"

#include <algorithm>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

constexpr absl::string_view kRoundKey = "round";

}  // namespace

absl::StatusOr<std::unique_ptr<StateKeeper>> StateKeeper::Open(StateKeeperOptions options,
                                                               StateNotes* notes) {
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<StateStore> store,
                        RecoverState(options.files, options.partitions, notes));
  WEIR_ASSIGN_OR_RETURN(std::vector<int64_t> snapshots, options.files.Snapshots());
  std::unique_ptr<StateKeeper> keeper(
      new StateKeeper(std::move(options), std::move(store), std::move(snapshots)));
  WEIR_ASSIGN_OR_RETURN(keeper->flushed_,
                        AppliedOffsets(keeper->store(), keeper->options_.partitions));
  return keeper;
}

StateKeeper::StateKeeper(StateKeeperOptions options, std::unique_ptr<StateStore> store,
                         std::vector<int64_t> snapshots)
    : options_(std::move(options)),
      store_(std::move(store)),
      snapshot_at_(options_.timers->Now()),
      sizes_(options_.partitions.size()),
      timers_(options_.timers, &strand_),
      strand_(options_.executor) {
  for (const int64_t number : snapshots)
    snapshots_.push_back({.number = number, .applied = std::nullopt});
}

StateKeeper::~StateKeeper() { WEIR_CHECK(stopped_); }

void StateKeeper::Start(std::vector<Shard*> shards) {
  strand_.Post([this, shards = std::move(shards)]() mutable {
    shards_ = std::move(shards);
    SetTimer();
  });
}

void StateKeeper::Flush(Done done) {
  strand_.Post([this, done = std::move(done)]() mutable {
    if (stopped_ || stop_ != nullptr)
      return done(MakeError(Reason::kShuttingDown, "the broker is stopping"));
    if (!failed_.ok()) return done(failed_);
    waiting_.push_back(std::move(done));
    BeginRound();
  });
}

void StateKeeper::BeginRound() {
  if (in_round_ || !failed_.ok()) return;
  in_round_ = true;
  if (options_.disk_is_low && options_.disk_is_low()) return PassOver();
  round_status_ = absl::OkStatus();
  shards_writing_ = shards_.size();
  if (shards_.empty()) return EndRound(absl::OkStatus());
  for (Shard* const shard : shards_) {
    shard->WriteStore([this](const absl::Status& status) {
      strand_.Post([this, status] { OnShardWritten(status); });
    });
  }
}

void StateKeeper::PassOver() {
  in_round_ = false;
  SetTimer();
  for (Done& done : std::exchange(waiting_, {}))
    done(MakeError(Reason::kDiskLow, "the disk is low: nothing is flushed for now"));
}

void StateKeeper::SetTimer() {
  timers_.Set(kRoundKey, options_.timers->Now() + options_.flush_pause, [this] { BeginRound(); });
}

void StateKeeper::OnShardWritten(const absl::Status& status) {
  round_status_.Update(status);
  if (--shards_writing_ > 0) return;
  EndRound(round_status_.ok() ? FlushAndSnapshot() : round_status_);
}

void StateKeeper::EndRound(absl::Status status) {
  in_round_ = false;
  if (status.ok()) {
    SetTimer();
  } else {
    failed_ = status;
    if (options_.on_failure) options_.on_failure(status);
  }
  for (Done& done : std::exchange(waiting_, {})) done(status);
  FinishStopping();
}

void StateKeeper::Stop(absl::AnyInvocable<void()> done) {
  strand_.Post([this, done = std::move(done)]() mutable {
    stop_ = std::move(done);
    FinishStopping();
  });
}

void StateKeeper::FinishStopping() {
  if (stop_ == nullptr || in_round_) return;
  timers_.Close();
  stopped_ = true;
  std::exchange(stop_, nullptr)();
}

absl::Status StateKeeper::FlushStore() { return store_->Flush(); }

absl::Status StateKeeper::FlushAndSnapshot() {
  // What is written later the flush may hold too: these are the least.
  WEIR_ASSIGN_OR_RETURN(std::vector<Offset> applied, AppliedOffsets(*store_, options_.partitions));
  NoteGrowth();
  if (applied != flushed_) {
    WEIR_RETURN_IF_ERROR(store_->Flush());
    flushed_ = applied;
  }
  const bool is_new = snapshots_.empty() || snapshots_.back().applied != applied;
  const bool is_due = options_.timers->Now() - snapshot_at_ >= options_.snapshot_pause ||
                      grown_bytes_ >= options_.snapshot_bytes;
  if (!is_new || !is_due) return absl::OkStatus();
  WEIR_RETURN_IF_ERROR(MakeSnapshot(std::move(applied)));
  return TrimBelowOlderSnapshot();
}

void StateKeeper::NoteGrowth() {
  for (size_t i = 0; i < sizes_.size(); ++i) {
    const int64_t size = options_.partitions[i]->Describe().size_bytes;
    grown_bytes_ += std::max<int64_t>(0, size - sizes_[i]);  // it shrinks when it is trimmed
    sizes_[i] = size;
  }
}

absl::Status StateKeeper::MakeSnapshot(std::vector<Offset> applied) {
  const int64_t number = snapshots_.empty() ? 1 : snapshots_.back().number + 1;
  WEIR_RETURN_IF_ERROR(store_->Snapshot(options_.files.SnapshotPath(number)));
  snapshots_.push_back({.number = number, .applied = std::move(applied)});
  snapshot_at_ = options_.timers->Now();
  grown_bytes_ = 0;
  return absl::OkStatus();
}

absl::Status StateKeeper::TrimBelowOlderSnapshot() {
  while (snapshots_.size() > limits::kStateSnapshots) {
    WEIR_RETURN_IF_ERROR(options_.files.RemoveSnapshot(snapshots_.front().number));
    snapshots_.pop_front();
  }
  Snapshot& older = SeededBug("trim-below-newer-snapshot") ? snapshots_.back() : snapshots_.front();
  if (snapshots_.size() < limits::kStateSnapshots && !SeededBug("trim-below-newer-snapshot"))
    return absl::OkStatus();
  if (!older.applied.has_value()) WEIR_RETURN_IF_ERROR(LookInto(older));
  for (size_t i = 0; older.applied.has_value() && i < options_.partitions.size(); ++i) {
    const std::shared_ptr<PartitionLog>& log = options_.partitions[i];
    // Without an effect it is tried again after the next snapshot.
    if ((*older.applied)[i] > log->log_start())
      options_.logs->DeleteRecords(log, (*older.applied)[i], [](const absl::StatusOr<Offset>&) {});
  }
  return absl::OkStatus();
}

absl::Status StateKeeper::LookInto(Snapshot& snapshot) {
  {
    const absl::StatusOr<std::unique_ptr<StateStore>> copy =
        options_.files.OpenCopy(snapshot.number);
    if (copy.ok()) {
      WEIR_ASSIGN_OR_RETURN(snapshot.applied, AppliedOffsets(**copy, options_.partitions));
    } else if (!absl::IsDataLoss(copy.status()) && !absl::IsNotFound(copy.status())) {
      return copy.status();
    }
  }
  // A damaged one holds nothing back and lets nothing go: it is gone after the next snapshot.
  return options_.files.RemoveCopy();
}

}  // namespace weir
