// Consumer groups in a world that goes wrong in every way, from seeds. WEIR_GROUP_SEEDS says how
// many, WEIR_SEED chooses one.
#include "tests/unit/group_simulation.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "tests/support/environment.h"

namespace weir {
namespace {

constexpr int kActions = 600;

TEST(GroupSimulationTest, WhatMustHoldHoldsInAnyWorld) {
  ForSeeds("WEIR_GROUP_SEEDS", 300, [](uint64_t seed) {
    ASSERT_EQ(GroupSimulation(seed).Run(kActions), "") << "WEIR_SEED=" << seed;
  });
}

}  // namespace
}  // namespace weir
