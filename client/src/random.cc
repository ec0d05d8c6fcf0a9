#include "client/src/random.h"

#include <algorithm>
#include <cmath>

#include "absl/random/random.h"

namespace weir::client {

int32_t RandomBelow(int32_t n) {
  thread_local absl::InsecureBitGen generator;
  return absl::Uniform<int32_t>(generator, 0, n);
}

absl::Duration BackoffDelay(const ClientOptions::Backoff& backoff, int failures) {
  constexpr int kSteps = 1'000;
  const absl::Duration whole =
      std::min(backoff.first * std::exp2(std::clamp(failures - 1, 0, 30)), backoff.largest);
  return whole * (0.5 + 0.5 * RandomBelow(kSteps) / kSteps);
}

}  // namespace weir::client
