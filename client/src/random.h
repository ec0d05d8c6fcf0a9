// Chance: where it does not matter which way it falls, only that many clients do not fall the same
// way. Any thread.
#ifndef WEIR_CLIENT_SRC_RANDOM_H_
#define WEIR_CLIENT_SRC_RANDOM_H_

#include <cstdint>

#include "absl/time/time.h"
#include "weir/client.h"

namespace weir::client {

// From 0 to n - 1; n is at least 1.
int32_t RandomBelow(int32_t n);

// How long to wait after the n-th failure in a row, n from 1: see ClientOptions::Backoff.
absl::Duration BackoffDelay(const ClientOptions::Backoff& backoff, int failures);

}  // namespace weir::client

#endif  // WEIR_CLIENT_SRC_RANDOM_H_
