#include "tests/support/sim_file.h"

#include <algorithm>
#include <limits>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace weir {
namespace {

constexpr int64_t RoundUp(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

// Which sectors of one unsynced write reached the disk.
class Fate {
 public:
  // `count` sectors; `whole`: the probability that an untorn write is there.
  Fate(int64_t count, double whole, SimRandom& random) : random_(random) {
    if (!random.Chance(0.25)) {
      coin_ = random.Chance(whole) ? 1 : 0;
      return;
    }
    switch (random.Below(3)) {
      case 0:
        coin_ = random.Bias();
        return;
      case 1:
        to_ = static_cast<int64_t>(random.Below(count + 1));  // only the first sectors
        break;
      default:
        from_ = static_cast<int64_t>(random.Below(count + 1));  // only the last sectors
    }
    coin_ = 1;
  }

  bool Reached(int64_t i) {
    return i >= from_ && i < to_ && (coin_ == 1 || (coin_ > 0 && random_.Chance(coin_)));
  }

 private:
  SimRandom& random_;
  double coin_ = 0;
  int64_t from_ = 0;
  int64_t to_ = std::numeric_limits<int64_t>::max();
};

}  // namespace

int64_t SimFile::Effect::end() const {
  return is_truncation() ? RoundUp(position, SimContent::kBlock)
                         : position + static_cast<int64_t>(bytes->size());
}

void SimFile::Write(int64_t position, std::string bytes) {
  if (bytes.empty()) return;
  cached_.Write(position, bytes);
  unsynced_.push_back({.position = position,
                       .bytes = std::make_shared<const std::string>(std::move(bytes)),
                       .size_after = cached_.size()});
}

void SimFile::Truncate(int64_t size) {
  cached_.Resize(size);
  unsynced_.push_back({.position = size, .size_after = size});
}

void SimFile::Sync() {
  ApplyAll(on_disk_);
  unsynced_.clear();
}

void SimFile::FailSync() {
  for (Effect& effect : unsynced_) effect.lost = !effect.is_truncation();
}

SimContent SimFile::AfterCrash(CrashMode mode, SimRandom& random) const {
  switch (mode) {
    case CrashMode::kDropUnsynced:
      return on_disk_;
    case CrashMode::kKeepAll: {
      SimContent all = on_disk_;
      ApplyAll(all);
      return all;
    }
    case CrashMode::kRandom:
      return unsynced_.empty() ? on_disk_ : WithSomeEffects(random);
  }
  return {};
}

void SimFile::ApplyAll(SimContent& to) const {
  for (const Effect& effect : unsynced_) {
    if (!effect.is_truncation() && !effect.lost) to.Write(effect.position, *effect.bytes);
    to.Resize(effect.size_after);
  }
}

SimContent SimFile::WithSomeEffects(SimRandom& random) const {
  // Sizes and truncations of the first `journaled` effects are on the disk.
  const size_t journaled = random.Below(unsynced_.size() + 1);
  const double whole = random.Bias();

  // A sector shows the page cache as it was after effect number `shown[sector] - 1`, without an
  // entry: as it was synced.
  absl::flat_hash_map<int64_t, size_t> shown;
  const auto for_each_sector = [this, journaled](auto visit) {
    int64_t freed_from =
        std::numeric_limits<int64_t>::max();  // freed by a truncation that is not on the disk
    for (size_t k = 0; k < unsynced_.size(); ++k) {
      const Effect& effect = unsynced_[k];
      const int64_t first = effect.begin() / kSector;
      const int64_t end = std::min(RoundUp(effect.end(), kSector), freed_from) / kSector;
      if (!effect.lost) visit(k, first, end);
      if (effect.is_truncation() && k >= journaled) freed_from = std::min(freed_from, effect.end());
    }
  };
  for_each_sector([&](size_t k, int64_t first, int64_t end) {
    Fate fate(std::max<int64_t>(end - first, 0), whole, random);
    for (int64_t sector = first; sector < end; ++sector) {
      if (fate.Reached(sector - first)) shown[sector] = k + 1;
    }
  });

  SimContent result = on_disk_;
  for_each_sector([&](size_t k, int64_t first, int64_t end) {
    const Effect& effect = unsynced_[k];
    static const std::string* const zeros = new std::string(SimContent::kBlock, '\0');
    const absl::string_view bytes = effect.is_truncation() ? *zeros : *effect.bytes;
    const auto is_shown = [&](int64_t sector) {
      const auto found = shown.find(sector);
      return found != shown.end() && found->second > k;
    };
    for (int64_t sector = first; sector < end; ++sector) {
      if (!is_shown(sector)) continue;
      const int64_t from = std::max(sector * kSector, effect.begin());
      while (sector + 1 < end && is_shown(sector + 1)) ++sector;  // a run is one copy of its blocks
      const int64_t to = std::min((sector + 1) * kSector, effect.end());
      result.Write(from, bytes.substr(static_cast<size_t>(from - effect.begin()),
                                      static_cast<size_t>(to - from)));
    }
    if (effect.is_truncation() && k < journaled) result.Resize(effect.size_after);
  });
  result.Resize(journaled == 0 ? on_disk_.size() : unsynced_[journaled - 1].size_after);
  return result;
}

}  // namespace weir
