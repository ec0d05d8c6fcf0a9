#include "broker/runtime/state_overlay.h"

#include <algorithm>

#include "storage/base/check.h"

namespace weir {
namespace {

bool Covers(const StateChange& removal, StateFamily family, absl::string_view key) {
  return removal.family == family && removal.key <= key && key < removal.end;
}

// The entries of all layers in order of their keys, the newest of each key.
class LayersCursor {
 public:
  LayersCursor(absl::Span<const StateOverlay* const> layers, StateFamily family,
               absl::string_view start, absl::string_view end)
      : layers_(layers), family_(family), end_(end) {
    for (const StateOverlay* const layer : layers)
      at_.push_back(layer->changes().lower_bound({family, std::string(start)}));
    Find();
  }

  bool valid() const { return newest_ < layers_.size(); }
  absl::string_view key() const { return at_[newest_]->first.second; }
  // Nothing when the key is removed.
  const std::optional<std::string>& value() const {
    static const std::optional<std::string> none;
    return IsRemovedLater() ? none : at_[newest_]->second;
  }
  void Next() {
    const std::string passed(key());
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (InRange(i) && at_[i]->first.second == passed) ++at_[i];
    }
    Find();
  }

 private:
  bool InRange(size_t layer) const {
    return at_[layer] != layers_[layer]->changes().end() && at_[layer]->first.first == family_ &&
           (end_.empty() || at_[layer]->first.second < end_);
  }
  // A later layer has removed a range with the key.
  bool IsRemovedLater() const {
    for (size_t i = newest_ + 1; i < layers_.size(); ++i) {
      if (layers_[i]->Removes(family_, key())) return true;
    }
    return false;
  }
  void Find() {
    newest_ = layers_.size();
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (!InRange(i)) continue;
      if (newest_ == layers_.size() || at_[i]->first.second <= at_[newest_]->first.second)
        newest_ = i;
    }
  }

  const absl::Span<const StateOverlay* const> layers_;
  const StateFamily family_;
  const absl::string_view end_;
  std::vector<StateOverlay::Map::const_iterator> at_;
  size_t newest_ = 0;
};

}  // namespace

void StateOverlay::Add(StateChange change) {
  if (change.end.empty()) {
    changes_[{change.family, std::move(change.key)}] = std::move(change.value);
    return;
  }
  changes_.erase(changes_.lower_bound({change.family, change.key}),
                 changes_.lower_bound({change.family, change.end}));
  removals_.push_back(std::move(change));
}

void StateOverlay::Add(StateOverlay later) {
  for (StateChange& removal : later.removals_) Add(std::move(removal));
  if (changes_.empty()) {
    changes_ = std::move(later.changes_);
    return;
  }
  for (auto& [place, value] : later.changes_) changes_[place] = std::move(value);
}

void StateOverlay::Clear() {
  changes_.clear();
  removals_.clear();
}

std::vector<StateChange> StateOverlay::Changes() const {
  std::vector<StateChange> changes = removals_;
  changes.reserve(size() + 1);
  for (const auto& [place, value] : changes_)
    changes.push_back({.family = place.first, .key = place.second, .value = value});
  return changes;
}

bool StateOverlay::Removes(StateFamily family, absl::string_view key) const {
  return std::any_of(removals_.begin(), removals_.end(),
                     [&](const StateChange& removal) { return Covers(removal, family, key); });
}

absl::StatusOr<std::string> GetOver(const StateStore& store,
                                    absl::Span<const StateOverlay* const> layers,
                                    StateFamily family, absl::string_view key) {
  const StateOverlay::Place place{family, std::string(key)};
  for (size_t i = layers.size(); i-- > 0;) {
    const auto found = layers[i]->changes().find(place);
    if (found != layers[i]->changes().end() && found->second.has_value()) return *found->second;
    if (found != layers[i]->changes().end() || layers[i]->Removes(family, key))
      return absl::NotFoundError("no such key");
  }
  return store.Get(family, key);
}

absl::Status ScanOver(
    const StateStore& store, absl::Span<const StateOverlay* const> layers, StateFamily family,
    absl::string_view start, absl::string_view end,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) {
  LayersCursor cursor(layers, family, start, end);
  bool wanted = true;
  const auto visit_layers = [&](absl::string_view before, bool all) {
    for (; wanted && cursor.valid() && (all || cursor.key() < before); cursor.Next()) {
      if (cursor.value().has_value()) wanted = visit(cursor.key(), *cursor.value());
    }
  };
  WEIR_RETURN_IF_ERROR(
      store.Scan(family, start, end, [&](absl::string_view key, absl::string_view value) {
        visit_layers(key, false);
        if (!wanted) return false;
        if (cursor.valid() && cursor.key() == key) return true;  // it comes next, as it is now
        const bool removed =
            std::any_of(layers.begin(), layers.end(),
                        [&](const StateOverlay* layer) { return layer->Removes(family, key); });
        if (!removed) wanted = visit(key, value);
        return wanted;
      }));
  visit_layers({}, true);
  return absl::OkStatus();
}

}  // namespace weir
