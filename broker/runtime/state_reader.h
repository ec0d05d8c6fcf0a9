// StateReader: a machine's own state in the state store as everything that was replayed has made
// it: what the store holds, and over that the changes that are not written there yet. It is how a
// machine keeps more than fits memory: it remembers the part that it needs next, and reads on when
// that is used up. Called on the shard's strand, from handlers and StateMachine::OnLoaded only; may
// wait for the disk.
#ifndef WEIR_BROKER_RUNTIME_STATE_READER_H_
#define WEIR_BROKER_RUNTIME_STATE_READER_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/meta/state_store.h"

namespace weir {

class StateReader {
 public:
  using Visit = absl::FunctionRef<bool(absl::string_view key, absl::string_view value)>;

  virtual ~StateReader() = default;

  // NOT_FOUND when there is no such key.
  virtual absl::StatusOr<std::string> Get(StateFamily family, absl::string_view key) const = 0;

  // Visits every entry with start <= key < end, in order of the keys' bytes, until `visit` returns
  // false. The views are good during the visit.
  virtual absl::Status Scan(StateFamily family, absl::string_view start, absl::string_view end,
                            Visit visit) const = 0;
};

}  // namespace weir

#endif  // WEIR_BROKER_RUNTIME_STATE_READER_H_
