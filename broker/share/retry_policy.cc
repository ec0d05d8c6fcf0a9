#include "broker/share/retry_policy.h"

#include <algorithm>

namespace weir {

int64_t RetryBackoffMs(const ShareSettings& settings, int32_t attempts, uint64_t chance) {
  int64_t backoff = settings.retry_backoff_initial_ms;
  for (int32_t i = 1; i < attempts && backoff < settings.retry_backoff_max_ms; ++i) backoff *= 2;
  backoff = std::min(backoff, settings.retry_backoff_max_ms);
  const int64_t most = backoff / 5;  // 20 %
  const int64_t jitter = static_cast<int64_t>(chance % static_cast<uint64_t>(2 * most + 1)) - most;
  return std::max<int64_t>(backoff + jitter, 1);
}

}  // namespace weir
