// StateStore: the materialised state of the machines that run over internal logs: ordered maps
// of bytes ("families") that change together. It is a view of those logs and keeps no log of its
// own: a crash loses what was written since the last Flush, from some write on and in every
// family alike, and the internal logs bring it back. Who writes keeps, in the same write, how
// far it has applied its log. Any thread; all calls may wait for the disk.
#ifndef WEIR_STORAGE_META_STATE_STORE_H_
#define WEIR_STORAGE_META_STATE_STORE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weir {

// What is kept apart. The numbers and names are on disk: never reused.
enum class StateFamily : uint8_t {
  kApplied = 0,  // how far each internal partition has been applied
  kGroups = 1,   // groups, their members and assignments
  kOffsets = 2,  // committed offsets
  kShares = 3,   // share-partitions, and which of their jobs are finished
  kParked = 4,   // their jobs that wait
};

// One change of a write: a value for `key`, or nothing to remove it; with an `end`, which is more
// than `key`, to remove everything from `key` to before that.
struct StateChange {
  StateFamily family = StateFamily::kApplied;
  std::string key;
  std::optional<std::string> value;
  std::string end = {};

  bool operator==(const StateChange&) const = default;
};

class StateStore {
 public:
  virtual ~StateStore() = default;

  // NOT_FOUND when there is no such key.
  virtual absl::StatusOr<std::string> Get(StateFamily family, absl::string_view key) const = 0;

  // Visits every entry with start <= key < end, in order of the keys' bytes, all from one instant,
  // until `visit` returns false. An empty `end` means to the last key. The views are good during
  // the visit.
  virtual absl::Status Scan(
      StateFamily family, absl::string_view start, absl::string_view end,
      absl::FunctionRef<bool(absl::string_view key, absl::string_view value)> visit) const = 0;

  // Applies all changes or none, in order, in every family at once. Seen by later reads; not
  // durable. After an error the store takes no more writes until it is opened again.
  virtual absl::Status Write(absl::Span<const StateChange> changes) = 0;

  // Everything written before is durable, in every family up to the same write.
  virtual absl::Status Flush() = 0;

  // Flushes, then makes a durable copy in `directory`, which must not exist; its parent must. Files
  // are linked, not copied, so it costs little and takes no space of its own at first. After an
  // error `directory` may be there, half made.
  virtual absl::Status Snapshot(const std::string& directory) = 0;
};

}  // namespace weir

#endif  // WEIR_STORAGE_META_STATE_STORE_H_
