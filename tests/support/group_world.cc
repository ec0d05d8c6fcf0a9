#include "tests/support/group_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "storage/base/error.h"
#include "tests/support/group_text.h"

namespace weir {

TopicId FakeTopics::Set(const std::string& name, int32_t partitions) {
  Topic& topic = by_name_[name];
  if (topic.partitions == 0) {
    ++made_;
    topic.id.bytes[0] = made_;
    topic.name = name;
    names_[topic.id] = name;
  }
  topic.partitions = partitions;
  return topic.id;
}

std::string FakeTopics::NameOf(TopicId id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? id.ToString() : found->second;
}

std::optional<TopicView::Topic> FakeTopics::Find(absl::string_view name) const {
  const auto found = by_name_.find(std::string(name));
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

std::optional<TopicView::Topic> FakeTopics::Find(TopicId id) const {
  const auto name = names_.find(id);
  if (name == names_.end()) return std::nullopt;
  const auto found = by_name_.find(name->second);
  if (found == by_name_.end() || found->second.id != id) return std::nullopt;
  return found->second;
}

std::vector<TopicView::Topic> FakeTopics::WithPrefix(absl::string_view prefix) const {
  std::vector<Topic> found;
  for (const auto& [name, topic] : by_name_) {
    if (absl::StartsWith(name, prefix)) found.push_back(topic);
  }
  return found;
}

absl::StatusOr<TopicView::Bounds> FakeTopics::BoundsOf(const TopicPartition& partition) const {
  if (!unavailable_.ok()) return unavailable_;
  const std::optional<Topic> topic = Find(partition.topic);
  if (!topic.has_value()) return MakeError(Reason::kUnknownTopic, "no such topic");
  if (partition.partition.value() < 0 || partition.partition.value() >= topic->partitions)
    return MakeError(Reason::kUnknownPartition, "no such partition");
  const auto bounds = bounds_.find(partition);
  return bounds == bounds_.end() ? Bounds{} : bounds->second;
}

GroupWorld::GroupWorld() { Start(); }

void GroupWorld::Start() {
  machine_ = std::make_unique<GroupMachine>(GroupMachineOptions{
      .shard = PartitionIndex{5}, .topics = &topics_, .listener = this, .share_heads = this});
  machine_->UseTimers(this);
  Load();
}

void GroupWorld::Load() {
  timers_.clear();
  timers_by_key_.clear();
  WEIR_CHECK(machine_->Load(store_).ok());
  unwritten_.clear();
  for (size_t i = written_; i < log_.size(); ++i)
    WEIR_CHECK(machine_->Replay(log_[i], &unwritten_).ok());
  machine_->OnLoaded(now_);
}

void GroupWorld::Run(Handler handler) {
  RunOne(std::move(handler));
  RunTimers(now_.monotonic);
}

void GroupWorld::RunOne(Handler handler) {
  Decision decision = handler(now_);
  if (!decision.records.empty() && !fail_next_.ok()) {
    const absl::Status why = std::exchange(fail_next_, absl::OkStatus());
    Load();
    if (decision.answer) decision.answer(why);
    return;
  }
  const int64_t bytes_before = record_bytes_;
  for (InternalRecord& record : decision.records) {
    on_record(record);
    WEIR_CHECK(machine_->Replay(record, &unwritten_).ok());
    record_bytes_ += static_cast<int64_t>(record.payload.size());
    log_.push_back(std::move(record));
  }
  most_record_bytes_ = std::max(most_record_bytes_, record_bytes_ - bytes_before);
  if (decision.answer) decision.answer(absl::OkStatus());
}

void GroupWorld::OnShareHeadsLoaded(PartitionIndex, std::vector<ShareHeadPtr> heads) {
  published_.clear();
  for (ShareHeadPtr& head : heads) published_[head->head.id] = std::move(head);
}

std::optional<absl::Duration> GroupWorld::NextTimer() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first.first;
}

void GroupWorld::RunTimers(absl::Duration until) {
  while (!timers_.empty() && timers_.begin()->first.first <= until) {
    const absl::Duration at = timers_.begin()->first.first;
    const absl::Duration passed = std::max(at - now_.monotonic, absl::ZeroDuration());
    now_.monotonic += passed;
    now_.now_ms += absl::ToInt64Milliseconds(passed);
    Timer timer = std::move(timers_.begin()->second);
    CancelTimer(timer.key);
    RunOne(std::move(timer.handler));
  }
}

void GroupWorld::Advance(absl::Duration by) {
  const absl::Duration until = now_.monotonic + by;
  RunTimers(until);
  now_.now_ms += absl::ToInt64Milliseconds(until - now_.monotonic);
  now_.monotonic = until;
}

void GroupWorld::WriteStore() {
  WEIR_CHECK(store_.Write(unwritten_).ok());
  unwritten_.clear();
  written_ = log_.size();
}

std::string GroupWorld::Restart() {
  const std::string before = Dump();
  Start();
  const std::string after = Dump();
  RunTimers(now_.monotonic);
  return before == after ? "" : absl::StrCat("before:\n", before, "after:\n", after);
}

std::string GroupWorld::Dump() const { return TableText(machine_->groups()); }

void GroupWorld::SetTimer(absl::string_view key, absl::Duration at, Handler handler) {
  CancelTimer(key);
  const Due due{at, ++last_sequence_};
  timers_[due] = {std::string(key), std::move(handler)};
  timers_by_key_[std::string(key)] = due;
}

void GroupWorld::CancelTimer(absl::string_view key) {
  const auto found = timers_by_key_.find(std::string(key));
  if (found == timers_by_key_.end()) return;
  timers_.erase(found->second);
  timers_by_key_.erase(found);
}

}  // namespace weir
