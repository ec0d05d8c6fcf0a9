#include "client/src/consumer_core.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"

namespace weir {
namespace {

absl::Status NotAssigned(absl::string_view topic, PartitionIndex partition) {
  return MakeError(Reason::kInvalidRequest,
                   absl::StrCat(topic, "/", partition.value(), " is not assigned"));
}

}  // namespace

absl::Status Consumer::Core::Assign(AssignedPartition assigned) {
  absl::MutexLock lock(&mu_);
  Name name(assigned.topic, assigned.partition.value());
  if (partitions_.contains(name)) {
    return MakeError(Reason::kInvalidRequest,
                     absl::StrCat(name.first, "/", name.second, " is assigned already"));
  }
  auto partition = std::make_shared<Partition>(std::move(assigned));
  idle_.push_back(partition);
  partitions_.emplace(std::move(name), std::move(partition));
  changed_.SignalAll();
  return absl::OkStatus();
}

absl::Status Consumer::Core::Unassign(absl::string_view topic, PartitionIndex index) {
  std::vector<Errand> errands;
  {
    absl::MutexLock lock(&mu_);
    Partition* const partition = Find(topic, index);
    if (partition == nullptr) return NotAssigned(topic, index);
    Reset(*partition, &errands);
    partition->state = Partition::State::kFailed;  // for whoever still holds it
    partitions_.erase(Name(topic, index.value()));
    changed_.SignalAll();
  }
  for (Errand& errand : errands) errand();
  return absl::OkStatus();
}

absl::Status Consumer::Core::Seek(absl::string_view topic, PartitionIndex index,
                                  Position position) {
  std::vector<Errand> errands;
  {
    absl::MutexLock lock(&mu_);
    Partition* const partition = Find(topic, index);
    if (partition == nullptr) return NotAssigned(topic, index);
    Reset(*partition, &errands);
    // A fresh one, so that nothing still on its way for the old one is taken for its own.
    auto fresh = std::make_shared<Partition>(AssignedPartition{.topic = *partition->topic,
                                                               .partition = index,
                                                               .position = position,
                                                               .until_end = partition->until_end});
    partition->state = Partition::State::kFailed;
    partitions_[Name(topic, index.value())] = fresh;
    idle_.push_back(std::move(fresh));
    changed_.SignalAll();
  }
  for (Errand& errand : errands) errand();
  return absl::OkStatus();
}

absl::StatusOr<RecordSet> Consumer::Core::Poll(absl::Duration max_wait) {
  const absl::Duration deadline = clock_.Monotonic() + max_wait;
  for (;;) {
    const bool connected = !HasIdle() || channel_->Connected();
    std::vector<Errand> errands;
    std::optional<absl::StatusOr<RecordSet>> result;
    {
      absl::MutexLock lock(&mu_);
      const absl::Duration now = clock_.Monotonic();
      absl::Duration next = deadline;
      errands = NextErrands(now, connected, &next);
      result = NextResult(&errands);
      if (!result.has_value() && errands.empty()) {
        if (AllDone() || now >= deadline) return RecordSet();
        changed_.WaitWithTimeout(&mu_, next - now);
      }
    }
    for (Errand& errand : errands) errand();
    if (result.has_value()) return *std::move(result);
  }
}

std::optional<absl::StatusOr<RecordSet>> Consumer::Core::NextResult(std::vector<Errand>* errands) {
  if (std::exchange(woken_, false)) return RecordSet();
  if (partitions_.empty()) return MakeError(Reason::kInvalidRequest, "no partition is assigned");
  while (!listed_.empty()) {
    const std::shared_ptr<Partition> partition = std::move(listed_.front());
    listed_.pop_front();
    partition->listed = false;
    if (!partition->buffered.empty()) {
      RecordSet records = TakeFrom(*partition, errands);
      List(partition);
      return records;
    }
    if (!partition->failure.ok()) return std::exchange(partition->failure, absl::OkStatus());
    // It was dropped.
  }
  return std::nullopt;
}

RecordSet Consumer::Core::TakeFrom(Partition& partition, std::vector<Errand>* errands) {
  client::FetchAnswer answer = std::move(partition.buffered.front());
  partition.buffered.pop_front();
  buffered_bytes_ -= static_cast<int64_t>(answer.batches.size());
  RecordSet records;
  records.topic_ = partition.topic;
  records.partition_ = partition.index;
  records.first_offset_ = *partition.position;
  records.end_offset_ = partition.end.value_or(Offset(INT64_MAX));
  records.next_offset_ = std::min(answer.next_offset, records.end_offset_);
  records.high_watermark_ = answer.high_watermark;
  records.log_start_offset_ = answer.log_start_offset;
  records.owner_ = std::move(answer.owner);
  records.batches_ = records.unread_ = answer.batches;
  partition.position = records.next_offset_;

  std::erase_if(parked_,
                [&](const std::shared_ptr<Partition>& parked) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                  if (!MayFetchMore(*parked)) return false;
                  errands->push_back([stream = parked->stream] { stream->Read(); });
                  return true;
                });
  return records;
}

void Consumer::Core::Reset(Partition& partition, std::vector<Errand>* errands) {
  if (partition.state == Partition::State::kStreaming) errands->push_back(CloseStream(partition));
  for (const client::FetchAnswer& answer : partition.buffered) {
    buffered_bytes_ -= static_cast<int64_t>(answer.batches.size());
  }
  partition.buffered.clear();
  partition.failure = absl::OkStatus();
  std::erase_if(idle_, [&](const auto& other) { return other.get() == &partition; });
}

void Consumer::Core::List(const std::shared_ptr<Partition>& partition) {
  if (partition->listed || (partition->buffered.empty() && partition->failure.ok())) return;
  partition->listed = true;
  listed_.push_back(partition);
  changed_.Signal();
}

void Consumer::Core::Fail(const std::shared_ptr<Partition>& partition, const absl::Status& why) {
  partition->state = Partition::State::kFailed;
  const std::string message =
      absl::StrCat(*partition->topic, "/", partition->index.value(), ": ", why.message());
  const std::optional<Reason> reason = ReasonOf(why);
  partition->failure =
      reason.has_value() ? MakeError(*reason, message) : absl::Status(why.code(), message);
  List(partition);
}

bool Consumer::Core::AllDone() const {
  return !partitions_.empty() &&
         std::all_of(partitions_.begin(), partitions_.end(),
                     [](const auto& entry) { return entry.second->Done(); });
}

void Consumer::Core::Wake() {
  absl::MutexLock lock(&mu_);
  woken_ = true;
  changed_.SignalAll();
}

void Consumer::Core::Close() {
  std::vector<Errand> errands;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [name, partition] : partitions_) Reset(*partition, &errands);
    partitions_.clear();
  }
  for (Errand& errand : errands) errand();
}

bool Consumer::Core::HasIdle() const {
  absl::MutexLock lock(&mu_);
  return !idle_.empty();
}

Consumer::Core::Partition* Consumer::Core::Find(absl::string_view topic,
                                                PartitionIndex partition) const {
  const auto found = partitions_.find(Name(topic, partition.value()));
  return found == partitions_.end() ? nullptr : found->second.get();
}

std::optional<Offset> Consumer::Core::position(absl::string_view topic,
                                               PartitionIndex index) const {
  absl::MutexLock lock(&mu_);
  const Partition* const partition = Find(topic, index);
  return partition == nullptr ? std::nullopt : partition->position;
}

std::optional<Offset> Consumer::Core::high_watermark(absl::string_view topic,
                                                     PartitionIndex index) const {
  absl::MutexLock lock(&mu_);
  const Partition* const partition = Find(topic, index);
  return partition == nullptr ? std::nullopt : partition->high_watermark;
}

bool Consumer::Core::CaughtUp() const {
  absl::MutexLock lock(&mu_);
  return std::all_of(partitions_.begin(), partitions_.end(),
                     [](const auto& entry) { return entry.second->CaughtUp(); });
}

bool Consumer::Core::AtEnd() const {
  absl::MutexLock lock(&mu_);
  return AllDone();
}

absl::Status Consumer::Core::last_error() const {
  absl::MutexLock lock(&mu_);
  return last_error_;
}

}  // namespace weir
