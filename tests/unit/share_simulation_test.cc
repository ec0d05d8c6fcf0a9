// Share groups in a world that goes wrong in every way, from seeds. WEIR_SHARE_SEEDS says how
// many, WEIR_SEED chooses one.
#include "tests/unit/share_simulation.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "tests/support/environment.h"

namespace weir {
namespace {

constexpr int kActions = 600;

TEST(ShareSimulationTest, WhatMustHoldHoldsInAnyWorld) {
  ForSeeds("WEIR_SHARE_SEEDS", 1'000, [](uint64_t seed) {
    ASSERT_EQ(ShareSimulation(seed).Run(kActions), "") << "WEIR_SEED=" << seed;
  });
}

}  // namespace
}  // namespace weir
