#include "broker/runtime/shard.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/runtime/internal_log.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "storage/record/record_batch.h"

namespace weir {
namespace {

constexpr absl::Duration kReloadPause = absl::Milliseconds(500);
// The shard's own timers; no machine's key begins with a zero byte.
constexpr absl::string_view kReloadKey{"\0reload", 7};
constexpr absl::string_view kStoreKey{"\0store", 6};

std::string AppliedKey(const TopicPartition& id) {
  char number[4];
  StoreBig(number, id.partition.value());
  return absl::StrCat(id.topic.ToString(), absl::string_view(number, sizeof(number)));
}

std::string Name(const TopicPartition& id) {
  return absl::StrCat("internal partition ", id.topic.ToString(), "/", id.partition.value());
}

}  // namespace

absl::StatusOr<Offset> AppliedOffset(const StateStore& store, const TopicPartition& id) {
  const absl::StatusOr<std::string> value = store.Get(StateFamily::kApplied, AppliedKey(id));
  if (absl::IsNotFound(value.status())) return Offset{0};
  WEIR_RETURN_IF_ERROR(value.status());
  if (value->size() != sizeof(int64_t)) {
    return absl::DataLossError(
        absl::StrCat("the state of ", Name(id), " does not say how far it goes"));
  }
  return Offset{LoadBig<int64_t>(value->data())};
}

Shard::Shard(ShardOptions options, StateMachine* machine)
    : options_(std::move(options)),
      machine_(machine),
      timers_(options_.timers, &strand_),
      strand_(options_.executor) {}

Shard::~Shard() { WEIR_CHECK(stopping_ && stopped_ == nullptr); }

MachineTime Shard::Now() const { return {options_.clock->NowMs(), options_.clock->Monotonic()}; }

absl::Status Shard::Load() {
  WEIR_RETURN_IF_ERROR(LoadMachine(Offset{0}));
  strand_.Post([this] { machine_->OnLoaded(Now()); });
  return absl::OkStatus();
}

absl::Status Shard::LoadMachine(Offset at_least) {
  unwritten_.clear();
  WEIR_ASSIGN_OR_RETURN(written_, AppliedOffset(*options_.store, partition()));
  applied_ = written_;
  const Offset end = options_.log->high_watermark();
  if (applied_ > end) {
    return absl::DataLossError(
        absl::StrCat("the state of ", Name(partition()), " contains offsets up to ",
                     applied_.value(), ", but its log ends at ", end.value(),
                     ": log and state are not of one time; restore both from one backup"));
  }
  if (applied_ < options_.log->log_start()) {
    return absl::DataLossError(
        absl::StrCat("the state of ", Name(partition()), " ends at offset ", applied_.value(),
                     ", but its log begins at ", options_.log->log_start().value(),
                     ": what lies between is lost; restore both from one backup"));
  }
  WEIR_RETURN_IF_ERROR(machine_->Load(*options_.store));
  WEIR_ASSIGN_OR_RETURN(
      const Offset next,
      ReadInternalLog(*options_.log, applied_, [&](Offset offset, const InternalRecord& record) {
        std::vector<StateChange> changes;
        absl::Status status = machine_->Replay(record, &changes);
        NoteDurable(std::move(changes), offset + 1);
        return status;
      }));
  if (next < at_least) {
    return absl::UnavailableError(
        absl::StrCat("records of ", Name(partition()), " up to offset ", at_least.value(),
                     " are durable but can be read only up to ", next.value(), " for now"));
  }
  next_offset_ = next;
  return absl::OkStatus();
}

absl::Status Shard::Refusal() const {
  if (stopping_) return MakeError(Reason::kShuttingDown, "the broker is stopping");
  return broken_;
}

void Shard::Submit(Handler handler, absl::AnyInvocable<void(const absl::Status&)> refused) {
  strand_.Post([this, handler = std::move(handler), refused = std::move(refused)]() mutable {
    if (const absl::Status refusal = Refusal(); !refusal.ok()) return refused(refusal);
    Run(std::move(handler));
  });
}

void Shard::Run(Handler handler) {
  Decision decision = handler(Now());
  if (!decision.records.empty()) {
    Round& round = GatheringRound();
    for (InternalRecord& record : decision.records) {
      // What a machine decides it can replay.
      WEIR_CHECK(machine_->Replay(record, &round.changes).ok());
      round.bytes += static_cast<int64_t>(record.payload.size());
      round.records.push_back(std::move(record));
    }
    if (decision.answer) round.answers.push_back(std::move(decision.answer));
    if (rounds_.size() == 1) SendNext();
  } else if (decision.answer) {
    // It has seen what was replayed before, which may not be durable yet.
    if (rounds_.empty() || SeededBug("answer-before-durable")) {
      decision.answer(absl::OkStatus());
    } else {
      rounds_.back().answers.push_back(std::move(decision.answer));
    }
  }
}

Shard::Round& Shard::GatheringRound() {
  const bool only_one_under_way = rounds_.size() == 1;
  if (rounds_.empty() || only_one_under_way || rounds_.back().bytes >= limits::kInternalRoundBytes)
    rounds_.emplace_back();
  return rounds_.back();
}

void Shard::SendNext() {
  std::string bytes = EncodeInternalBatch(rounds_.front().records, options_.clock->NowMs());
  const RecordBatchHeader header = DecodeBatchHeader(bytes.data());
  AppendRequest request;
  request.batches.push_back(
      {.log = options_.log, .header = header, .bytes = SharedBytes::FromString(std::move(bytes))});
  request.done = [this](absl::StatusOr<std::vector<AppendResult>> results) {
    strand_.Post([this, results = std::move(results)] { OnAppended(results); });
  };
  options_.logs->Append(std::move(request));
}

void Shard::OnAppended(const absl::StatusOr<std::vector<AppendResult>>& results) {
  if (!results.ok()) return OnFailed(results.status());
  Round round = std::move(rounds_.front());
  rounds_.pop_front();
  WEIR_CHECK(results->front().base_offset == next_offset_);  // nobody else appends here
  next_offset_ += static_cast<int64_t>(round.records.size());
  NoteDurable(std::move(round.changes), next_offset_);
  if (!rounds_.empty()) SendNext();
  for (Answer& answer : round.answers) answer(absl::OkStatus());
  FinishStopping();
}

void Shard::OnFailed(const absl::Status& why) {
  std::deque<Round> failed = std::exchange(rounds_, {});
  timers_.CancelAll();
  Reload();
  for (Round& round : failed) {
    for (Answer& answer : round.answers) answer(why);
  }
  FinishStopping();
}

void Shard::Reload() {
  broken_ = LoadMachine(next_offset_);
  if (broken_.ok()) return machine_->OnLoaded(Now());
  // Handlers would see a state that never was. Records that are durable and cannot be read yet, as
  // on a full disk, can be later.
  timers_.Set(kReloadKey, options_.clock->Monotonic() + kReloadPause, [this] { Reload(); });
}

void Shard::SetTimer(absl::string_view key, absl::Duration at, Handler handler) {
  timers_.Set(key, at, [this, handler = std::move(handler)]() mutable {
    if (Refusal().ok()) Run(std::move(handler));
  });
}

void Shard::NoteDurable(std::vector<StateChange> changes, Offset end) {
  for (StateChange& change : changes)
    unwritten_[{change.family, std::move(change.key)}] = std::move(change.value);
  applied_ = end;
  if (unwritten_.size() >= limits::kUnwrittenStateChanges) {
    WriteStoreNow().IgnoreError();  // it is kept and tried again
  } else if (!timers_.contains(kStoreKey)) {
    timers_.Set(kStoreKey, options_.clock->Monotonic() + options_.store_pause,
                [this] { WriteStoreNow().IgnoreError(); });
  }
}

absl::Status Shard::WriteStoreNow() {
  if (written_ == applied_) return absl::OkStatus();
  std::vector<StateChange> changes;
  changes.reserve(unwritten_.size() + 1);
  for (const auto& [place, value] : unwritten_)
    changes.push_back({.family = place.first, .key = place.second, .value = value});
  std::string applied(sizeof(int64_t), '\0');
  StoreBig(applied.data(), applied_.value());
  changes.push_back({.family = StateFamily::kApplied,
                     .key = AppliedKey(partition()),
                     .value = std::move(applied)});
  WEIR_RETURN_IF_ERROR(options_.store->Write(changes));
  written_ = applied_;
  unwritten_.clear();
  return absl::OkStatus();
}

void Shard::WriteStore(absl::AnyInvocable<void(const absl::Status&)> done) {
  strand_.Post([this, done = std::move(done)]() mutable { done(WriteStoreNow()); });
}

void Shard::Stop(absl::AnyInvocable<void()> done) {
  strand_.Post([this, done = std::move(done)]() mutable {
    stopping_ = true;
    stopped_ = std::move(done);
    FinishStopping();
  });
}

void Shard::FinishStopping() {
  if (stopped_ == nullptr || !rounds_.empty()) return;
  WriteStoreNow().IgnoreError();  // what is missing there the log brings back
  timers_.Close();
  std::exchange(stopped_, nullptr)();
}

}  // namespace weir
