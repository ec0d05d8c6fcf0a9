#include "broker/share/dead_letter_writer.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/share/job_records.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "storage/base/limits.h"

namespace weir {

struct DeadLetterWriter::Turn {
  SharePartitionId id;
  std::vector<DyingJob> taken;
  Reservation memory;
  std::optional<LetterMaker> maker;
};

DeadLetterWriter::~DeadLetterWriter() {
  absl::MutexLock lock(&mu_);
  WEIR_CHECK(turns_.empty());
}

void DeadLetterWriter::Start() {
  std::vector<TurnPtr> begun;
  {
    absl::MutexLock lock(&mu_);
    started_ = true;
    begun = NextTurns();
  }
  for (const TurnPtr& turn : begun) Take(turn);
}

void DeadLetterWriter::Stop() {
  absl::MutexLock lock(&mu_);
  stopping_ = true;
  waiting_.clear();
  waits_.clear();
  mu_.Await(absl::Condition(
      +[](absl::flat_hash_map<SharePartitionId, bool>* turns) { return turns->empty(); }, &turns_));
}

bool DeadLetterWriter::stopping() const {
  absl::MutexLock lock(&mu_);
  return stopping_;
}

void DeadLetterWriter::OnDying(const SharePartitionId& id) {
  std::vector<TurnPtr> begun;
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    if (const auto turn = turns_.find(id); turn != turns_.end()) {
      turn->second = true;
    } else {
      Wait(id);
    }
    begun = NextTurns();
  }
  for (const TurnPtr& turn : begun) Take(turn);
}

void DeadLetterWriter::Wait(const SharePartitionId& id) {
  if (waits_.insert(id).second) waiting_.push_back(id);
}

std::vector<DeadLetterWriter::TurnPtr> DeadLetterWriter::NextTurns() {
  std::vector<TurnPtr> begun;
  while (started_ && !waiting_.empty() &&
         turns_.size() < static_cast<size_t>(limits::kLetterRuns)) {
    auto turn = std::make_shared<Turn>();
    turn->id = std::move(waiting_.front());
    waiting_.pop_front();
    waits_.erase(turn->id);
    turns_.emplace(turn->id, false);
    begun.push_back(std::move(turn));
  }
  return begun;
}

void DeadLetterWriter::Take(const TurnPtr& turn) {
  options_.machines->Take(
      turn->id, limits::kLettersTaken,
      [this, turn](absl::StatusOr<std::vector<DyingJob>> jobs) { OnTaken(turn, std::move(jobs)); });
}

void DeadLetterWriter::OnTaken(const TurnPtr& turn, absl::StatusOr<std::vector<DyingJob>> jobs) {
  if (!jobs.ok() || jobs->empty() || stopping()) {
    // After an error the machine is loaded again, and tells of what is dying then.
    return EndTurn(turn, /*more=*/false);
  }
  turn->taken = *std::move(jobs);
  const auto begin = [this, turn](Reservation memory) {
    turn->memory = std::move(memory);
    options_.disk->Post([this, turn] { Begin(turn); });
  };
  std::optional<Reservation> memory =
      options_.memory->ReserveOrNotify(limits::kLetterMemory, begin);
  if (memory.has_value()) begin(*std::move(memory));
}

void DeadLetterWriter::EndTurn(const TurnPtr& turn, bool more) {
  turn->maker.reset();
  turn->memory.Release();
  std::vector<TurnPtr> begun;
  {
    absl::MutexLock lock(&mu_);
    const auto held = turns_.find(turn->id);
    const bool again = more || held->second;
    turns_.erase(held);
    if (again && !stopping_) Wait(turn->id);
    begun = NextTurns();
  }
  // Whoever stops waits for these; without them the writer may be gone.
  for (const TurnPtr& next : begun) Take(next);
}

absl::StatusOr<TopicPtr> DeadLetterWriter::DeadLetterTopicOf(const std::string& group) const {
  const std::shared_ptr<const ShareGroup> known = options_.directory->FindGroup(group);
  if (known != nullptr && known->dead_letter_topic.has_value()) {
    if (TopicPtr topic = options_.catalog->Find(known->dead_letter_topic->id)) return topic;
  }
  // Somebody has deleted it.
  WEIR_ASSIGN_OR_RETURN(const ShareTopic made, options_.directory->RequireDeadLetterTopic(group));
  if (TopicPtr topic = options_.catalog->Find(made.id)) return topic;
  return MakeError(Reason::kUnknownTopic,
                   absl::StrCat("the dead-letter topic '", made.name, "' has been deleted"));
}

absl::StatusOr<LetterMaker> DeadLetterWriter::MakerFor(Turn* turn) const {
  WEIR_ASSIGN_OR_RETURN(TopicPtr letters, DeadLetterTopicOf(turn->id.group));
  const TopicPtr topic = options_.catalog->Find(turn->id.partition.topic);
  if (topic == nullptr)
    return MakeError(Reason::kUnknownTopic, "the topic of the jobs has been deleted");
  WEIR_ASSIGN_OR_RETURN(PartitionManager::Found source,
                        options_.partitions->Find(topic, turn->id.partition.partition));
  return LetterMaker({.id = turn->id,
                      .topic = topic->name,
                      .letters = std::move(letters),
                      .partitions = options_.partitions,
                      .now_ms = options_.clock->NowMs()},
                     JobRecords(std::move(source.partition), std::move(turn->memory)),
                     std::move(turn->taken));
}

void DeadLetterWriter::Begin(const TurnPtr& turn) {
  std::vector<Offset> jobs;
  for (const DyingJob& job : turn->taken) jobs.push_back(job.first);
  absl::StatusOr<LetterMaker> maker = MakerFor(turn.get());
  if (!maker.ok()) return Postpone(turn, std::move(jobs), maker.status());
  turn->maker.emplace(*std::move(maker));
  GoOn(turn);
}

void DeadLetterWriter::GoOn(const TurnPtr& turn) {
  std::optional<LetterMaker::Portion> portion;
  if (turn->maker.has_value() && !stopping()) portion = turn->maker->Next();
  if (!portion.has_value()) return EndTurn(turn, /*more=*/true);
  if (!portion->why.ok()) return Postpone(turn, std::move(portion->jobs), portion->why);
  options_.machines->Write(
      {.id = turn->id, .jobs = std::move(portion->jobs), .batches = std::move(portion->batches)},
      [this, turn](const absl::StatusOr<int64_t>&) {
        // Refused or not, the machine knows what became of the jobs.
        Continue(turn);
      });
}

void DeadLetterWriter::Postpone(const TurnPtr& turn, std::vector<Offset> jobs,
                                const absl::Status& why) {
  options_.machines->Postpone(turn->id, std::move(jobs), why,
                              [this, turn](const absl::Status&) { Continue(turn); });
}

void DeadLetterWriter::Continue(const TurnPtr& turn) {
  options_.disk->Post([this, turn] { GoOn(turn); });
}

}  // namespace weir
