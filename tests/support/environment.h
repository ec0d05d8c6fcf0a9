// FromEnvironment: the sizes and seeds of tests, which the environment may set.
#ifndef WEIR_TESTS_SUPPORT_ENVIRONMENT_H_
#define WEIR_TESTS_SUPPORT_ENVIRONMENT_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>

#include "absl/strings/numbers.h"

namespace weir {

// The number in the variable; `otherwise` when it is not set, and with a failure when it is no
// number.
template <typename Number>
Number FromEnvironment(const char* name, Number otherwise) {
  const char* const text = std::getenv(name);
  Number value = otherwise;
  if (text != nullptr && !absl::SimpleAtoi(text, &value))
    ADD_FAILURE() << name << "=" << text << " is no number";
  return value;
}

// Calls `play`(seed) for WEIR_SEED alone, or else for seeds 1 to what the variable says; until the
// test fails.
template <typename Play>
void ForSeeds(const char* count_name, uint64_t count, const Play& play) {
  const bool one = std::getenv("WEIR_SEED") != nullptr;
  const uint64_t first = FromEnvironment("WEIR_SEED", uint64_t{1});
  const uint64_t end = first + (one ? 1 : FromEnvironment(count_name, count));
  for (uint64_t seed = first; seed < end && !::testing::Test::HasFailure(); ++seed) play(seed);
}

}  // namespace weir

#endif  // WEIR_TESTS_SUPPORT_ENVIRONMENT_H_
