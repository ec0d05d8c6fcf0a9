#include "storage/log/atomic_appends.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "storage/base/seeded_bugs.h"

namespace weir {
namespace {

bool Waits(const AtomicAppend& append) {
  return std::any_of(append.logs.begin(), append.logs.end(),
                     [](const auto& log) { return log->writer().waits(); });
}

void MoveInto(AtomicAppend&& from, AtomicAppend* to) {
  std::move(from.logs.begin(), from.logs.end(), std::back_inserter(to->logs));
  std::move(from.log_starts.begin(), from.log_starts.end(), std::back_inserter(to->log_starts));
}

}  // namespace

void AtomicAppends::Show(const AtomicAppend& append) {
  absl::flat_hash_set<PartitionLog*> logs;
  for (const auto& log : append.logs) logs.insert(log.get());
  // Who comes to look between the first and the last of them waits.
  for (PartitionLog* const log : logs) {
    if (!SeededBug("show-parts-one-by-one")) log->writer().BeginChange();
  }
  for (PartitionLog* const log : logs) log->writer().Publish();
  std::vector<std::shared_ptr<Segment>> gone;
  for (const AtomicAppend::LogStart& start : append.log_starts) {
    std::vector<std::shared_ptr<Segment>> more = start.log->writer().ShowLogStart(start.to);
    std::move(more.begin(), more.end(), std::back_inserter(gone));
  }
  for (PartitionLog* const log : logs) log->writer().EndChange();
  remove_(std::move(gone));
}

AtomicAppends::Logs AtomicAppends::ShowOrHold(std::vector<AtomicAppend> appends) {
  AtomicAppend held;
  for (bool more = true; more;) {
    const auto waiting = std::partition(appends.begin(), appends.end(),
                                        [](const AtomicAppend& append) { return !Waits(append); });
    more = waiting != appends.end();
    if (SeededBug("hold-only-what-waits")) break;
    for (auto at = waiting; at != appends.end(); ++at) {
      for (const auto& log : at->logs) log->writer().SetHeld(true);
      MoveInto(std::move(*at), &held);
    }
    appends.erase(waiting, appends.end());
  }
  AtomicAppend whole;
  for (AtomicAppend& append : appends) MoveInto(std::move(append), &whole);
  Show(whole);
  if (held.logs.empty()) return {};
  held_.push_back(held);
  return held.logs;
}

AtomicAppends::Logs AtomicAppends::ShowWhole() {
  Logs shown;
  for (const AtomicAppend& append : held_) {
    if (std::any_of(append.logs.begin(), append.logs.end(),
                    [](const auto& log) { return log->writer().stalled(); }))
      continue;
    Show(append);
    for (const auto& log : append.logs) log->writer().SetHeld(false);
    shown.insert(shown.end(), append.logs.begin(), append.logs.end());
  }
  std::erase_if(held_, [](const AtomicAppend& append) {
    return append.logs.empty() || !append.logs.front()->writer().held();
  });
  return shown;
}

void AtomicAppends::Forget(const TopicId& topic) {
  for (AtomicAppend& append : held_) {
    std::erase_if(append.logs, [&](const auto& log) { return log->id().topic == topic; });
    std::erase_if(append.log_starts, [&](const AtomicAppend::LogStart& start) {
      return start.log->id().topic == topic;
    });
  }
}

}  // namespace weir
