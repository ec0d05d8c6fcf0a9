#include "broker/share/share_partition.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/base/bytes.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "weir/internal/share.pb.h"

namespace weir {
namespace {

std::string Number(int64_t value) {
  std::string bytes(sizeof(value), '\0');
  StoreBig(bytes.data(), value);
  return bytes;
}

void Put(StateFamily family, std::string key, std::string value,
         std::vector<StateChange>* changes) {
  changes->push_back({family, std::move(key), std::move(value), {}});
}

void Remove(StateFamily family, std::string key, std::vector<StateChange>* changes) {
  changes->push_back({family, std::move(key), std::nullopt, {}});
}

}  // namespace

SharePartition::SharePartition(const SharePlace& place, SharePartitionId id, int64_t incarnation,
                               Offset start)
    : place_(place), id_(std::move(id)), incarnation_(incarnation), start_(start) {}

int64_t SharePartition::parked() const {
  return std::accumulate(parked_.begin(), parked_.end(), int64_t{0});
}

std::string SharePartition::Encode() const {
  internal::SharePartitionState message;
  message.set_group(id_.group);
  message.set_incarnation(incarnation_);
  const auto& topic = id_.partition.topic.bytes;
  message.set_topic_id(std::string(topic.begin(), topic.end()));
  message.set_partition(id_.partition.partition.value());
  message.set_start(start_.value());
  message.set_blocked_end(blocked_end_.value());
  message.set_retries(parked(ParkedCause::kRetry));
  message.set_delayed(parked(ParkedCause::kDelayed));
  message.set_blocked(parked(ParkedCause::kBlocked));
  message.set_dying(parked(ParkedCause::kDying));
  message.set_accepted(counts_.accepted);
  message.set_cancelled(counts_.cancelled);
  message.set_expired(counts_.expired);
  for (const int64_t died : counts_.died) message.add_died(died);
  return message.SerializeAsString();
}

absl::StatusOr<SharePartition> SharePartition::Decode(const SharePlace& place,
                                                      absl::string_view state) {
  internal::SharePartitionState message;
  SharePartitionId id;
  auto& topic = id.partition.topic.bytes;
  const bool sound = message.ParseFromArray(state.data(), static_cast<int>(state.size())) &&
                     !message.group().empty() && message.topic_id().size() == topic.size() &&
                     message.partition() >= 0 && message.start() >= 0 &&
                     message.died_size() == kDeathReasons;
  if (!sound) {
    return absl::DataLossError(
        absl::StrCat("the stored state of share-partition ", place.number, " is damaged"));
  }
  id.group = message.group();
  std::copy(message.topic_id().begin(), message.topic_id().end(), topic.begin());
  id.partition.partition = PartitionIndex{message.partition()};
  SharePartition partition(place, std::move(id), message.incarnation(), Offset{message.start()});
  partition.blocked_end_ = Offset{message.blocked_end()};
  partition.parked_ = {0, message.retries(), message.delayed(), message.blocked(), message.dying()};
  partition.counts_ = {.accepted = message.accepted(),
                       .cancelled = message.cancelled(),
                       .expired = message.expired(),
                       .died = {}};
  std::copy(message.died().begin(), message.died().end(), partition.counts_.died.begin());
  return partition;
}

absl::Status SharePartition::LoadSettled(Offset first, Offset last) {
  if (first <= start_ || last < first || settled_.Overlaps({first, last})) {
    return absl::DataLossError(absl::StrCat("share-partition ", number(), " has finished offsets ",
                                            first.value(), " to ", last.value(),
                                            " stored, which cannot be"));
  }
  settled_.Add({first, last});
  return absl::OkStatus();
}

void SharePartition::PutState(std::vector<StateChange>* changes) const {
  Put(StateFamily::kShares, ShareStateKey(place_), Encode(), changes);
}

void SharePartition::Opened(std::vector<StateChange>* changes) {
  Put(StateFamily::kShares, ShareNextNumberKey(place_.shard), Number(number() + 1), changes);
  PutState(changes);
}

void SharePartition::Removed(std::vector<StateChange>* changes) {
  for (const StateFamily family : {StateFamily::kShares, StateFamily::kParked}) {
    ShareKeyRange all = ShareKeysOf(place_);
    changes->push_back({family, std::move(all.start), std::nullopt, std::move(all.end)});
  }
}

absl::Status SharePartition::Settle(const OffsetRange& range, std::vector<StateChange>* changes) {
  if (range.first < start_ || settled_.Overlaps(range)) {
    return absl::DataLossError(absl::StrCat("a record finishes offsets ", range.first.value(),
                                            " to ", range.last.value(), " of share-partition ",
                                            number(), " again"));
  }
  const OffsetRange added = settled_.Add(range, [&](const OffsetRange& absorbed) {
    Remove(StateFamily::kShares, ShareFinishedKey(place_, absorbed.first), changes);
  });
  if (added.first > start_) {
    Put(StateFamily::kShares, ShareFinishedKey(place_, added.first), Number(added.last.value()),
        changes);
    return absl::OkStatus();
  }
  settled_.Remove(added);
  start_ = added.last + 1;
  return absl::OkStatus();
}

void SharePartition::AddAttempt(const ParkedJob& job, const AttemptEnd& attempt,
                                std::vector<StateChange>* changes) const {
  Put(StateFamily::kParked, AttemptKey(place_, job.offset, job.endings()),
      EncodeAttemptEnd(attempt), changes);
  if (job.endings() > limits::kAttemptHistory) {
    Remove(StateFamily::kParked,
           AttemptKey(place_, job.offset, job.endings() - limits::kAttemptHistory), changes);
  }
}

void SharePartition::RemoveAttempts(const ParkedJob& job, std::vector<StateChange>* changes) const {
  const int32_t first = std::max(job.endings() - limits::kAttemptHistory, 0) + 1;
  for (int32_t n = first; n <= job.endings(); ++n)
    Remove(StateFamily::kParked, AttemptKey(place_, job.offset, n), changes);
}

absl::Status SharePartition::Park(const ParkedJob& job, std::vector<StateChange>* changes) {
  ++parked_[static_cast<size_t>(job.cause)];
  const ParkedPlace place{.cause = job.cause,
                          .due_ms = job.due_ms,
                          .key = job.cause == ParkedCause::kBlocked ? job.key : std::nullopt};
  Put(StateFamily::kParked, ParkedPlaceKey(place_, job.offset), EncodeParkedPlace(place), changes);
  if (job.cause == ParkedCause::kBlocked) {
    Put(StateFamily::kParked,
        ParkedLineKey(place_, KeyHashBytes(*job.key), TurnInLine(job), job.offset),
        EncodeParkedJob(job), changes);
    blocked_end_ = std::max(blocked_end_, job.offset + 1);
    return absl::OkStatus();
  }
  Put(StateFamily::kParked, ParkedDueKey(place_, job.due_ms, job.offset), EncodeParkedJob(job),
      changes);
  if (job.holds_key) {
    Put(StateFamily::kParked,
        ParkedLineKey(place_, KeyHashBytes(*job.key), TurnInLine(job), job.offset), "", changes);
  }
  return absl::OkStatus();
}

absl::Status SharePartition::Unpark(const ParkedJob& job, std::vector<StateChange>* changes) {
  int64_t& count = parked_[static_cast<size_t>(job.cause)];
  if (count == 0 || !IsSettled(job.offset)) {
    return absl::DataLossError(absl::StrCat("a record is of job ", job.offset.value(),
                                            " of share-partition ", number(),
                                            ", which is not parked"));
  }
  --count;
  Remove(StateFamily::kParked, ParkedPlaceKey(place_, job.offset), changes);
  if (job.cause == ParkedCause::kBlocked) {
    Remove(StateFamily::kParked,
           ParkedLineKey(place_, KeyHashBytes(*job.key), TurnInLine(job), job.offset), changes);
    return absl::OkStatus();
  }
  Remove(StateFamily::kParked, ParkedDueKey(place_, job.due_ms, job.offset), changes);
  if (job.holds_key) {
    Remove(StateFamily::kParked,
           ParkedLineKey(place_, KeyHashBytes(*job.key), TurnInLine(job), job.offset), changes);
  }
  return absl::OkStatus();
}

absl::Status SharePartition::Finished(const JobsFinished& finished,
                                      std::vector<StateChange>* changes) {
  int64_t jobs = static_cast<int64_t>(finished.parked.size());
  for (const OffsetRange& range : finished.ranges) {
    WEIR_RETURN_IF_ERROR(Settle(range, changes));
    jobs += range.size();
  }
  for (const ParkedJob& job : finished.parked) {
    WEIR_RETURN_IF_ERROR(Unpark(job, changes));
    RemoveAttempts(job, changes);
    if (finished.cause == FinishCause::kDied && job.reason.has_value())
      ++counts_.died[static_cast<size_t>(*job.reason) - 1];
  }
  if (finished.cause == FinishCause::kAccepted) counts_.accepted += jobs;
  if (finished.cause == FinishCause::kCancelled) counts_.cancelled += jobs;
  if (finished.cause == FinishCause::kGone) counts_.expired += jobs;
  PutState(changes);
  return absl::OkStatus();
}

absl::Status SharePartition::Parked(const JobsParked& parked, std::vector<StateChange>* changes) {
  for (const ParkedJob& job : parked.before) {
    if (SeededBug("share-keep-old-place")) continue;
    WEIR_RETURN_IF_ERROR(Unpark(job, changes));
  }
  for (const ParkedJob& job : parked.jobs) {
    if (!IsSettled(job.offset)) WEIR_RETURN_IF_ERROR(Settle({job.offset, job.last}, changes));
    WEIR_RETURN_IF_ERROR(Park(job, changes));
    if (parked.attempt.has_value()) AddAttempt(job, *parked.attempt, changes);
  }
  PutState(changes);
  return absl::OkStatus();
}

absl::Status SharePartition::StartMoved(const ShareStartMoved& moved,
                                        std::vector<StateChange>* changes) {
  counts_.expired += moved.expired;
  std::vector<OffsetRange> gaps;
  if (moved.start > start_) {
    settled_.VisitGaps({start_, moved.start - 1},
                       [&gaps](const OffsetRange& gap) { gaps.push_back(gap); });
  }
  for (const OffsetRange& gap : gaps) WEIR_RETURN_IF_ERROR(Settle(gap, changes));
  PutState(changes);
  return absl::OkStatus();
}

}  // namespace weir
