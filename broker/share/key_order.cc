#include "broker/share/key_order.h"

#include <algorithm>
#include <string>

#include "broker/share/share_records.h"
#include "storage/base/check.h"
#include "storage/base/limits.h"
#include "storage/base/seeded_bugs.h"
#include "storage/meta/share_keys.h"

namespace weir {
namespace {

// Of the room that memory has for lines no key takes all, so that one with very many jobs holds up
// no other: the jobs in its line in memory, and when the job that holds it was tried before.
constexpr size_t kLineLongest = limits::kLinedUpJobs / 10;
constexpr size_t kLineBehindRetried = 100;

}  // namespace

absl::StatusOr<std::optional<KeyOrder::InStore>> KeyOrder::FirstInStore(const KeyHash& key) const {
  std::optional<InStore> first;
  if (!entry_.window.held_keys.MaybeHeld(key)) return first;
  const SharePlace& place = entry_.partition.place();
  const std::string hash = KeyHashBytes(key);
  LineBegins& begins = entry_.window.line_begins;
  const LineBegins::Place from = begins.Of(key);
  std::optional<LineBegins::Place> begin;  // also of one that is done
  WEIR_RETURN_IF_ERROR(
      reader_->Scan(StateFamily::kParked, ParkedLineKey(place, hash, from.turn, from.job),
                    ParkedLineOf(place, hash).end, [&](absl::string_view bytes, absl::string_view) {
                      const InStore next{OffsetOfParkedKey(bytes), TurnOfLineKey(bytes)};
                      if (!begin.has_value()) begin = {next.turn, next.job};
                      if (done_.contains(next.job)) return true;
                      first = next;
                      return false;
                    }));
  if (begin.has_value()) begins.Note(key, *begin);
  return first;
}

bool KeyOrder::MayHaveTurn(const InStore& next) const {
  return next.turn != kOrdinaryTurn || next.job < entry_.scanned() ||
         SeededBug("share-wake-too-early");
}

absl::Status KeyOrder::MakeReady(Offset job, KeyHash key) {
  WEIR_ASSIGN_OR_RETURN(const std::optional<ParkedJob> parked,
                        entry_.window.parked.Get(*reader_, job));
  if (!parked.has_value()) {
    return absl::DataLossError("the stored line of a key names a job that is not parked");
  }
  entry_.window.parked.Take(*parked);
  entry_.window.lines.Hold(key, job);
  entry_.window.ready.insert(ReadyPlace(*parked));
  return absl::OkStatus();
}

absl::StatusOr<KeyOrder::Turn> KeyOrder::OnScanned(Offset job, const KeyHash& key) {
  DeliveryWindow& window = entry_.window;
  if (const std::optional<Offset> holder = window.lines.HolderOf(key)) {
    const bool retried = entry_.partition.IsSettled(*holder);
    if (retried && window.locks.Find(*holder) == nullptr) return Turn::kLaterInStore;
    const size_t longest = retried ? kLineBehindRetried : kLineLongest;
    return window.lines.LineOf(key) < longest ? Turn::kLater : Turn::kLaterInStore;
  }
  WEIR_ASSIGN_OR_RETURN(const std::optional<InStore> first, FirstInStore(key));
  if (first.has_value() && first->turn == 0) return Turn::kLaterInStore;
  if (first.has_value() && (first->turn != kOrdinaryTurn || first->job < job)) {
    WEIR_RETURN_IF_ERROR(MakeReady(first->job, key));
    return Turn::kLater;
  }
  window.lines.Hold(key, job);
  return Turn::kNow;
}

absl::StatusOr<bool> KeyOrder::OnDue(const ParkedJob& job) {
  KeyLines& lines = entry_.window.lines;
  const std::optional<Offset> holder = lines.HolderOf(*job.key);
  if (job.holds_key) {
    if (!holder.has_value()) lines.Hold(*job.key, job.offset);
    return true;
  }
  if (SeededBug("share-due-ignores-key")) return true;
  if (holder.has_value()) return false;
  WEIR_ASSIGN_OR_RETURN(const std::optional<InStore> first, FirstInStore(*job.key));
  if (first.has_value()) return false;
  lines.Hold(*job.key, job.offset);
  return true;
}

absl::StatusOr<bool> KeyOrder::IsFirst(Offset job, const KeyHash& key) const {
  const KeyLines& lines = entry_.window.lines;
  if (const std::optional<Offset> holder = lines.HolderOf(key)) return *holder == job;
  const std::optional<Offset> here = lines.FirstInLine(key);
  WEIR_ASSIGN_OR_RETURN(const std::optional<InStore> there, FirstInStore(key));
  return there.has_value() && there->job == job && (!here.has_value() || *here > job);
}

void KeyOrder::OnHolderParked(Offset job, const KeyHash& key, size_t room,
                              std::vector<ParkedJob>* line) {
  KeyLines& lines = entry_.window.lines;
  const size_t waiting = lines.LineOf(key);
  const size_t keep = std::max(kLineBehindRetried, waiting - std::min(waiting, room));
  for (const Offset waits : lines.CutLine(key, keep)) line->push_back(OrdinaryInLine(waits, key));
  // The store knows that it holds the key; memory only needs to while somebody waits here.
  if (lines.HolderOf(key) == job && !lines.HasLine(key)) lines.Release(key);
}

absl::Status KeyOrder::OnDone(Offset job, KeyHash key) {
  DeliveryWindow& window = entry_.window;
  done_.insert(job);
  const std::optional<Offset> holder = window.lines.HolderOf(key);
  if (holder.has_value() && *holder != job) return absl::OkStatus();
  if (holder.has_value()) window.lines.Release(key);
  const std::optional<Offset> here = window.lines.FirstInLine(key);
  WEIR_ASSIGN_OR_RETURN(const std::optional<InStore> there, FirstInStore(key));
  if (there.has_value() && there->turn == 0) return absl::OkStatus();
  const bool store_first =
      there.has_value() && MayHaveTurn(*there) &&
      (!here.has_value() || there->turn != kOrdinaryTurn || there->job < *here);
  if (store_first) return MakeReady(there->job, key);
  if (!here.has_value()) return absl::OkStatus();
  window.lines.PopLine(key);
  window.lines.Hold(key, *here);
  window.available.Add({*here, *here});
  return absl::OkStatus();
}

absl::Status KeyOrder::Wake() {
  DeliveryWindow& window = entry_.window;
  if (!window.wake_keys || entry_.scanned() < entry_.partition.blocked_end())
    return absl::OkStatus();
  const SharePlace& place = entry_.partition.place();
  while (window.ready.size() < limits::kParkedInMemory) {
    const ShareKeyRange lines = ParkedLinesOf(place);
    std::optional<KeyHash> key;
    InStore first;
    WEIR_RETURN_IF_ERROR(reader_->Scan(StateFamily::kParked,
                                       window.wake_from.empty() ? lines.start : window.wake_from,
                                       lines.end, [&](absl::string_view bytes, absl::string_view) {
                                         key = KeyHashFromBytes(HashOfLineKey(bytes));
                                         first = {OffsetOfParkedKey(bytes), TurnOfLineKey(bytes)};
                                         return false;
                                       }));
    if (!key.has_value()) {
      window.wake_keys = false;
      return absl::OkStatus();
    }
    if (first.turn != 0 && !window.lines.HolderOf(*key).has_value())
      WEIR_RETURN_IF_ERROR(MakeReady(first.job, *key));
    window.wake_from = ParkedLineOf(place, KeyHashBytes(*key)).end;
  }
  return absl::OkStatus();
}

}  // namespace weir
