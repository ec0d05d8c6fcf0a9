// Position: a place in a partition as a person names it: its start, its end, an offset, a time.
// Immutable value, any thread.
#ifndef WEIR_CLIENT_INCLUDE_WEIR_POSITION_H_
#define WEIR_CLIENT_INCLUDE_WEIR_POSITION_H_

#include <variant>

#include "absl/time/time.h"
#include "storage/base/types.h"

namespace weir {

struct Earliest {  // the log start offset
  bool operator==(const Earliest&) const = default;
};
struct Latest {  // the high watermark: only what is written from now on
  bool operator==(const Latest&) const = default;
};

// absl::Time: the first offset whose record's timestamp is at or after it (to the millisecond), the
// high watermark when there is none.
using Position = std::variant<Earliest, Latest, Offset, absl::Time>;

}  // namespace weir

#endif  // WEIR_CLIENT_INCLUDE_WEIR_POSITION_H_
