// Share groups in a world that goes wrong in every way, from seeds. WEIR_SHARE_SEEDS says how
// many, WEIR_SEED chooses one.
#include "tests/unit/share_simulation.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr int kActions = 600;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  uint64_t value = otherwise;
  if (text != nullptr && !absl::SimpleAtoi(text, &value))
    ADD_FAILURE() << name << "=" << text << " is no number";
  return value;
}

TEST(ShareSimulationTest, WhatMustHoldHoldsInAnyWorld) {
  const uint64_t first = FromEnvironment("WEIR_SEED", 1);
  const uint64_t count =
      std::getenv("WEIR_SEED") != nullptr ? 1 : FromEnvironment("WEIR_SHARE_SEEDS", 300);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    const std::string wrong = ShareSimulation(seed).Run(kActions);
    ASSERT_EQ(wrong, "") << "WEIR_SEED=" << seed;
  }
}

}  // namespace
}  // namespace weir
