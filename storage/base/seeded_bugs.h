// SeededBug: deliberate defects, compiled in only with -DWEIR_SEEDED_BUGS=ON, that the test suite
// must catch: a proof that the tests can see what they are there for (tests/README.md lists them).
// In every other build it is the constant false.
#ifndef WEIR_STORAGE_BASE_SEEDED_BUGS_H_
#define WEIR_STORAGE_BASE_SEEDED_BUGS_H_

#include "absl/strings/string_view.h"

namespace weir {

#ifdef WEIR_SEEDED_BUGS
// True when the environment variable WEIR_BUG names this defect.
bool SeededBug(absl::string_view name);
#else
constexpr bool SeededBug(absl::string_view) { return false; }
#endif

}  // namespace weir

#endif  // WEIR_STORAGE_BASE_SEEDED_BUGS_H_
