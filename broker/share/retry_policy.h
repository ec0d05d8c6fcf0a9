// RetryPolicy: when a job that was not finished is tried again. Pure functions, any thread.
#ifndef WEIR_BROKER_SHARE_RETRY_POLICY_H_
#define WEIR_BROKER_SHARE_RETRY_POLICY_H_

#include <cstdint>

#include "broker/share/share_settings.h"

namespace weir {

// How long a job waits after its `attempts`th attempt (from 1): the initial backoff, doubled with
// every further attempt up to the longest, and of that, by `chance` (any 64 bits), up to 20 % more
// or less, at least 1 ms.
int64_t RetryBackoffMs(const ShareSettings& settings, int32_t attempts, uint64_t chance);

}  // namespace weir

#endif  // WEIR_BROKER_SHARE_RETRY_POLICY_H_
