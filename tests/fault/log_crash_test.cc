// Crash points: the power goes (or the process is killed) before every single file operation of a
// mixed workload; every disk that can be left is recovered and held against the promises; recovery
// itself is cut off again. tests/README.md says how to replay a failing seed and how to run more.
#include <gtest/gtest.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "tests/fault/log_workload.h"
#include "tests/support/environment.h"

namespace weir {
namespace {

// The quick run, unless the environment says otherwise, and how many states it checks at least.
constexpr int kQuickSeeds = 5;
constexpr int64_t kQuickSteps = 260;
constexpr int64_t kQuickImages = 8;
constexpr int64_t kQuickStates = 40'000;

struct Counts {
  int64_t states = 0;
  int64_t nested = 0;
};

// Recovers what the crash left and checks everything; `depth` more crashes strike during the
// recovery.
void CheckState(std::unique_ptr<SimFileSystem> disk, const LogWorld& before, bool power_lost,
                uint64_t seed, int depth, const std::string& name, Counts* counts) {
  ++counts->states;
  SimRandom random(seed);
  if (depth > 0) {
    // The recovery is interrupted before one of its operations, then everything is checked again
    // from there.
    auto again = disk->Clone();
    const int64_t crash_at = 1 + static_cast<int64_t>(random.Below(40));
    again->CrashAt(crash_at);
    auto interrupted = LogWorld::Restart(std::move(again), before);
    interrupted->Open().IgnoreError();
    ++counts->nested;
    CheckState(interrupted->disk().CrashImage(seed + 1, CrashMode::kRandom), before, power_lost,
               seed + 2, depth - 1,
               absl::StrCat(name, ", recovery cut off at its operation ", crash_at), counts);
    if (testing::Test::HasFailure()) return;
  }
  auto after = LogWorld::Restart(std::move(disk), before);
  const absl::Status opened = after->Open();
  ASSERT_TRUE(opened.ok()) << name << ": " << opened;
  ASSERT_EQ(after->CheckPromises(power_lost), "") << name << "\n"
                                                  << after->disk().RecentOperations();
  // A part of the states goes on working: the producer sends again, and a clean restart shows the
  // same.
  if (random.Below(4) != 0) return;
  ASSERT_EQ(after->CheckResend(), "") << name;
  ASSERT_TRUE(after->Close().ok()) << name;
  auto later = LogWorld::Restart(after->disk().CrashImage(seed, CrashMode::kDropUnsynced), *after);
  ASSERT_TRUE(later->Open().ok()) << name;
  ASSERT_EQ(later->CheckPromises(power_lost), "") << name << ", after a clean restart";
}

class LogCrashTest : public ::testing::TestWithParam<int> {};

TEST_P(LogCrashTest, EveryStateThatACrashCanLeaveKeepsThePromises) {
  const auto quick_seed = static_cast<uint64_t>(1000 + GetParam());
  const uint64_t seed = FromEnvironment("WEIR_SEED", quick_seed);
  const int64_t steps = FromEnvironment("WEIR_CRASH_STEPS", kQuickSteps);
  const int64_t images = FromEnvironment("WEIR_CRASH_IMAGES", kQuickImages);
  LogWorldOptions options;
  options.dirty_logs = seed % 2 == 0 ? 3 : 1000;
  options.journal_file_bytes =
      seed % 2 == 0 ? 64 * 1024 : 16 * 1024;  // small files are used again soon
  LogWorld world(std::make_unique<SimFileSystem>(seed), Ledger{}, options);
  LogWorkload::Begin(&world);
  world.config().segment_age = absl::Hours(1);
  ASSERT_TRUE(world.Open().ok());
  Counts counts;
  LogWorkload workload(seed);
  int64_t operation = 0;
  world.disk().SetObserver([&](const Operation& next) {
    if (testing::Test::HasFailure() || IsRead(next.kind)) return;
    ++operation;
    SimRandom random(seed * 1'000'003 + static_cast<uint64_t>(operation));
    const std::string where =
        absl::StrCat("seed ", seed, ", before operation ", operation, " (", next.ToString(), ")");
    CheckState(world.disk().Clone(), world, /*power_lost=*/false, random.Next(), 0,
               where + ", killed", &counts);
    CheckState(world.disk().CrashImage(1, CrashMode::kDropUnsynced), world, /*power_lost=*/true,
               random.Next(), 0, where + ", unsynced dropped", &counts);
    for (int64_t i = 0; i < images && !testing::Test::HasFailure(); ++i) {
      const uint64_t image_seed = random.Next();
      CheckState(world.disk().CrashImage(image_seed, CrashMode::kRandom), world,
                 /*power_lost=*/true, random.Next(), i % 4 == 0 ? 2 : 0,
                 absl::StrCat(where, ", image ", image_seed), &counts);
    }
    workload.Meanwhile(&world);
  });
  for (int64_t step = 0; step < steps && !HasFailure(); ++step) workload.Step(&world);
  world.Pump();
  world.disk().SetObserver(nullptr);
  std::cout << "crash points: seed " << seed << ", " << operation << " operations, "
            << counts.states << " states checked, " << counts.nested
            << " of them after a crash during recovery\n";
  const bool quick = seed == quick_seed && steps == kQuickSteps && images == kQuickImages;
  if (quick) {
    EXPECT_GE(counts.states, kQuickStates / kQuickSeeds);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LogCrashTest, ::testing::Range(0, kQuickSeeds));

}  // namespace
}  // namespace weir
