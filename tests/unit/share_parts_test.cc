// The parts of share groups one by one, against the simplest thing that does the same: sets of
// offsets, locks, lines of keys, backoff, the table of transitions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "broker/share/delivery_state.h"
#include "broker/share/key_lines.h"
#include "broker/share/lock_table.h"
#include "broker/share/offset_ranges.h"
#include "broker/share/parked_job.h"
#include "broker/share/retry_policy.h"
#include "broker/share/share_types.h"
#include "storage/base/limits.h"
#include "tests/support/sim_random.h"

namespace weir {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kSpace = 40;

OffsetRange AnyRange(SimRandom* random) {
  const Offset first{static_cast<int64_t>(random->Below(kSpace))};
  return {first, first + static_cast<int64_t>(random->Below(8))};
}

std::set<int64_t> Members(const OffsetRanges& ranges) {
  std::set<int64_t> members;
  for (const auto& [first, last] : ranges.ranges()) {
    EXPECT_LE(first, last);
    EXPECT_FALSE(members.contains(first.value() - 1)) << "two ranges touch at " << first;
    for (Offset offset = first; offset <= last; ++offset) members.insert(offset.value());
  }
  return members;
}

TEST(OffsetRangesTest, AreTheSetOfTheirOffsets) {
  SimRandom random(1);
  for (int round = 0; round < 50; ++round) {
    OffsetRanges ranges;
    std::set<int64_t> model;
    for (int step = 0; step < 100; ++step) {
      const OffsetRange range = AnyRange(&random);
      bool overlaps = false;
      for (Offset offset = range.first; offset <= range.last; ++offset)
        overlaps |= model.contains(offset.value());
      ASSERT_EQ(ranges.Overlaps(range), overlaps);
      std::vector<int64_t> gaps;
      ranges.VisitGaps(range, [&gaps](const OffsetRange& gap) {
        for (Offset offset = gap.first; offset <= gap.last; ++offset)
          gaps.push_back(offset.value());
      });
      std::vector<int64_t> missing;
      for (Offset offset = range.first; offset <= range.last; ++offset) {
        ASSERT_EQ(ranges.Contains(offset), model.contains(offset.value()));
        if (!model.contains(offset.value())) missing.push_back(offset.value());
      }
      ASSERT_EQ(gaps, missing);
      if (random.Chance(0.5) && !overlaps) {
        const OffsetRange added = ranges.Add(range);
        ASSERT_LE(added.first, range.first);
        ASSERT_GE(added.last, range.last);
        for (Offset offset = range.first; offset <= range.last; ++offset)
          model.insert(offset.value());
      } else if (random.Chance(0.5)) {
        int64_t removed = 0;
        for (Offset offset = range.first; offset <= range.last; ++offset)
          removed += static_cast<int64_t>(model.erase(offset.value()));
        ASSERT_EQ(ranges.Remove(range), removed);
      } else if (!model.empty()) {
        const OffsetRange popped = ranges.PopFront(1 + static_cast<int64_t>(random.Below(3)));
        ASSERT_EQ(popped.first.value(), *model.begin());
        for (Offset offset = popped.first; offset <= popped.last; ++offset)
          ASSERT_EQ(model.erase(offset.value()), 1u);
      }
      ASSERT_EQ(Members(ranges), model);
      ASSERT_EQ(ranges.size(), static_cast<int64_t>(model.size()));
    }
  }
}

TEST(OffsetRangesTest, SayWhatBecamePartOfAnother) {
  OffsetRanges ranges;
  ranges.Add({Offset{0}, Offset{1}});
  ranges.Add({Offset{5}, Offset{6}});
  std::vector<OffsetRange> absorbed;
  const OffsetRange added = ranges.Add(
      {Offset{2}, Offset{4}}, [&absorbed](const OffsetRange& gone) { absorbed.push_back(gone); });
  EXPECT_EQ(added, (OffsetRange{Offset{0}, Offset{6}}));
  EXPECT_THAT(absorbed, ElementsAre(OffsetRange{Offset{5}, Offset{6}}));
}

TEST(LockTableTest, KnowsOfEveryJobWhoHasIt) {
  SimRandom random(2);
  LockTable table;
  std::map<int64_t, Lock> model;
  for (int step = 0; step < 3'000; ++step) {
    const OffsetRange range = AnyRange(&random);
    std::vector<std::pair<OffsetRange, std::optional<Lock>>> pieces;
    table.Visit(range, [&pieces](const OffsetRange& piece, const Lock* lock) {
      pieces.emplace_back(piece, lock == nullptr ? std::nullopt : std::optional<Lock>(*lock));
    });
    Offset next = range.first;
    for (const auto& [piece, lock] : pieces) {
      ASSERT_EQ(piece.first, next);
      next = piece.last + 1;
      for (Offset job = piece.first; job <= piece.last; ++job) {
        ASSERT_EQ(model.contains(job.value()), lock.has_value());
        if (lock.has_value()) {
          ASSERT_EQ(model[job.value()].counter, lock->counter);
        }
      }
    }
    ASSERT_EQ(next, range.last + 1);
    const auto& [piece, lock] = pieces[random.Below(pieces.size())];
    if (!lock.has_value()) {
      const Lock made{.counter = step + 1,
                      .session = ShareSessionId{1 + random.Below(3)},
                      .until = absl::Seconds(static_cast<int64_t>(random.Below(100)))};
      table.Add(piece, made);
      for (Offset job = piece.first; job <= piece.last; ++job) model[job.value()] = made;
    } else if (random.Chance(0.7)) {
      table.Remove(piece);
      for (Offset job = piece.first; job <= piece.last; ++job) model.erase(job.value());
    } else {
      table.Extend(piece, absl::Seconds(200));
      for (Offset job = piece.first; job <= piece.last; ++job)
        model[job.value()].until = absl::Seconds(200);
    }
    ASSERT_EQ(table.in_flight(), static_cast<int64_t>(model.size()));
    std::optional<absl::Duration> first;
    std::map<ShareSessionId, int64_t> held;
    for (const auto& [job, of] : model) {
      first = std::min(first.value_or(of.until), of.until);
      ++held[of.session];
    }
    ASSERT_EQ(table.NextExpiry(), first);
    for (uint64_t session = 1; session <= 3; ++session) {
      int64_t jobs = 0;
      for (const LockedJobs& locked : table.OfSession(ShareSessionId{session}))
        jobs += locked.jobs.size();
      ASSERT_EQ(jobs, held[ShareSessionId{session}]);
      ASSERT_EQ(table.Holds(ShareSessionId{session}), jobs > 0);
    }
  }
}

constexpr KeyHash kA{1, 1};
constexpr KeyHash kB{2, 2};

TEST(KeyLinesTest, KeepTheOrderOfEachKey) {
  KeyLines lines;
  lines.Hold(kA, Offset{0});
  lines.LineUp(kA, Offset{2});
  lines.LineUp(kA, Offset{4});
  lines.LineUp(kA, Offset{6});
  lines.Hold(kB, Offset{1});
  EXPECT_EQ(lines.jobs(), 5u);
  EXPECT_THAT(lines.LinedUp(Offset{3}, 5), ElementsAre(Offset{4}, Offset{6}));
  lines.LeaveLine(Offset{4});
  EXPECT_FALSE(lines.KeyOf(Offset{4}).has_value());
  EXPECT_EQ(lines.HolderOf(kA), Offset{0});
  lines.Release(kA);
  EXPECT_EQ(lines.HolderOf(kA), std::nullopt);
  EXPECT_EQ(lines.FirstInLine(kA), Offset{2});
  lines.PopLine(kA);
  lines.Hold(kA, Offset{2});
  lines.LeaveLine(Offset{6});
  EXPECT_FALSE(lines.HasLine(kA));
  lines.LineUp(kA, Offset{8});
  EXPECT_EQ(lines.FirstInLine(kA), Offset{8});
  EXPECT_TRUE(lines.IsInLine(Offset{8}));
  EXPECT_FALSE(lines.IsInLine(Offset{2}));
  lines.Release(kB);
  lines.Release(kA);
  lines.PopLine(kA);
  EXPECT_EQ(lines.jobs(), 0u);
  EXPECT_EQ(lines.in_line(), 0u);
}

TEST(HeldKeysTest, NeverMissAKeyAlsoWhenThereAreTooManyToRemember) {
  HeldKeys held;
  const auto key = [](uint64_t i) { return KeyHashOf(absl::StrCat("key ", i)); };
  const uint64_t count = limits::kHeldKeysExact * 3 / 2;
  for (uint64_t i = 0; i < count; ++i) {
    EXPECT_FALSE(i < limits::kHeldKeysExact && held.MaybeHeld(key(i)));
    held.Add(key(i));
    held.Add(key(i));
  }
  for (uint64_t i = 0; i < count; ++i) ASSERT_TRUE(held.MaybeHeld(key(i)));
  for (uint64_t i = 0; i < count; ++i) held.Remove(key(i));
  for (uint64_t i = 0; i < count; ++i) ASSERT_TRUE(held.MaybeHeld(key(i)));
  for (uint64_t i = 0; i < count; ++i) held.Remove(key(i));
  uint64_t in_vain = 0;
  for (uint64_t i = 0; i < count; ++i) in_vain += held.MaybeHeld(key(i)) ? 1 : 0;
  EXPECT_EQ(in_vain, 0u);
}

TEST(LineBeginsTest, IsNeverBehindWhatComesAndForgetsRatherThanGrow) {
  using Place = LineBegins::Place;
  LineBegins begins;
  EXPECT_EQ(begins.Of(kA), Place());
  begins.OnStored(kA, {kOrdinaryTurn, Offset{5}});  // of a key that was not looked at
  EXPECT_EQ(begins.Of(kA), Place());
  begins.Note(kA, {kOrdinaryTurn, Offset{7}});
  begins.OnStored(kA, {kOrdinaryTurn, Offset{9}});
  EXPECT_EQ(begins.Of(kA), (Place{kOrdinaryTurn, Offset{7}}));
  begins.OnStored(kA, {1000, Offset{8}});
  EXPECT_EQ(begins.Of(kA), (Place{1000, Offset{8}}));
  begins.OnStored(kA, {0, Offset{20}});
  EXPECT_EQ(begins.Of(kA), (Place{0, Offset{20}}));
  begins.Note(kA, {kOrdinaryTurn, Offset{21}});
  EXPECT_EQ(begins.Of(kA), (Place{kOrdinaryTurn, Offset{21}}));
  EXPECT_EQ(begins.Of(kB), Place());
  for (int i = 0; i < 3000; ++i)
    begins.Note(KeyHashOf(absl::StrCat("key ", i)), {kOrdinaryTurn, Offset{1}});
  EXPECT_EQ(begins.Of(kA), Place());
  EXPECT_EQ(begins.Of(KeyHashOf("key 2999")), (Place{kOrdinaryTurn, Offset{1}}));
}

TEST(KeyHashTest, NeverChanges) {
  // MurmurHash3 x64 128 of its author, seed 0.
  EXPECT_EQ(KeyHashOf(""), (KeyHash{0, 0}));
  EXPECT_EQ(KeyHashOf("hello"), (KeyHash{0xcbd8a7b341bd9b02, 0x5b1e906a48ae1d19}));
  EXPECT_EQ(KeyHashOf("The quick brown fox jumps over the lazy dog"),
            (KeyHash{0xe34bbc7bbc071b6c, 0x7a433ca9c49a9347}));
}

TEST(RetryPolicyTest, DoublesUpToTheLongestAndAFifthMoreOrLess) {
  const ShareSettings settings{.retry_backoff_initial_ms = 1'000, .retry_backoff_max_ms = 10'000};
  const auto bounds = [&settings](int32_t attempts) {
    int64_t least = RetryBackoffMs(settings, attempts, 0);
    int64_t most = least;
    SimRandom random(3);
    for (int i = 0; i < 20'000; ++i) {
      const int64_t backoff = RetryBackoffMs(settings, attempts, random.Next());
      least = std::min(least, backoff);
      most = std::max(most, backoff);
    }
    return std::pair(least, most);
  };
  EXPECT_EQ(bounds(1), std::pair(int64_t{800}, int64_t{1'200}));
  EXPECT_EQ(bounds(2).first, 1'600);
  EXPECT_EQ(bounds(4).first, 6'400);
  EXPECT_EQ(bounds(5).first, 8'000);
  EXPECT_EQ(bounds(1'000).first, 8'000);
}

TEST(RetryPolicyTest, IsNeverNothing) {
  const ShareSettings settings{.retry_backoff_initial_ms = 1, .retry_backoff_max_ms = 1};
  EXPECT_EQ(RetryBackoffMs(settings, 1, 0), 1);
}

TEST(DeliveryStateTest, EveryEventHasOneOutcomeAndEveryStateAWayOut) {
  std::set<std::pair<JobState, JobEvent>> seen;
  std::set<JobState> reached{JobState::kAvailable};
  std::set<JobState> left;
  for (const JobTransition& transition : kJobTransitions) {
    EXPECT_TRUE(seen.insert({transition.from, transition.event}).second);
    EXPECT_EQ(FindTransition(transition.from, transition.event), &transition);
    EXPECT_TRUE(transition.from == JobState::kAcquired ||
                (!transition.counted && transition.ending.empty()));
    EXPECT_EQ(transition.alone, transition.event == JobEvent::kSessionBroke);
    // Only what a crash undoes by itself is not written.
    EXPECT_TRUE(transition.durable || transition.to == JobState::kAcquired ||
                transition.to == JobState::kAvailable);
    reached.insert(transition.to);
    left.insert(transition.from);
  }
  EXPECT_THAT(reached, ElementsAre(JobState::kAvailable, JobState::kAcquired, JobState::kDelayed,
                                   JobState::kBlocked, JobState::kDying, JobState::kFinished,
                                   JobState::kDead));
  EXPECT_FALSE(left.contains(JobState::kFinished) || left.contains(JobState::kDead));
  EXPECT_EQ(left.size(), 5u);
}

}  // namespace
}  // namespace weir
