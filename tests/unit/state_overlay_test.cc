// StateOverlay: layers of changes over a store read like a store that has them all.
#include "broker/runtime/state_overlay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/support/fake_state_store.h"
#include "tests/support/sim_random.h"

namespace weir {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

Entries ScanOf(const StateStore& store, absl::Span<const StateOverlay* const> layers,
               StateFamily family, const std::string& start, const std::string& end, size_t limit) {
  Entries entries;
  EXPECT_TRUE(ScanOver(store, layers, family, start, end,
                       [&](absl::string_view key, absl::string_view value) {
                         entries.emplace_back(key, value);
                         return entries.size() < limit;
                       })
                  .ok());
  return entries;
}

StateChange AnyChange(SimRandom* random) {
  const StateFamily family = random->Chance(0.5) ? StateFamily::kGroups : StateFamily::kParked;
  const uint64_t number = random->Below(10);
  const std::string key = absl::StrCat("k", number);
  if (random->Chance(0.1)) {
    const uint64_t last = std::min<uint64_t>(number + random->Below(4), 9);
    return {family, key, std::nullopt, absl::StrCat("k", last, "~")};
  }
  if (random->Chance(0.3)) return {family, key, std::nullopt};
  return {family, key, absl::StrCat(random->Below(1'000))};
}

TEST(StateOverlayTest, LayersReadLikeAStoreThatHasThemAll) {
  SimRandom random(1);
  for (int round = 0; round < 500; ++round) {
    FakeStateStore all;
    FakeStateStore store;
    std::vector<StateOverlay> overlays(1 + random.Below(4));
    for (int i = 0; i < 10; ++i) {
      const StateChange change = AnyChange(&random);
      ASSERT_TRUE(all.Write({change}).ok());
      ASSERT_TRUE(store.Write({change}).ok());
    }
    std::vector<const StateOverlay*> layers;
    for (StateOverlay& overlay : overlays) {
      layers.push_back(&overlay);
      for (uint64_t i = random.Below(8); i > 0; --i) {
        StateChange change = AnyChange(&random);
        ASSERT_TRUE(all.Write({change}).ok());
        overlay.Add(std::move(change));
      }
    }
    for (const StateFamily family : {StateFamily::kGroups, StateFamily::kParked}) {
      for (const std::string start : {"", "k3"}) {
        for (const std::string end : {"", "k7"}) {
          for (const size_t limit : {size_t{2}, size_t{100}}) {
            ASSERT_EQ(ScanOf(store, layers, family, start, end, limit),
                      ScanOf(all, {}, family, start, end, limit));
          }
        }
      }
      for (int i = 0; i < 10; ++i) {
        const std::string key = absl::StrCat("k", i);
        const absl::StatusOr<std::string> value = GetOver(store, layers, family, key);
        const absl::StatusOr<std::string> expected = all.Get(family, key);
        ASSERT_EQ(value.ok(), expected.ok());
        ASSERT_EQ(value.value_or(""), expected.value_or(""));
      }
    }
    // One after the other they are one, and written they are in the store.
    StateOverlay one;
    for (StateOverlay& overlay : overlays) one.Add(std::move(overlay));
    ASSERT_TRUE(store.Write(one.Changes()).ok());
    ASSERT_EQ(store.content(), all.content());
  }
}

}  // namespace
}  // namespace weir
