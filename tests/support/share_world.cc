#include "tests/support/share_world.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/base/check.h"
#include "tests/support/share_text.h"

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

void FakeJobLog::AppendAny(SimRandom* random, int64_t now_ms) {
  const uint64_t count = 1 + random->Below(6);
  if (random->Chance(0.04)) {
    const Record bad{.batch_first = end(), .batch_last = end() + static_cast<int64_t>(count - 1)};
    records.insert(records.end(), count, bad);
    return;
  }
  for (uint64_t i = 0; i < count; ++i) {
    Record record{.key = {}, .deliver_at_ms = 0, .batch_first = Offset{-1}};
    if (random->Chance(0.8)) record.key = absl::StrCat("k", random->Below(4));
    if (random->Chance(0.15))
      record.deliver_at_ms = now_ms + static_cast<int64_t>(random->Below(3'000));
    records.push_back(record);
  }
}

ShareWorld::ShareWorld() { Start(); }

StateMachine* ShareWorld::MakeMachine() {
  ++epoch_;
  machine_ = std::make_unique<ShareMachine>(ShareMachineOptions{
      .shard = kShard, .epoch = epoch_, .settings = &settings_, .listener = this, .random = [this] {
        return random();
      }});
  machine_->UseShard(this, this);
  return machine_.get();
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

std::string ShareWorld::Dump() const {
  std::string text = Text(machine_->table());
  WEIR_CHECK(ScanOver(store(), {&unwritten()}, StateFamily::kParked, "", "",
                      [&text](absl::string_view key, absl::string_view value) {
                        absl::StrAppend(&text, absl::BytesToHexString(key), "=",
                                        absl::BytesToHexString(value), "\n");
                        return true;
                      })
                 .ok());
  return text;
}

absl::StatusOr<std::string> ShareWorld::Get(StateFamily family, absl::string_view key) const {
  if (!fail_reads_.ok()) return fail_reads_;
  return GetOver(store(), {&unwritten()}, family, key);
}

absl::Status ShareWorld::Scan(StateFamily family, absl::string_view start, absl::string_view end,
                              Visit visit) const {
  if (!fail_reads_.ok()) return fail_reads_;
  return ScanOver(store(), {&unwritten()}, family, start, end, visit);
}

}  // namespace weir
