#include "broker/runtime/shard.h"

#include <algorithm>
#include <iterator>
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

size_t PartsElsewhere(const Decision& decision) {
  return decision.appends.size() + decision.log_starts.size();
}

std::vector<TopicPartition> Elsewhere(const Decision& decision) {
  std::vector<TopicPartition> partitions;
  for (const BatchAppend& append : decision.appends) partitions.push_back(append.log->id());
  for (const LogStartMove& move : decision.log_starts) partitions.push_back(move.log->id());
  return partitions;
}

// What the decision takes in an append, at most.
int64_t BytesOf(const Decision& decision) {
  int64_t bytes = 0;
  for (const InternalRecord& record : decision.records)
    bytes += static_cast<int64_t>(record.payload.size()) + limits::kInternalRecordOverhead;
  for (const BatchAppend& append : decision.appends)
    bytes += static_cast<int64_t>(append.bytes.size());
  return bytes;
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
  unwritten_.Clear();
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
        StateOverlay changes;
        if (SeededBug("replay-stops-early") && offset + 1 == end) return absl::OkStatus();
        absl::Status status = Replay(record, &changes);
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

absl::Status Shard::CheckElsewhere(const Decision& decision) const {
  const int64_t bytes = BytesOf(decision);
  const size_t parts = PartsElsewhere(decision);
  if (bytes > limits::kDecisionAppendBytes || parts > limits::kDecisionAppendParts) {
    return MakeError(Reason::kMessageTooLarge,
                     absl::StrCat("one decision about ", parts, " parts elsewhere and ", bytes,
                                  " bytes, at most ", limits::kDecisionAppendParts, " and ",
                                  limits::kDecisionAppendBytes, " are allowed"));
  }
  return options_.logs->CheckAtomicAppend(decision.appends, decision.log_starts);
}

Decision Shard::Settle(Decision decision) {
  while (PartsElsewhere(decision) > 0) {
    WEIR_CHECK(!decision.records.empty());
    const absl::Status refusal = CheckElsewhere(decision);
    if (refusal.ok()) break;
    if (decision.instead) {
      auto instead = std::move(decision.instead);
      decision = instead(Now(), refusal);
    } else {
      decision = Decision{.answer = [answer = std::move(decision.answer),
                                     refusal](const absl::Status& durable) mutable {
        if (answer) answer(durable.ok() ? refusal : durable);
      }};
    }
  }
  return decision;
}

void Shard::Run(Handler handler) {
  Decision decision = Settle(handler(Now()));
  Answer answer{.tell = std::move(decision.answer), .elsewhere = Elsewhere(decision)};
  if (!decision.records.empty()) {
    const int64_t bytes = BytesOf(decision);
    Round& round = GatheringRound(decision, bytes);
    for (InternalRecord& record : decision.records) {
      // What a machine decides it can replay.
      WEIR_CHECK(Replay(record, &round.changes).ok());
      round.records.push_back(std::move(record));
    }
    round.bytes += bytes;
    std::move(decision.appends.begin(), decision.appends.end(), std::back_inserter(round.appends));
    std::move(decision.log_starts.begin(), decision.log_starts.end(),
              std::back_inserter(round.log_starts));
    if (SeededBug("answer-before-append")) {
      answer.tell(absl::OkStatus());
    } else if (answer.tell) {
      round.answers.push_back(std::move(answer));
    }
    if (SeededBug("store-ahead-of-log")) {
      Offset end = next_offset_;
      for (const Round& under_way : rounds_) end += static_cast<int64_t>(under_way.records.size());
      NoteDurable(std::exchange(round.changes, {}), end);
    }
    if (rounds_.size() == 1) SendNext();
  } else if (answer.tell) {
    // It has seen what was replayed before, which may not be durable yet.
    if (rounds_.empty() || SeededBug("answer-before-durable")) {
      answer.tell(absl::OkStatus());
    } else {
      rounds_.back().answers.push_back(std::move(answer));
    }
  }
}

Shard::Round& Shard::GatheringRound(const Decision& decision, int64_t bytes) {
  const bool only_one_under_way = rounds_.size() == 1;
  bool full = rounds_.empty() || only_one_under_way;
  if (!full) {
    const Round& round = rounds_.back();
    const size_t parts = round.parts_elsewhere() + PartsElsewhere(decision);
    const bool too_much =  // for an atomic append, of which the records are a part too
        parts > 0 &&
        (parts + 1 > limits::kAtomicAppendParts ||
         round.bytes + bytes > limits::kAtomicAppendBytes - limits::kInternalRoundBytes);
    full = round.bytes >= limits::kInternalRoundBytes || too_much;
  }
  if (full) rounds_.emplace_back();
  return rounds_.back();
}

void Shard::SendNext() {
  Round& round = rounds_.front();
  std::string bytes = EncodeInternalBatch(round.records, options_.clock->NowMs());
  const RecordBatchHeader header = DecodeBatchHeader(bytes.data());
  AppendRequest request;
  request.atomic = round.parts_elsewhere() > 0;
  request.batches.push_back({.log = options_.log,
                             .header = header,
                             .bytes = SharedBytes::FromString(std::move(bytes)),
                             .internal = true});
  std::move(round.appends.begin(), round.appends.end(), std::back_inserter(request.batches));
  request.log_starts = std::move(round.log_starts);
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
  for (Answer& answer : round.answers) answer.tell(absl::OkStatus());
  FinishStopping();
}

absl::Status Shard::WhyFailed(const Answer& answer, const absl::Status& why) const {
  const std::optional<TopicPartition> part = RefusedPart(why);
  if (!part.has_value() || *part == partition() ||
      std::find(answer.elsewhere.begin(), answer.elsewhere.end(), *part) !=
          answer.elsewhere.end()) {
    return why;
  }
  return MakeError(Reason::kTooManyRequests,
                   absl::StrCat("nothing was done: what was decided before was refused (",
                                why.message(), "); try again"),
                   kReloadPause);
}

void Shard::OnFailed(const absl::Status& why) {
  std::deque<Round> failed = std::exchange(rounds_, {});
  timers_.CancelAll();
  Reload();
  for (Round& round : failed) {
    for (Answer& answer : round.answers) answer.tell(WhyFailed(answer, why));
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

absl::Status Shard::Replay(const InternalRecord& record, StateOverlay* changes) {
  std::vector<StateChange> made;
  WEIR_RETURN_IF_ERROR(machine_->Replay(record, &made));
  for (StateChange& change : made) changes->Add(std::move(change));
  return absl::OkStatus();
}

std::vector<const StateOverlay*> Shard::Layers() const {
  std::vector<const StateOverlay*> layers{&unwritten_};
  for (const Round& round : rounds_) layers.push_back(&round.changes);
  return layers;
}

absl::StatusOr<std::string> Shard::Get(StateFamily family, absl::string_view key) const {
  return GetOver(*options_.store, Layers(), family, key);
}

absl::Status Shard::Scan(StateFamily family, absl::string_view start, absl::string_view end,
                         Visit visit) const {
  return ScanOver(*options_.store, Layers(), family, start, end, visit);
}

void Shard::NoteDurable(StateOverlay changes, Offset end) {
  unwritten_.Add(std::move(changes));
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
  std::vector<StateChange> changes = unwritten_.Changes();
  std::string applied(sizeof(int64_t), '\0');
  StoreBig(applied.data(), applied_.value());
  changes.push_back({.family = StateFamily::kApplied,
                     .key = AppliedKey(partition()),
                     .value = std::move(applied)});
  WEIR_RETURN_IF_ERROR(options_.store->Write(changes));
  written_ = applied_;
  unwritten_.Clear();
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
