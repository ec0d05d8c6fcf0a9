#include "storage/base/seeded_bugs.h"

#include <cstdlib>

namespace weir {

#ifdef WEIR_SEEDED_BUGS
bool SeededBug(absl::string_view name) {
  static const char* const chosen = std::getenv("WEIR_BUG");
  return chosen != nullptr && name == chosen;
}
#endif

}  // namespace weir
