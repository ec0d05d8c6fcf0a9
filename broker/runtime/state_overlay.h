// StateOverlay: changes of the state that are not in the state store yet: of each key the last one.
// Layers of them over a store read like a store that has them all. Not thread-safe.
#ifndef WEIR_BROKER_RUNTIME_STATE_OVERLAY_H_
#define WEIR_BROKER_RUNTIME_STATE_OVERLAY_H_

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "storage/meta/state_store.h"

namespace weir {

class StateOverlay {
 public:
  using Place = std::pair<StateFamily, std::string>;
  using Map = absl::btree_map<Place, std::optional<std::string>>;

  void Add(StateChange change);
  // The changes of `later` come after these.
  void Add(StateOverlay later);
  void Clear();

  bool empty() const { return changes_.empty() && removals_.empty(); }
  size_t size() const { return changes_.size() + removals_.size(); }
  // What gives the same when it is written.
  std::vector<StateChange> Changes() const;

  const Map& changes() const { return changes_; }
  // A range that these changes have removed has the place. What changes() has came later.
  bool Removes(StateFamily family, absl::string_view key) const;

 private:
  Map changes_;
  std::vector<StateChange> removals_;  // of ranges, before changes_
};

// As StateStore::Get and StateStore::Scan, of a store with `layers` over it, oldest first.
absl::StatusOr<std::string> GetOver(const StateStore& store,
                                    absl::Span<const StateOverlay* const> layers,
                                    StateFamily family, absl::string_view key);
absl::Status ScanOver(
    const StateStore& store, absl::Span<const StateOverlay* const> layers, StateFamily family,
    absl::string_view start, absl::string_view end,
    absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit);

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_STATE_OVERLAY_H_
