#include "storage/log/epoch_history.h"

#include <algorithm>

#include "storage/base/check.h"
#include "storage/base/limits.h"

namespace weir {

void EpochHistory::Note(LeaderEpoch epoch, Offset offset) {
  if (!entries_.empty() && entries_.back().epoch == epoch) return;
  WEIR_CHECK(entries_.empty() || entries_.back().epoch < epoch);
  // An epoch without a single record leaves no trace.
  if (!entries_.empty() && entries_.back().start == offset) entries_.pop_back();
  entries_.push_back({epoch, offset});
  if (entries_.size() > limits::kEpochsPerPartition) entries_.erase(entries_.begin());
}

void EpochHistory::TruncateTo(Offset end) {
  while (!entries_.empty() && entries_.back().start >= end) entries_.pop_back();
}

void EpochHistory::DropBelow(Offset start) {
  auto keep = entries_.begin();
  while (keep != entries_.end() && keep + 1 != entries_.end() && (keep + 1)->start <= start) ++keep;
  entries_.erase(entries_.begin(), keep);
}

LeaderEpoch EpochHistory::EpochAt(Offset offset) const {
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), offset,
                       [](Offset at, const Entry& entry) { return at < entry.start; });
  return after == entries_.begin() ? LeaderEpoch{-1} : (after - 1)->epoch;
}

void EpochHistory::EncodeTo(std::string* out) const {
  AppendLittle<uint32_t>(out, static_cast<uint32_t>(entries_.size()));
  for (const Entry& entry : entries_) {
    AppendLittle(out, entry.epoch.value());
    AppendLittle(out, entry.start.value());
  }
}

bool EpochHistory::DecodeFrom(ByteReader* in) {
  const uint32_t count = in->Read<uint32_t>();
  if (!in->ok() || count > limits::kEpochsPerPartition) return false;
  entries_.clear();
  for (uint32_t i = 0; i < count; ++i) {
    const LeaderEpoch epoch{in->Read<int32_t>()};
    const Offset start{in->Read<int64_t>()};
    if (!entries_.empty() && (entries_.back().epoch >= epoch || entries_.back().start >= start))
      return false;
    entries_.push_back({epoch, start});
  }
  return in->ok();
}

}  // namespace weir
