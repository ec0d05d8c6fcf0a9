#include "tests/support/share_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"

namespace weir {
namespace {

constexpr PartitionIndex kShard{5};

}  // namespace

ShareScan FakeJobLog::Scan(Offset from, int64_t most, ShareOrder order) const {
  ShareScan scan{.from = from, .to = from, .ranges = {}, .records = {}};
  Offset at = std::max(from, start);
  if (start > from) scan.to = std::min(start, end());
  while (at < end() && at - from < most) {
    const Record& record = records[static_cast<size_t>(at.value())];
    const bool readable = record.batch_first < Offset{0};
    const Offset last = readable ? at : record.batch_last;
    const bool extends = !scan.ranges.empty() && readable && scan.ranges.back().readable &&
                         scan.ranges.back().last + 1 == at;
    if (extends) {
      scan.ranges.back().last = last;
    } else {
      scan.ranges.push_back({std::max(at, readable ? at : record.batch_first), last, readable});
    }
    const bool keyed = order == ShareOrder::kKey && !record.key.empty();
    if (readable && (keyed || record.deliver_at_ms > 0)) {
      scan.records.push_back(
          {.offset = at,
           .key = keyed ? std::optional<KeyHash>(KeyHashOf(record.key)) : std::nullopt,
           .deliver_at_ms = record.deliver_at_ms});
    }
    at = last + 1;
    scan.to = at;
  }
  return scan;
}

ShareWorld::ShareWorld() { Start(); }

void ShareWorld::Start() {
  ++epoch_;
  machine_ = std::make_unique<ShareMachine>(ShareMachineOptions{
      .shard = kShard, .epoch = epoch_, .settings = &settings_, .listener = this, .random = [this] {
        return random();
      }});
  machine_->UseShard(this, this);
  Load();
}

void ShareWorld::Load() {
  timers_.clear();
  timers_by_key_.clear();
  WEIR_CHECK(machine_->Load(store_).ok());
  unwritten_.Clear();
  for (size_t i = written_; i < log_.size(); ++i) Replay(log_[i]);
  machine_->OnLoaded(now_);
}

void ShareWorld::Replay(const InternalRecord& record) {
  std::vector<StateChange> changes;
  const absl::Status status = machine_->Replay(record, &changes);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  WEIR_CHECK(status.ok());
  for (StateChange& change : changes) unwritten_.Add(std::move(change));
}

void ShareWorld::Run(Handler handler) {
  RunOne(std::move(handler));
  RunTimers(now_.monotonic);
}

void ShareWorld::RunOne(Handler handler) {
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
  for (InternalRecord& record : decision.records) {
    on_record(record);
    Replay(record);
    log_.push_back(std::move(record));
  }
  if (decision.answer) decision.answer(absl::OkStatus());
}

absl::StatusOr<Acquired> ShareWorld::Acquire(AcquireRequest request, int64_t scan) {
  absl::StatusOr<Acquired> all = Acquired{};
  const std::shared_ptr<const ShareSettings> group = settings_.Find(request.id.group);
  request.scan.reset();
  const int64_t wanted = request.max_jobs;
  while (true) {
    absl::StatusOr<Acquired> answer;
    Run([&](const MachineTime& now) {
      return machine_->acquisition().Acquire(
          now, request, [&answer](absl::StatusOr<Acquired> given) { answer = std::move(given); });
    });
    if (!answer.ok()) return answer.status();
    for (const AcquiredJobs& jobs : answer->jobs) {
      all->jobs.push_back(jobs);
      request.max_jobs -= jobs.last - jobs.first + 1;
    }
    answer->jobs = std::move(all->jobs);
    all = std::move(answer);
    const bool alone = !all->jobs.empty() && all->jobs.back().alone;
    const bool last = request.max_jobs == 0 && wanted > 0;
    if (last || alone || !all->scan_from.has_value()) return all;
    FakeJobLog& log = logs_[request.id.partition];
    if (*all->scan_from >= log.end()) return all;
    request.scan = log.Scan(*all->scan_from, scan, group->order);
  }
}

std::optional<absl::Duration> ShareWorld::NextTimer() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first.first;
}

void ShareWorld::RunTimers(absl::Duration until) {
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

void ShareWorld::Advance(absl::Duration by) {
  const absl::Duration until = now_.monotonic + by;
  RunTimers(until);
  now_.now_ms += absl::ToInt64Milliseconds(until - now_.monotonic);
  now_.monotonic = until;
}

void ShareWorld::WriteStore() {
  WEIR_CHECK(store_.Write(unwritten_.Changes()).ok());
  unwritten_.Clear();
  written_ = log_.size();
}

std::string ShareWorld::Restart() {
  const std::string before = Dump();
  Start();
  const std::string after = Dump();
  RunTimers(now_.monotonic);
  return before == after ? "" : absl::StrCat("before:\n", before, "after:\n", after);
}

std::string ShareWorld::Dump() const {
  std::string text;
  for (const auto& [number, entry] : machine_->table().entries()) {
    const SharePartition& partition = entry->partition;
    absl::StrAppend(&text, number, " ", partition.id().group, " ", partition.incarnation(), " ",
                    partition.start().value(), " parked ", partition.parked(), " blocked to ",
                    partition.blocked_end().value(), " accepted ", partition.counts().accepted,
                    " cancelled ", partition.counts().cancelled, " expired ",
                    partition.counts().expired, " died");
    for (const int64_t died : partition.counts().died) absl::StrAppend(&text, " ", died);
    for (const auto& [first, last] : partition.settled().ranges())
      absl::StrAppend(&text, "\n  ", first.value(), "-", last.value());
    absl::StrAppend(&text, "\n");
  }
  WEIR_CHECK(ScanOver(store_, {&unwritten_}, StateFamily::kParked, "", "",
                      [&text](absl::string_view key, absl::string_view value) {
                        absl::StrAppend(&text, absl::BytesToHexString(key), "=",
                                        absl::BytesToHexString(value), "\n");
                        return true;
                      })
                 .ok());
  return text;
}

void ShareWorld::SetTimer(absl::string_view key, absl::Duration at, Handler handler) {
  CancelTimer(key);
  const Due due{at, ++last_sequence_};
  timers_[due] = {std::string(key), std::move(handler)};
  timers_by_key_[std::string(key)] = due;
}

void ShareWorld::CancelTimer(absl::string_view key) {
  const auto found = timers_by_key_.find(std::string(key));
  if (found == timers_by_key_.end()) return;
  timers_.erase(found->second);
  timers_by_key_.erase(found);
}

absl::StatusOr<std::string> ShareWorld::Get(StateFamily family, absl::string_view key) const {
  if (!fail_reads_.ok()) return fail_reads_;
  return GetOver(store_, {&unwritten_}, family, key);
}

absl::Status ShareWorld::Scan(StateFamily family, absl::string_view start, absl::string_view end,
                              Visit visit) const {
  if (!fail_reads_.ok()) return fail_reads_;
  return ScanOver(store_, {&unwritten_}, family, start, end, visit);
}

}  // namespace weir
