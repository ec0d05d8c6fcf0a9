#include "tools/cli/top_look.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir {

double PerSecond(double grown, absl::Duration time) {
  return std::max(grown, 0.0) / std::max(absl::ToDoubleSeconds(time), 1e-3);
}

std::string ShortenedName(const std::string& name, const std::optional<TopSpace>& space) {
  constexpr size_t kNarrowest = 10;
  if (!space.has_value()) return name;
  const size_t most = std::max(space->columns / 5, kNarrowest);
  return name.size() <= most ? name : absl::StrCat(name.substr(0, most - 1), "~");
}

}  // namespace weir
