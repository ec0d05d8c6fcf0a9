#include "tests/support/machine_world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/base/check.h"

namespace weir {

void MachineWorld::Start() {
  machine_ = MakeMachine();
  Load();
}

void MachineWorld::Load() {
  timers_.clear();
  timers_by_key_.clear();
  WEIR_CHECK(machine_->Load(store_).ok());
  unwritten_.Clear();
  for (size_t i = written_; i < log_.size(); ++i) Replay(log_[i]);
  machine_->OnLoaded(now_);
}

void MachineWorld::Replay(const InternalRecord& record) {
  std::vector<StateChange> changes;
  WEIR_CHECK(machine_->Replay(record, &changes).ok());
  for (StateChange& change : changes) unwritten_.Add(std::move(change));
}

void MachineWorld::Run(Handler handler) {
  RunOne(std::move(handler));
  RunTimers(now_.monotonic);
}

void MachineWorld::RunOne(Handler handler) {
  Decision decision = handler(now_);
  if (!decision.appends.empty() && !refuse_appends.ok()) {
    if (!decision.instead) return decision.answer(refuse_appends);
    decision = decision.instead(now_, refuse_appends);
  }
  if (!decision.records.empty() && !fail_next_.ok()) {
    const absl::Status why = std::exchange(fail_next_, absl::OkStatus());
    Load();
    if (decision.answer) decision.answer(why);
    return;
  }
  if (!decision.appends.empty()) on_append(decision.appends.size());
  const int64_t bytes_before = record_bytes_;
  for (InternalRecord& record : decision.records) {
    on_record(record);
    Replay(record);
    record_bytes_ += static_cast<int64_t>(record.payload.size());
    log_.push_back(std::move(record));
  }
  most_record_bytes_ = std::max(most_record_bytes_, record_bytes_ - bytes_before);
  if (decision.answer) decision.answer(absl::OkStatus());
}

std::optional<absl::Duration> MachineWorld::NextTimer() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first.first;
}

void MachineWorld::RunTimers(absl::Duration until) {
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

void MachineWorld::Advance(absl::Duration by) {
  const absl::Duration until = now_.monotonic + by;
  RunTimers(until);
  now_.now_ms += absl::ToInt64Milliseconds(until - now_.monotonic);
  now_.monotonic = until;
}

void MachineWorld::WriteStore() {
  WEIR_CHECK(store_.Write(unwritten_.Changes()).ok());
  unwritten_.Clear();
  written_ = log_.size();
}

std::string MachineWorld::Restart() {
  const std::string before = Dump();
  Start();
  const std::string after = Dump();
  RunTimers(now_.monotonic);
  return before == after ? "" : absl::StrCat("before:\n", before, "after:\n", after);
}

void MachineWorld::SetTimer(absl::string_view key, absl::Duration at, Handler handler) {
  CancelTimer(key);
  const Due due{at, ++last_sequence_};
  timers_[due] = {std::string(key), std::move(handler)};
  timers_by_key_[std::string(key)] = due;
}

void MachineWorld::CancelTimer(absl::string_view key) {
  const auto found = timers_by_key_.find(std::string(key));
  if (found == timers_by_key_.end()) return;
  timers_.erase(found->second);
  timers_by_key_.erase(found);
}

}  // namespace weir
